#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/command.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::test {
namespace {

const std::string default_experiment = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml";
/// Keeps runs short: two decode steps after a prompt of eight tokens, a narrow model.
const std::string short_run =
    " --set workload.prompt_tokens=8 --set workload.generated_tokens=2 --set model.hidden=512 --set model.vocab=2048"
    " --set model.intermediate=1024";

void expect_error(const std::string& arguments, int status, const std::string& message) {
  const CommandResult result = bondsim_command(arguments);
  EXPECT_EQ(result.status, status) << arguments << "\n" << result.output;
  EXPECT_NE(result.output.find(message), std::string::npos) << arguments << "\n" << result.output;
}

TEST(CommandLine, bad_input_exits_2_with_file_line_key_and_what_is_allowed) {
  expect_error("run no-such-file.yaml", 2, "no-such-file.yaml: no such file");
  expect_error("run " + default_experiment + " --set system.nmp.pe.fpu=4", 2,
               "system.nmp.pe.fpu: unknown key, did you mean 'fpus'?, allowed: fpus, macs_per_fpu");
  expect_error("run " + default_experiment + " --set system.nmp.pe.fpus=0", 2, "system.nmp.pe.fpus: 0 is out of range, allowed: 1 to 1024");
  expect_error("run " + default_experiment + " --set system.nmp.hb.bandwidth_gbps=25GB", 2, "'25GB' is not a number");
  expect_error("run " + default_experiment + " --set nonsense", 2, "expected section.key=value");
  expect_error("run " + default_experiment + " --set engine.x=1", 2, "'engine' is not a section");
  expect_error("run configs/system/h2llm.yaml", 2, "--dataflow FILE is needed too");
  expect_error("run configs/dram/lpddr5-6400-32gb.yaml", 2, "schema");
  expect_error("run", 2, "EXPERIMENT");
  expect_error("fly", 2, "unknown command 'fly', allowed: run");
  expect_error("dataflows " + default_experiment + " --confirm 1001", 2,
               "bondsim dataflows: --confirm: Value 1001 not in range 1 to 1000; bondsim dataflows --help says what is allowed");
  expect_error("trace slice", 2, "bondsim trace slice: ");
}

TEST(CommandLine, names_that_are_nearly_right_are_answered_with_the_right_one) {
  expect_error("rnu " + default_experiment, 2, "unknown command 'rnu', did you mean 'run'?, allowed: run");
  expect_error("run " + default_experiment + " --sett a=b", 2, "bondsim run: unknown option '--sett', did you mean '--set'?");
  expect_error("trace slice --windw 1:2", 2, "bondsim trace slice: unknown option '--windw', did you mean '--window'?");
  expect_error("run h2llm-llama3-8b-sharegp", 2,
               "h2llm-llama3-8b-sharegp: no such file, and no experiment or system of that name comes with bondsim, did you mean "
               "'h2llm-llama3-8b-sharegpt'?");
  expect_error("run h2llm-llama3-8b-sharegpt --dataflow data_centrik", 2, "did you mean 'data_centric'?");
  expect_error("help dependancy", 2, "did you mean 'dependency'?");
}

TEST(CommandLine, shipped_configurations_have_names) {
  const CommandResult named = bondsim_command("map h2llm-llama3-8b-sharegpt --dataflow data_centric --explain");
  const CommandResult by_path = bondsim_command("map " + default_experiment + " --dataflow configs/dataflow/data_centric.yaml --explain");
  EXPECT_EQ(named.status, 0) << named.output;
  EXPECT_EQ(named.output, by_path.output);
}

TEST(CommandLine, help_and_version_are_words_too) {
  EXPECT_EQ(bondsim_command("help").output, bondsim_command("--help").output);
  EXPECT_EQ(bondsim_command("help run").output, bondsim_command("run --help").output);
  EXPECT_EQ(bondsim_command("version").output, bondsim_command("--version").output);
  const CommandResult word = bondsim_command("help host transfer");
  EXPECT_EQ(word.status, 0);
  EXPECT_EQ(word.output.rfind("host_transfer: ", 0), 0U) << word.output;
}

TEST(CommandLine, every_command_can_be_quiet) {
  const CommandResult list = bondsim_command("list --quiet");
  EXPECT_EQ(list.status, 0);
  EXPECT_EQ(list.output, "");
  expect_error("run no-such-file.yaml -q", 2, "no-such-file.yaml: no such file");
}

TEST(CommandLine, an_estimate_says_which_switches_it_does_not_follow) {
  const std::string estimate = "estimate " + default_experiment + short_run;
  const std::string note = " off in this system, which cycles alone follow; detailed takes them as on\n";
  EXPECT_EQ(bondsim_command(estimate).output.find(note), std::string::npos);
  const CommandResult off = bondsim_command(estimate + " --set system.fidelity.overlap=false --set system.fidelity.row_timing=false");
  EXPECT_NE(off.output.find("system.fidelity: row_timing, overlap" + note), std::string::npos) << off.output;
}

TEST(CommandLine, power_over_intervals_that_memory_does_not_hold_is_refused) {
  const ScratchDirectory scratch;
  expect_error("run " + default_experiment + short_run + " --power 0.001 --out " + scratch.file("o"), 2, "such intervals of ");
  EXPECT_FALSE(std::filesystem::exists(scratch.file("o")));
}

/// Without row timing the ranks' precharges take no time, but each a cycle of the command bus.
TEST(CommandLine, every_rung_of_a_ladder_runs_on_a_machine_of_ranks) {
  const CommandResult run = bondsim_command(
      "run configs/system/attacc.yaml --model configs/model/llama-3.2-1b.yaml --workload configs/workload/sharegpt.yaml --dataflow "
      "configs/dataflow/attention_offloading.yaml --ladder --set model.layers=1" +
      short_run);
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_NE(run.output.find("fidelity ladder: "), std::string::npos);
  const CommandResult quiet = bondsim_command("run " + default_experiment + short_run + " --ladder -q");
  EXPECT_EQ(quiet.output, "");
  for (const char* more : {"--json", "--stack edge-fan", "--trace tasks --out o", "--power 1000 --out o", "--sensitivity"}) {
    expect_error("run " + default_experiment + short_run + " --ladder " + more, 2, "--ladder: prints and writes its table alone");
  }
}

TEST(CommandLine, an_output_never_replaces_an_input) {
  const ScratchDirectory scratch;
  scratch.write("model.yaml", file_text(bondsim::tests::source_dir() + "/configs/model/llama-3-8b.yaml"));
  const std::string model = scratch.file("model.yaml"), before = file_text(model);
  expect_error("map " + default_experiment + " --model " + model + " --out " + model, 2, "is an input of this run, it is left alone");
  EXPECT_EQ(file_text(model), before);
}

TEST(CommandLine, names_with_commas_are_one_cell_of_what_validate_and_serve_write) {
  const ScratchDirectory scratch;
  const std::string named = " --set 'system.name=h2, \"y\"' --set 'model.name=m, 1'";
  const CommandResult validated =
      bondsim_command("validate " + default_experiment + short_run + named + " --forms roofline-ideal --out " + scratch.file("v"));
  EXPECT_EQ(validated.status, 0) << validated.output;
  const CommandResult served =
      bondsim_command("serve " + default_experiment + named +
                      " --tier detailed --set model.layers=1 --set serving.requests.limit=2 --out " + scratch.file("s"));
  EXPECT_EQ(served.status, 0) << served.output;
  EXPECT_EQ(bondsim_command("report " + scratch.file("s") + " --out " + scratch.file("s.html")).status, 0);
}

TEST(CommandLine, old_spellings_work_and_say_the_new_one) {
  const CommandResult old = bondsim_command("estimate " + default_experiment + " --model roofline-ideal" + short_run);
  const CommandResult now = bondsim_command("estimate " + default_experiment + " --form roofline-ideal" + short_run);
  EXPECT_EQ(now.status, 0) << now.output;
  const auto timeless = [](const std::string& text) { return text.substr(0, text.find(", estimated in ")); };
  EXPECT_EQ(timeless(old.output),
            "note: --model roofline-ideal is now --form roofline-ideal; --model is the language model\n" + timeless(now.output));
  expect_error("estimate " + default_experiment + " --llm configs/model/none.yaml", 2, "note: --llm is now --model");
  expect_error("validate --suite none --models detailed --out /tmp/none", 2, "note: --models is now --forms");
}

TEST(CommandLine, help_that_cannot_be_written_is_an_error) {
  for (const char* asked : {"--help", "run --help", "--version"}) {
    expect_error(std::string(asked) + " 2>&1 > /dev/full; exit $?", 1, "standard output cannot be written: No space left on device");
  }
}

TEST(CommandLine, errors_in_files_point_at_the_line) {
  const ScratchDirectory scratch;
  const std::string system =
      scratch.write("s.yaml", "schema: bondsim.system/1\nname: x\nchannels:\n  nmp: 1\n  normal: 1\ndram: none.yaml\n");
  expect_error("run " + system +
                   " --model configs/model/llama-3-8b.yaml --workload configs/workload/sharegpt.yaml --dataflow "
                   "configs/dataflow/fc_offloading.yaml",
               2, "s.yaml:6: system.dram: no such file");
  const std::string twice = scratch.write("t.yaml", "schema: bondsim.experiment/1\nname: x\nname: y\n");
  expect_error("run " + twice, 2, "t.yaml:3: name: key given twice (first at line 2)");
  const std::string broken = scratch.write("b.yaml", "schema: [unclosed\n");
  expect_error("run " + broken, 2, "not valid YAML");
}

TEST(CommandLine, a_model_that_does_not_fit_exits_1_and_says_what_is_missing) {
  // 8.03e9 parameters of two bytes; 992 tokens of two vectors of 1024 in each of 32 layers.
  expect_error("run " + default_experiment + " --dataflow all_on_pes --set system.channels.nmp=1 --set system.channels.normal=0", 1,
               "channel 0 needs 16.191 GB of 4.295: weights 16.060, KV 0.130");
}

TEST(CommandLine, a_device_above_the_published_area_limits_exits_1_unless_allowed) {
  const std::string illegal = default_experiment + short_run + " --set system.nmp.pe.clock_mhz=800";
  for (const std::string command : {"run ", "map "}) {
    expect_error(command + illegal, 1, "8 FPUs of 16 MACs at 800 MHz beside an HB port of 25.6 GB/s: at most 4 of 16 MACs fit");
    EXPECT_EQ(bondsim_command(command + illegal + " --allow-illegal").status, 0);
  }
  const CommandResult legal = bondsim_command("run " + default_experiment + short_run);
  EXPECT_NE(legal.output.find("PE area 4.95 mm2 of 6.76"), std::string::npos) << legal.output;
}

TEST(CommandLine, sensitivity_prints_the_energy_band) {
  const CommandResult result = bondsim_command("run " + default_experiment + short_run + " --sensitivity");
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.output.find("port and array together"), std::string::npos) << result.output;
}

TEST(CommandLine, an_error_comes_within_a_second) {
  EXPECT_LT(bondsim_command("run " + default_experiment + " --set system.nmp.pe.fpus=0").seconds, 1.0);
  EXPECT_LT(bondsim_command("run " + default_experiment + " --set system.channels.nmp=1").seconds, 1.0);
}

TEST(CommandLine, help_of_every_command_has_an_example) {
  const CommandResult all = bondsim_command("--help");
  EXPECT_EQ(all.status, 0);
  EXPECT_NE(all.output.find("run"), std::string::npos);
  const CommandResult run = bondsim_command("run --help");
  EXPECT_EQ(run.status, 0);
  EXPECT_NE(run.output.find("Example"), std::string::npos);
  EXPECT_EQ(bondsim_command("--version").status, 0);
}

TEST(CommandLine, run_writes_a_whole_directory_and_leaves_foreign_ones_alone) {
  const ScratchDirectory scratch;
  const std::string out = scratch.file("out");
  const CommandResult result = bondsim_command("run " + default_experiment + short_run + " --out " + out);
  ASSERT_EQ(result.status, 0) << result.output;
  const auto json = nlohmann::json::parse(file_text(out + "/results.json"));
  EXPECT_EQ(json["schema"], "bondsim.results/2");
  for (const char* key : {"prefill", "decode", "total", "ttft", "tbt_mean", "tbt_p99"})
    EXPECT_TRUE(json["latency_s"][key].is_number()) << key;
  EXPECT_EQ(json["channels"].size(), 8u);
  for (const auto& channel : json["channels"]) {
    std::int64_t sum = 0;
    for (const auto& part : channel["time_ps"]) sum += part.get<std::int64_t>();
    EXPECT_EQ(sum, json["latency_ps"]["total"].get<std::int64_t>());
  }
  EXPECT_EQ(file_text(out + "/operators.csv").rfind("name,phase,executor,count,busy_s,span_s,energy_j,macs,bytes\n", 0), 0u);
  EXPECT_EQ(file_text(out + "/channels.csv").rfind("id,kind,", 0), 0u);
  scratch.write("precious.txt", "mine");
  expect_error("run " + default_experiment + short_run + " --out " + scratch.file("."), 2, "left alone");
  EXPECT_EQ(file_text(scratch.file("precious.txt")), "mine");
  EXPECT_EQ(bondsim_command("run " + default_experiment + short_run + " --out " + out).status, 0) << "an earlier run may be replaced";
}

TEST(CommandLine, out_of_every_command_is_refused_before_work_where_it_would_destroy) {
  const ScratchDirectory scratch;
  std::filesystem::create_directories(scratch.file("a/b"));
  scratch.write("a/notes", "mine");
  const std::string here = bondsim::tests::source_dir() + "/";
  const std::string inside = "cd '" + scratch.file("a/b") + "' && '" + bondsim::tests::binary() + "' ";
  const std::vector<std::string> commands = {"run " + here + default_experiment + " --out ",
                                             "run " + here + default_experiment + " --ladder --out ",
                                             "estimate " + here + default_experiment + " --out ",
                                             "validate --suite full --out ",
                                             "dse " + here + "configs/space/h2llm.yaml --out ",
                                             "reproduce h2llm --out ",
                                             "init "};
  for (const std::string& command : commands) {
    for (const char* out : {".", "..", "../../a", "/"}) {
      const int status = std::system(("timeout 60 sh -c \"" + inside + command + out + "\" > /dev/null 2>&1").c_str());
      EXPECT_EQ(WEXITSTATUS(status), 2) << command << out;
    }
  }
  EXPECT_EQ(file_text(scratch.file("a/notes")), "mine");
  EXPECT_TRUE(std::filesystem::is_empty(scratch.file("a/b")));
}

TEST(CommandLine, a_slice_is_not_written_over_its_trace) {
  const ScratchDirectory scratch;
  const std::string trace = scratch.write("t.commands.csv", "precious");
  expect_error("trace slice " + trace + " --window 0:1 --out " + trace, 2, "is the trace that is cut");
  EXPECT_EQ(file_text(trace), "precious");
}

TEST(CommandLine, a_full_disk_exits_1_in_the_systems_words) {
  const std::string command = "cd '" + bondsim::tests::source_dir() + "' && '" + bondsim::tests::binary() + "' list > /dev/full 2> ";
  const ScratchDirectory scratch;
  EXPECT_EQ(WEXITSTATUS(std::system((command + scratch.file("errors")).c_str())), 1);
  EXPECT_NE(file_text(scratch.file("errors")).find("No space left on device"), std::string::npos) << file_text(scratch.file("errors"));
  expect_error("map " + default_experiment + short_run + " --out /dev/full", 1, "No space left on device");
}

TEST(CommandLine, infeasible_exits_1_and_bad_input_2_in_every_command) {
  const ScratchDirectory scratch;
  const std::string large = " --model configs/model/llama-3-70b.yaml";
  expect_error("run " + default_experiment + large, 1, "bondsim: ");
  expect_error("map " + default_experiment + large, 1, "bondsim: ");
  expect_error("estimate " + default_experiment + " --model configs/model/llama-3-70b.yaml", 1, "bondsim: ");
  const std::string configs = bondsim::tests::source_dir() + "/configs/";
  const std::string space = scratch.write("space.yaml", "schema: bondsim.space/1\nname: t\nsystem: " + configs +
                                                            "system/h2llm.yaml\nworkloads:\n  - {model: " + configs +
                                                            "model/llama-3-70b.yaml, workload: " + configs +
                                                            "workload/humaneval.yaml}\nobjectives: [latency_s]\nparameters:\n"
                                                            "  - {key: nmp.pe.fpus, values: [1, 2]}\n");
  expect_error("dse " + space + " --out " + scratch.file("dse"), 1, "no device of the space is feasible");
  for (const char* command :
       {"run none.yaml", "map none.yaml", "estimate none.yaml", "dse none.yaml --out x", "validate none.yaml --out x"}) {
    expect_error(command, 2, "none.yaml");
  }
}

TEST(CommandLine, a_rank_that_fails_says_so_and_exits_as_the_failure_is) {
  ::setenv("OMPI_COMM_WORLD_RANK", "3", 1);  // as mpirun starts a rank
  expect_error("run none.yaml", 2, "bondsim: rank 3: none.yaml");
  expect_error("run " + default_experiment + " --model configs/model/llama-3-70b.yaml", 1, "bondsim: rank 3: ");
  ::unsetenv("OMPI_COMM_WORLD_RANK");
}

TEST(CommandLine, two_runs_differ_in_wall_time_alone) {
  const ScratchDirectory scratch;
  std::string texts[2];
  for (std::string& text : texts) {
    ASSERT_EQ(bondsim_command("run " + default_experiment + short_run + " --out " + scratch.file("out")).status, 0);
    auto json = nlohmann::json::parse(file_text(scratch.file("out") + "/results.json"));
    json["simulation"].erase("wall_s");
    text = json.dump() + file_text(scratch.file("out") + "/operators.csv") + file_text(scratch.file("out") + "/channels.csv");
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST(CommandLine, nothing_is_drawn_into_a_pipe) {
  const CommandResult result = bondsim_command("run " + default_experiment + short_run);
  EXPECT_EQ(result.output.find('\r'), std::string::npos);
  EXPECT_EQ(result.output.find("SystemC"), std::string::npos) << "no banner";
}

TEST(CommandLine, a_change_of_one_value_changes_the_digest) {
  const auto digest_of = [](const std::string& text) { return text.substr(text.find("configuration "), 26); };
  const std::string a = bondsim_command("run " + default_experiment + short_run).output;
  const std::string b = bondsim_command("run " + default_experiment + short_run + " --set system.nmp.pe.fpus=4").output;
  ASSERT_NE(a.find("configuration "), std::string::npos);
  EXPECT_NE(digest_of(a), digest_of(b));
}

TEST(CommandLine, every_shipped_experiment_runs) {
  const std::string folder = bondsim::tests::source_dir() + "/configs/experiment";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const CommandResult result = bondsim_command("run " + entry.path().string() + short_run);
    EXPECT_EQ(result.status, 0) << entry.path() << "\n" << result.output;
  }
}

}  // namespace
}  // namespace bondsim::test
