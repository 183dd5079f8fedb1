#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/base/schema.hpp"
#include "models/system/system.hpp"
#include "tests/support/command.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::vector<std::string> kinds = {"experiment", "system", "model",  "workload", "dataflow",
                                        "serving",    "dram",   "energy", "space",    "stack"};

/// Validates YAML files with python3-jsonschema. @return what it says; empty when all are valid.
std::string jsonschema(const std::string& schema, const std::string& files) {
  const std::string script =
      "import json, sys, jsonschema, yaml\n"
      "schema = json.load(open(sys.argv[1]))\n"
      "jsonschema.Draft7Validator.check_schema(schema)\n"
      "v = jsonschema.Draft7Validator(schema)\n"
      "for f in sys.argv[2:]:\n"
      "    for e in v.iter_errors(yaml.safe_load(open(f))): print(f, list(e.absolute_path), e.message[:200])\n";
  const ScratchDirectory scratch;
  FILE* pipe = ::popen(("python3 " + scratch.write("v.py", script) + " " + schema + " " + files + " 2>&1").c_str(), "r");
  std::string output;
  for (int c = 0; pipe != nullptr && (c = std::fgetc(pipe)) != EOF;) output += static_cast<char>(c);
  const int status = ::pclose(pipe);
  return status == 0 ? output : "python3 failed: " + output;
}

std::string schema_file(const ScratchDirectory& scratch, const std::string& kind) {
  const auto schema = bondsim_command("schema " + kind + " --json-schema");
  EXPECT_EQ(schema.status, 0) << schema.output;
  return scratch.write(kind + ".schema.json", schema.output);
}

TEST(Schema, every_shipped_configuration_is_valid_under_the_json_schema_of_its_kind) {
  const ScratchDirectory scratch;
  for (const std::string& kind : kinds) {
    std::string files;
    int count = 0;
    for (const auto& entry : fs::directory_iterator(bondsim::tests::source_dir() + "/configs/" + kind)) {
      if (file_text(entry.path().string()).find("schema: bondsim." + kind + "/1") == std::string::npos) continue;
      files += " " + entry.path().string();
      ++count;
    }
    EXPECT_GT(count, 0) << kind;
    EXPECT_EQ(jsonschema(schema_file(scratch, kind), files), "") << kind;
  }
}

TEST(Schema, what_the_reader_rejects_the_json_schema_rejects_too) {
  const ScratchDirectory scratch;
  const std::string text = file_text(bondsim::tests::source_dir() + "/configs/system/h2llm.yaml");
  const std::string schema = schema_file(scratch, "system");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    EXPECT_NE(changed.find(from), std::string::npos) << from;
    changed.replace(changed.find(from), from.size(), to);
    return jsonschema(schema, scratch.write("changed.yaml", changed));
  };
  EXPECT_EQ(with("fpus: 8", "fpus: 9"), "");
  EXPECT_NE(with("fpus: 8", "fpus: 0").find("fpus"), std::string::npos);
  EXPECT_NE(with("fpus: 8", "fpu: 8").find("'fpu' was unexpected"), std::string::npos);
  EXPECT_NE(with("    fpus: 8\n", "").find("'fpus' is a required property"), std::string::npos);
  EXPECT_NE(with("placement: hybrid_bonded", "placement: glued").find("glued"), std::string::npos);
  EXPECT_NE(with("bandwidth_gbps: 25.6", "bandwidth_gbps: 25.6 GB").find("is not of type"), std::string::npos);
}

TEST(Schema, every_key_of_a_shipped_file_is_in_the_text) {
  const auto text = bondsim_command("schema system");
  ASSERT_EQ(text.status, 0);
  EXPECT_NE(text.output.find("nmp.pe.fpus"), std::string::npos);
  EXPECT_NE(text.output.find("whole number, 1 to 1024; required"), std::string::npos) << text.output;
  EXPECT_NE(text.output.find("peak of one bank's port, 1 GB = 1e9 bytes"), std::string::npos);
  const auto wrong = bondsim_command("schema sistem");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.output.find("'sistem' is no kind of file, allowed: experiment, system, model"), std::string::npos) << wrong.output;
}

TEST(Schema, describes_what_the_decoder_reads) {
  const auto keys = Describer::keys_of<ControllerConfig>();
  const auto key = std::find_if(keys.begin(), keys.end(), [](const SchemaKey& k) { return k.key == "refresh"; });
  ASSERT_NE(key, keys.end());
  EXPECT_EQ(key->names, (std::vector<std::string>{"none", "all_bank", "per_bank"}));
  EXPECT_EQ(key->fallback, "all_bank");
  EXPECT_TRUE(key->info.optional);
}

TEST(Init, writes_a_project_that_runs_as_written_and_whose_comments_name_every_key) {
  const ScratchDirectory scratch;
  const auto init = bondsim_command("init " + scratch.file("project"));
  ASSERT_EQ(init.status, 0) << init.output;
  const auto run = bondsim_command("run " + scratch.file("project/experiment.yaml") + " --out " + scratch.file("out"));
  ASSERT_EQ(run.status, 0) << run.output;
  EXPECT_NE(run.output.find("64 prompt and 16 generated tokens"), std::string::npos) << run.output;
  for (const std::string& kind : kinds) {
    if (kind == "space" || kind == "serving" || kind == "stack") continue;
    const std::string file = scratch.file("project/" + kind + ".yaml");
    EXPECT_EQ(jsonschema(schema_file(scratch, kind), file), "") << kind;
  }
  const std::string system = file_text(scratch.file("project/system.yaml"));
  EXPECT_NE(system.find("fpus: 8"), std::string::npos);
  EXPECT_NE(system.find("# FPUs of a PE; whole number, 1 to 1024; required"), std::string::npos) << system;
  EXPECT_NE(system.find("column_trains: true"), std::string::npos) << "keys left out stand with their defaults";
  // The project is the shipped device: the same run of both has the same results.
  const std::string small = " --set workload.prompt_tokens=4 --set workload.generated_tokens=1 --set workload.name=x ";
  const auto own = bondsim_command("run " + scratch.file("project/experiment.yaml") + small + "--out " + scratch.file("own"));
  const auto shipped =
      bondsim_command("run system/h2llm --model model/llama-3.2-1b --workload workload/humaneval --dataflow dataflow/fc_offloading" +
                      small + "--out " + scratch.file("shipped"));
  ASSERT_EQ(own.status, 0) << own.output;
  ASSERT_EQ(shipped.status, 0) << shipped.output;
  EXPECT_EQ(file_text(scratch.file("own/channels.csv")), file_text(scratch.file("shipped/channels.csv")));
  EXPECT_EQ(file_text(scratch.file("own/operators.csv")), file_text(scratch.file("shipped/operators.csv")));
  const auto again = bondsim_command("init " + scratch.file("project"));
  EXPECT_EQ(again.status, 2);
  EXPECT_NE(again.output.find("it is left alone"), std::string::npos);
}

TEST(List, shows_every_shipped_configuration_with_a_line_about_it) {
  const auto list = bondsim_command("list");
  ASSERT_EQ(list.status, 0) << list.output;
  std::istringstream in(list.output);
  std::string line;
  std::getline(in, line);
  std::map<std::string, std::string> about;
  while (std::getline(in, line)) about[line.substr(0, line.find(' '))] = line.substr(std::min<std::size_t>(59, line.size()));
  for (const std::string& kind : kinds) {
    for (const auto& entry : fs::directory_iterator(bondsim::tests::source_dir() + "/configs/" + kind)) {
      const std::string name = kind + "/" + entry.path().stem().string();
      ASSERT_EQ(about.count(name), 1U) << name;
      EXPECT_FALSE(about[name].empty()) << name << " has no comment at its top";
    }
  }
}

}  // namespace
}  // namespace bondsim::test
