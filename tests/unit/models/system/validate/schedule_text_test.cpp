#include <gtest/gtest.h>

#include <random>

#include "tests/support/scale.hpp"
#include "tests/unit/models/system/validate/schedule_samples.hpp"

namespace bondsim {
namespace {

using testing::dataflow;
using testing::FusedSample;
using testing::h2llm_system;
using testing::lengths;
using testing::model;
using testing::written;

TEST(ScheduleText, reading_what_was_written_gives_the_same_bytes) {
  const auto source = make_schedule(h2llm_system(), model("llama-3-8b"), lengths(2, 33, 2), dataflow("data_centric"));
  const std::string text = written(*source);
  const auto read = read_schedule(std::make_unique<std::istringstream>(text), "text");
  EXPECT_EQ(written(*read), text);
  EXPECT_GT(text.size(), 10'000u);
}

std::string error_of(const std::string& text) {
  try {
    const auto source = read_schedule(std::make_unique<std::istringstream>(text), "s.json");
    Block block;
    while (source->next(block)) {
    }
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(ScheduleText, errors_name_the_line_and_the_field) {
  const std::string header =
      R"({"schema":"bondsim.schedule/2","model":"m","dataflow":"d","channels":["nmp.channel0"],"batch":1,"layers":1,"steps":0,"all_layers":false,"operators":[["q","prefill","npu"]]})"
      "\n";
  EXPECT_EQ(error_of(""), "s.json: empty, a schedule begins with its header line");
  EXPECT_EQ(error_of(R"({"schema":"bondsim.schedule/3"})"),
            "s.json:1: schema: 'bondsim.schedule/3' is not known, allowed: bondsim.schedule/2");
  EXPECT_EQ(error_of(R"({"schema":"bondsim.schedule/1"})"),
            "s.json:1: schema: 'bondsim.schedule/1' was written by an older version, write it again with bondsim map");
  EXPECT_NE(error_of(header + "{\"phase\":\"prefill\"").find("s.json:2: not valid JSON"), std::string::npos);
  const auto task = [&](const std::string& t) {
    return error_of(header + R"({"phase":"prefill","step":0,"layer":0,"tasks":[)" + t + "]}");
  };
  EXPECT_NE(task(R"({"kind":"sleep"})").find("s.json:2: tasks[0].kind: 'sleep' is not known, allowed: host_scatter, nmp_gemm"),
            std::string::npos);
  EXPECT_NE(task(R"({"kind":"npu_vector","op":0})").find("tasks[0]: 'vector' is missing"), std::string::npos);
  EXPECT_NE(task(R"({"kind":"npu_vector","op":0,"vector":["norm",1.5]})").find("tasks[0].vector[1]: 1.5 found, a whole number"),
            std::string::npos);
  EXPECT_NE(task(R"({"kind":"host_load","op":0,"extents":[[0,0,16,0]]})").find("tasks[0].extents[0]: 4 values found, 5 expected"),
            std::string::npos);
  EXPECT_NE(task(R"({"kind":"barrier","when":3})").find("unknown key 'when'"), std::string::npos);
  EXPECT_NE(task(R"({"kind":"barrier","op":4294967296})").find("does not fit 32 bits"), std::string::npos);
  EXPECT_NE(task(R"({"kind":"host_load","on":"hb.channel9"})").find("tasks[0].on: 'hb.channel9' is not known, allowed: npu.arrays"),
            std::string::npos);
  EXPECT_EQ(task(R"({"kind":"barrier","on":"none"})"), "");
  EXPECT_EQ(task(R"({"kind":"barrier"})"), "");
}

TEST(ScheduleText, fused_attention_is_read_as_it_was_written) {
  FusedSample sample;
  std::ostringstream out;
  ScheduleWriter writer(out, sample.source->header());
  writer.write(sample.layer);
  writer.finish();
  const std::string text = out.str();
  EXPECT_NE(text.find("\"accumulate\":true"), std::string::npos);
  EXPECT_EQ(written(*read_schedule(std::make_unique<std::istringstream>(text), "text")), text);
}

/// A file with a damaged byte or number is read or rejected, but never brings the program down.
TEST(ScheduleText, damaged_text_is_rejected_or_harmless) {
  const System system = h2llm_system();
  const auto source = make_schedule(system, model("llama-3-8b"), lengths(1, 9, 1), dataflow("data_centric"));
  const std::string text = written(*source);
  std::mt19937_64 random(77);
  const std::vector<std::string> numbers = {"-1",  "0",    "2147483647", "-2147483648", "9223372036854775807",
                                            "1e9", "null", "[]",         "\"x\"",       "99999"};
  int rejected = 0;
  const int trials = test::scaled(60);
  for (int trial = 0; trial < trials; ++trial) {
    std::string damaged = text;
    const std::size_t at = random() % damaged.size();
    const std::size_t digit = damaged.find_first_of("0123456789", at);
    if (trial % 3 == 0 || digit == std::string::npos) {
      damaged[at] = static_cast<char>(32 + random() % 95);
    } else {
      const std::size_t end = damaged.find_first_not_of("0123456789", digit);
      damaged.replace(digit, end - digit, numbers[random() % numbers.size()]);
    }
    try {
      const auto read = read_schedule(std::make_unique<std::istringstream>(damaged), "damaged");
      rejected += validate_schedule(system, *read).has_value();
    } catch (const ConfigError&) {
      ++rejected;
    }
  }
  EXPECT_GT(rejected, trials / 2);
}

}  // namespace
}  // namespace bondsim
