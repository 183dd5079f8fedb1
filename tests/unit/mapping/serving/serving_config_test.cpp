#include "mapping/serving/serving_config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim::serving {
namespace {

const std::string head = "schema: bondsim.serving/1\nname: t\n";

ServingConfig read(const std::string& text) { return decode_serving(parse_yaml(head + text, "s.yaml")); }

std::string error(const std::string& text) {
  return test::error_of([&] { read(text); });
}

/// A key that is missing is named at its section.
TEST(ServingConfig, keys_that_do_not_go_together_are_named_with_line_and_what_is_allowed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"requests:\n  limit: 0\n", "s.yaml:4: serving.requests.limit: 0 found; made requests do not end by themselves, allowed: from 1"},
      {"requests:\n  source: azure\n", "s.yaml:3: serving.requests.file: is missing, allowed: the name of a trace"},
      {"requests:\n  lengths: file\n", "s.yaml:3: serving.requests.lengths_file: is missing, allowed: the name of a trace"},
      {"requests:\n  window_begin_s: 5\n  window_end_s: 5\n",
       "s.yaml:5: serving.requests.window_end_s: 5 found, allowed: after window_begin_s (5)"},
      {"kv:\n  capacity_tokens: 15\n", "s.yaml:4: serving.kv.capacity_tokens: 15 found, allowed: at least a page of 16 tokens"},
      {"batch:\n  policy: fifo\n",
       "s.yaml:4: serving.batch.policy: 'fifo' is not known, allowed: static, prefill_first, decode_first, chunked_prefill, co_processing"},
      {"kv:\n  prefix_reuse: true\n  page_tokens: 24\n",
       "s.yaml:5: serving.kv.page_tokens: 24 found; with prefix_reuse, allowed: divisors of 512"},
      {"kv:\n  prefix_reuse: true\n  addresses: consecutive\n",
       "s.yaml:5: serving.kv.addresses: 'consecutive' found; with prefix_reuse, allowed: paged"},
      {"kv:\n  preemption: swap\n  addresses: consecutive\n",
       "s.yaml:5: serving.kv.addresses: 'consecutive' found; with preemption by swap, allowed: paged"},
      {"kv:\n  preemption: swap\n  swap_tokens: 15\n", "s.yaml:5: serving.kv.swap_tokens: 15 found, allowed: at least a page of 16 tokens"},
      {"speculation:\n  draft: ngram\n  acceptance: [0.5]\n  width: [2, 1]\n",
       "s.yaml:6: serving.speculation.width: a tree found, allowed: a chain"},
      {"speculation:\n  acceptance: [0.5]\n  schedule: parallel\n",
       "s.yaml:5: serving.speculation.schedule: 'parallel' found with draft ngram, allowed with draft model"},
      {"speculation:\n  depth: 2\n",
       "s.yaml:3: serving.speculation.acceptance: give either acceptance or trace_file, allowed: exactly one of them"},
      {"speculation:\n  draft: layers\n  acceptance: [0.5]\n", "s.yaml:3: serving.speculation.layers: is missing, draft layers needs it"},
      {"speculation:\n  layers: 2\n  acceptance: [0.5]\n",
       "s.yaml:4: serving.speculation.layers: given with draft ngram, allowed: left out"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(error(text), expected) << text;
}

/// What is fine with one key is refused only with the other.
TEST(ServingConfig, each_of_the_keys_alone_is_taken) {
  for (const char* text : {"requests: {window_begin_s: 5, window_end_s: 6}\n", "requests: {window_begin_s: 5}\n", "kv: {page_tokens: 24}\n",
                           "kv: {prefix_reuse: true}\n", "kv: {addresses: consecutive}\n", "kv: {preemption: swap, swap_tokens: 16}\n",
                           "kv: {swap_tokens: 15}\n", "kv: {capacity_tokens: 16}\n", "speculation: {acceptance: [0.5], width: [1, 1]}\n"}) {
    EXPECT_EQ(error(text), "no error") << text;
  }
  for (const char* policy : {"static", "prefill_first", "decode_first", "chunked_prefill", "co_processing"})
    EXPECT_EQ(error(fmt::format("batch: {{policy: {}}}\n", policy)), "no error");
}

TEST(ServingConfig, drafts_of_a_model_neither_swap_nor_run_beside) {
  const test::ScratchDirectory scratch;
  scratch.write("m.yaml", "");
  scratch.write("d.yaml", "");
  const auto with = [&](const std::string& more, const std::string& key) {
    const std::string file = scratch.write(
        "s.yaml", head + "speculation:\n  draft: model\n  model: m.yaml\n  dataflow: d.yaml\n  acceptance: [0.5]\n" + key + more);
    const std::string text = test::error_of([&] { decode_serving(load_yaml_file(file)); });
    return text.substr(std::min(text.size(), text.rfind('/') == std::string::npos ? 0 : text.rfind('/') + 1));
  };
  EXPECT_EQ(with("kv:\n  preemption: swap\n", ""),
            "s.yaml:9: serving.kv.preemption: 'swap' found; with drafts of a model, which has a cache of its own, allowed: recompute");
  EXPECT_EQ(with("", "  schedule: parallel\n"), "s.yaml:8: serving.speculation.schedule: 'parallel' found, allowed: serial");
  EXPECT_EQ(with("", ""), "no error");
}

/// A name stands relative to its file; one of the command line relative to where bondsim runs.
TEST(ServingConfig, traces_are_relative_to_the_file_that_names_them) {
  const test::ScratchDirectory scratch;
  scratch.write("r.csv", "");
  ConfigNode node = load_yaml_file(scratch.write("s.yaml", head + "requests:\n  source: azure\n  file: r.csv\n"));
  EXPECT_EQ(decode_serving(node).requests.file, scratch.file("r.csv"));
  ConfigNode by_command = node;
  apply_override(by_command, "requests.file", "r.csv");
  EXPECT_EQ(test::error_of([&] { decode_serving(by_command); }),
            "--set requests.file=r.csv: serving.requests.file: no such file, or it cannot be read; a trace is expected (No such file or "
            "directory): 'r.csv' (paths are relative to the file that names them)");
  apply_override(by_command, "requests.file", scratch.file("r.csv"));
  EXPECT_EQ(decode_serving(by_command).requests.file, scratch.file("r.csv"));
  ConfigNode lengths = load_yaml_file(scratch.write("l.yaml", head + "requests:\n  lengths: file\n  lengths_file: r.csv\n"));
  EXPECT_EQ(decode_serving(lengths).requests.lengths_file, scratch.file("r.csv"));
  apply_override(lengths, "requests.lengths_format", "made");
  EXPECT_EQ(test::error_of([&] { decode_serving(lengths); }),
            "--set requests.lengths_format=made: serving.requests.lengths_format: 'made' found, allowed: the format of a trace");
}

/// A request of 100 tokens takes 7 pages of 16 tokens, one of 113 takes 8.
TEST(ServingConfig, pages_are_whole_and_have_room_for_drafts) {
  const std::string batch = "batch: {max_batch: 4}\n", drafts = "speculation: {acceptance: [0.5], depth: 13}\n";
  EXPECT_EQ(read(batch + "kv: {context_tokens: 100}\n").pages(), 4 * 7);
  EXPECT_EQ(read(batch + "kv: {context_tokens: 100}\n" + drafts).pages(), 4 * 8);
  EXPECT_EQ(read(batch + "kv: {context_tokens: 96}\n").pages(), 4 * 6);
  EXPECT_EQ(read(batch + "kv: {capacity_tokens: 100}\n").pages(), 6) << "a page that is not whole is none";
  EXPECT_EQ(read(batch + "kv: {capacity_tokens: 100}\n").swap_pages(), 0);
  EXPECT_EQ(read(batch + "kv: {capacity_tokens: 100, preemption: swap}\n").swap_pages(), 6);
  EXPECT_EQ(read(batch + "kv: {capacity_tokens: 100, preemption: swap, swap_tokens: 40}\n").swap_pages(), 2);
}

}  // namespace
}  // namespace bondsim::serving
