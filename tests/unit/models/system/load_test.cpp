#include "models/system/load.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim {
namespace {

using Changes = std::vector<std::pair<std::string, std::string>>;

std::string config(const std::string& file) { return test::file_text(tests::source_dir() + "/configs/" + file); }

/// Replaces the first place of `what`. It has to be there.
std::string with(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

/// Line of the first place of `what` in a text.
std::ptrdiff_t line_of(const std::string& text, const std::string& what) {
  return std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(text.find(what)), '\n') + 1;
}

/// A folder laid out as configs/ is, whose system file refers to the others by relative names.
class SystemFiles : public testing::Test {
 protected:
  SystemFiles() {
    for (const char* folder : {"system", "dram", "energy"}) std::filesystem::create_directory(scratch.file(folder));
    scratch.write("dram/part.yaml", config("dram/lpddr5-6400-16gb.yaml"));
    scratch.write("dram/small.yaml", config("dram/lpddr5-6400-8gb.yaml"));
    scratch.write("energy/table.yaml", config("energy/detailed.yaml"));
  }

  System load(const std::string& system, std::vector<std::string>* files = nullptr) const {
    const std::string file = scratch.write("system/s.yaml", system);
    ConfigNode node = load_yaml_file(file);
    std::vector<std::string> read;
    resolve_system(node, "system", read);
    if (files != nullptr) *files = read;
    return decode_system(node, "system");
  }
  /// What is wrong, without the name of the scratch folder.
  std::string error(const std::string& system) const {
    std::string text = test::error_of([&] { load(system); });
    const std::string folder = scratch.file("");
    for (std::size_t at = 0; (at = text.find(folder)) != std::string::npos;) text.erase(at, folder.size());
    return text;
  }

  const test::ScratchDirectory scratch;
  const std::string h2llm = with(with(config("system/h2llm.yaml"), "../dram/lpddr5-6400-32gb.yaml", "../dram/part.yaml"),
                                 "../energy/lpddr5x-currents.yaml", "../energy/table.yaml");
};

TEST_F(SystemFiles, parts_and_tables_are_read_relative_to_the_system_and_listed) {
  std::vector<std::string> files;
  const System s = load(h2llm, &files);
  EXPECT_EQ(s.dram.name, "LPDDR5-6400 x16 16Gb");
  EXPECT_EQ(s.energy.name, "detailed");
  EXPECT_EQ(files, (std::vector<std::string>{scratch.file("dram/part.yaml"), scratch.file("energy/table.yaml")}));
}

TEST_F(SystemFiles, a_part_written_in_place_is_the_same_as_its_file) {
  std::string part = config("dram/lpddr5-6400-16gb.yaml"), indented;
  part = with(part, "schema: bondsim.dram/1\n", "");
  for (std::size_t at = 0; at < part.size();) {
    const std::size_t end = part.find('\n', at);
    indented += "  " + part.substr(at, end - at) + "\n";
    at = end + 1;
  }
  std::vector<std::string> files;
  const System in_place = load(with(h2llm, "dram: ../dram/part.yaml", "dram:\n" + indented), &files);
  EXPECT_EQ(files, std::vector<std::string>{scratch.file("energy/table.yaml")});
  const System by_name = load(h2llm);
  EXPECT_EQ(in_place.dram.name, by_name.dram.name);
  EXPECT_EQ(in_place.dram.organization.channel_bytes(), by_name.dram.organization.channel_bytes());
  EXPECT_EQ(in_place.dram.timing.t_rfc_ab_ns, by_name.dram.timing.t_rfc_ab_ns);
}

TEST_F(SystemFiles, groups_have_files_of_their_own) {
  scratch.write("energy/own.yaml", with(config("energy/detailed.yaml"), "name: detailed", "name: own"));
  const std::string groups =
      "channel_groups:\n"
      "  - {name: a, count: 1, engine: bank_pes}\n"
      "  - {name: b, count: 2, engine: none, dram: ../dram/small.yaml, energy: ../energy/own.yaml}\n";
  const std::string channels = "channels:\n  nmp: 6                     # H2-LLM, ISCA'25, section 7\n  normal: 2\n";
  std::vector<std::string> files;
  const System s = load(with(h2llm, channels, groups), &files);
  EXPECT_EQ(files, (std::vector<std::string>{scratch.file("dram/part.yaml"), scratch.file("energy/table.yaml"),
                                             scratch.file("dram/small.yaml"), scratch.file("energy/own.yaml")}));
  EXPECT_EQ(s.dram_of(0).name, "LPDDR5-6400 x16 16Gb");
  EXPECT_EQ(s.energy_of(0).name, "detailed");
  EXPECT_EQ(s.dram_of(2).organization.channel_bytes() * 2, s.dram_of(0).organization.channel_bytes());
  EXPECT_EQ(s.energy_of(2).name, "own");

  const std::string missing = with(h2llm, channels, with(groups, "small.yaml", "none.yaml"));
  EXPECT_EQ(error(missing),
            "system/s.yaml:6: system.channel_groups[1].dram: no such file, or it cannot be read; a YAML file is expected "
            "(No such file or directory): 'dram/none.yaml' (paths are relative to the file that names them)");
  EXPECT_EQ(error(with(h2llm, channels, with(groups, "name: b", "name: a"))),
            "system/s.yaml:6: system.channel_groups[1].name: 'a' is named twice, allowed: once");
  EXPECT_EQ(error(with(h2llm, channels,
                       with(groups, "engine: none, dram",
                            "engine: none, nmp: {placement: hybrid_bonded, hb: "
                            "{bandwidth_gbps: 1, access_bytes: 32}, pe: {fpus: 1, macs_per_fpu: 1, "
                            "clock_mhz: 1, weight_buffer_kib: 1, output_buffer_kib: 1}, "
                            "input_buffer_kib: 1, mode_change_ns: 1}, dram"))),
            "system/s.yaml:6: system.channel_groups[1].nmp: given for channels without PEs, allowed with engine: bank_pes");
  EXPECT_EQ(error(with(h2llm, channels, channels + groups)),
            "system/s.yaml:2: system.channels: memory channels are given either by kind or by group, allowed: one of channels, "
            "channel_groups");
  EXPECT_EQ(error(with(h2llm, channels, "")),
            "system/s.yaml:2: system.channels: memory channels are given either by kind or by group, allowed: one of channels, "
            "channel_groups");
}

TEST_F(SystemFiles, files_that_are_not_there_or_are_others_are_named_where_they_stand) {
  const auto line = [&](const char* what) { return "system/s.yaml:" + std::to_string(line_of(h2llm, what)); };
  EXPECT_EQ(error(with(h2llm, "../dram/part.yaml", "../dram/prat.yaml")),
            line("dram: ") +
                ": system.dram: no such file, or it cannot be read; a YAML file is expected (No such file or directory): "
                "'dram/prat.yaml' (paths are relative to the file that names them)");
  EXPECT_EQ(error(with(h2llm, "../energy/table.yaml", "../energy")),
            line("energy: ") +
                ": system.energy: is a directory, a YAML file is expected: 'energy' (paths are relative to the file that names them)");
  const std::string other = error(with(h2llm, "../dram/part.yaml", "../energy/table.yaml"));
  EXPECT_EQ(other, "energy/table.yaml:" + std::to_string(line_of(config("energy/detailed.yaml"), "schema:")) +
                       ": system.dram.schema: 'bondsim.energy/1' found, allowed: bondsim.dram/1");
  scratch.write("dram/bare.yaml", "name: x\n");
  EXPECT_EQ(error(with(h2llm, "part.yaml", "bare.yaml")), "dram/bare.yaml:1: system.dram.schema: missing, allowed: bondsim.dram/1");
}

/// A value of a referenced file is named by that file and its line, with the key as the system sees it.
TEST_F(SystemFiles, values_of_referenced_files_are_named_in_them) {
  const std::string part = with(config("dram/lpddr5-6400-16gb.yaml"), "n_rcd: 15", "n_rcd: 0");
  scratch.write("dram/part.yaml", part);
  EXPECT_EQ(error(h2llm), "dram/part.yaml:" + std::to_string(line_of(part, "n_rcd:")) +
                              ": system.dram.timing.n_rcd: 0 tCK is out of range, allowed: 1 to 1000");
  scratch.write("dram/part.yaml", with(config("dram/lpddr5-6400-16gb.yaml"), "up_to_c: 105", "up_to_c: 85"));
  EXPECT_NE(error(h2llm).find("dram/part.yaml:"), std::string::npos);
  EXPECT_NE(error(h2llm).find("system.dram.refresh_rates: 85 C after 85 C, allowed: ascending"), std::string::npos) << error(h2llm);
}

System changed(const std::string& name, const Changes& changes) {
  ConfigNode node = load_yaml_file(tests::source_dir() + "/configs/system/" + name + ".yaml");
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  for (const auto& [key, value] : changes) apply_override(node, key, value);
  return decode_system(node, "system");
}

TEST(SystemLoad, overrides_reach_through_the_files_that_are_referred_to) {
  const System s = changed("h2llm", {{"dram.timing.n_rcd", "16"},
                                     {"controller.read_queue", "7"},
                                     {"energy.npu_mac.value", "1.5"},
                                     {"channels.nmp", "3"},
                                     {"channels.normal", "1"}});
  EXPECT_EQ(s.dram.timing.n_rcd, 16);
  EXPECT_EQ(s.controller.read_queue, 7);
  EXPECT_EQ(s.energy.npu_mac.value, 1.5);
  EXPECT_EQ(s.nmp_channels(), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(s.normal_channels(), std::vector<int>{3});
}

struct Refused {
  const char* system;
  Changes changes;
  const char* error;  ///< from the key on
};

/// Keys that do not go together are refused with the key, what was found and what is allowed.
TEST(SystemLoad, keys_that_do_not_go_together_are_named_with_what_is_allowed) {
  const std::vector<Refused> cases = {
      {"h2llm", {{"dram.organization.banks_per_group", "32"}}, "system.dram.organization: 128 banks in a channel, allowed: up to 64"},
      {"h2llm",
       {{"dram.organization.bank_groups", "13"}, {"dram.organization.banks_per_group", "5"}},
       "system.dram.organization: 65 banks in a channel, allowed: up to 64"},
      {"h2llm", {{"dram.temperature_c", "106"}}, "system.dram.temperature_c: 106 C, allowed: up to 105 C, the last step of refresh_rates"},
      {"scalesim",
       {{"controller.refresh_management", "true"}, {"dram.refresh_management", "null"}},
       "system.controller.refresh_management: on, but the DRAM part has no counts, allowed: a part with refresh_management"},
      {"h2llm",
       {{"nmp.placement", "in_die"}},
       "system.nmp.pe.double_buffered_weights: PEs in the DRAM die compute straight on column data, allowed with placement in_die: false"},
      {"h2llm",
       {{"nmp.pe.rows_per_read", "4"}},
       "system.nmp.pe.rows_per_read: PEs on a logic die buffer their weights, allowed with placement hybrid_bonded: left out"},
      {"h2llm",
       {{"nmp.pe.pipelined_access", "true"}},
       "system.nmp.pe.pipelined_access: PEs on a logic die buffer their weights, allowed with placement hybrid_bonded: left out"},
      {"h2llm",
       {{"nmp.pe.banks_per_pe", "2"}},
       "system.nmp.pe.banks_per_pe: 2, allowed: 1, and with placement in_die 2 or 4 where they divide the 16 banks"},
      {"gddr6-aim",
       {{"nmp.pe.banks_per_pe", "3"}},
       "system.nmp.pe.banks_per_pe: 3, allowed: 1, and with placement in_die 2 or 4 where they divide the 16 banks"},
      {"h2llm",
       {{"nmp.pe.issue_interval_ns", "2"}},
       "system.nmp.pe.issue_interval_ns: ports of a logic die have hb.bandwidth_gbps, allowed: 0"},
      {"h2llm", {{"nmp.hb.access_bytes", "96"}}, "system.nmp.hb.access_bytes: 96 B does not divide a page of 2048 B"},
      {"h2llm",
       {{"nmp.formats", "[{activation: int8, weight: int8, rate: 0.03, source: s}]"}},
       "system.nmp.formats[0].rate: 0.03 of 16 MACs of an FPU, allowed: what makes a whole number of them"},
      {"h2llm",
       {{"nmp.formats", "[{activation: fp16, weight: int4, rate: 1, conversion: vector_units, source: s}]"}},
       "system.nmp.formats[0].conversion: vector_units are the NPU's, allowed: native, stage"},
      {"h2llm",
       {{"controller.address_map.fields", "[row, bank, column]"}},
       "system.controller.address_map.fields: 2 bits of 'bank_group' are missing"},
      {"attacc",
       {{"controller.refresh_management", "true"}, {"dram.refresh_management", "{raa_initial: 32, raa_multiplier: 2, source: s}"}},
       "system.controller.refresh_management: on with PEs behind 2 pseudo channels of 2 ranks, allowed: off"},
      {"h2llm",
       {{"dram.organization.burst_bytes", "33"}},
       "system.dram.organization.burst_bytes: 33 of 16 beats of 16 bit in a row of 1024 columns, allowed: no more than their bits, and "
       "rows "
       "of whole bursts"},
  };
  for (const Refused& c : cases) {
    const std::string error = test::error_of([&] { changed(c.system, c.changes); });
    const std::size_t key = error.find(": system.");
    EXPECT_EQ(key == std::string::npos ? error : error.substr(key + 2), c.error) << c.system << ": " << error;
    EXPECT_TRUE(error.find(".yaml:") != std::string::npos || error.rfind("--set", 0) == 0) << "says where: " << error;
  }
}

/// What a group changes is checked as the system's own sections are, and named by the group.
TEST(SystemLoad, sections_of_a_group_are_checked_and_named_by_their_group) {
  const auto error = [](const std::string& key, const std::string& value) {
    ConfigNode node = load_yaml_file(tests::source_dir() + "/configs/system/two-kinds-of-pes.yaml");
    std::vector<std::string> files;
    resolve_system(node, "system", files);
    for (auto& [name, groups] : node.entries) {
      if (name == "channel_groups") apply_override(groups.items[2], key, value);
    }
    return test::error_of([&] { decode_system(node, "system"); });
  };
  const std::string group = "system.channel_groups[2].";
  for (const auto& [key, value, expected] : std::vector<std::array<std::string, 3>>{
           {"dram.temperature_c", "106", "dram.temperature_c: 106 C, allowed: up to 105 C, the last step of refresh_rates"},
           {"nmp.pe.banks_per_pe", "2",
            "nmp.pe.banks_per_pe: 2, allowed: 1, and with placement in_die 2 or 4 where they divide the 16 banks"},
           {"nmp.hb.access_bytes", "24", "nmp.hb.access_bytes: 24 B does not divide a page of 2048 B"},
           {"controller.address_map.fields", "[row]", "controller.address_map.fields: "},
           {"dram.organization.columns", "2048",
            "dram.organization: 16 banks, pages of 4096 B and bursts of 32 B beside groups with 16, 2048 B and 32 B, allowed: the same in "
            "all groups"}}) {
    EXPECT_NE(error(key, value).find(group + expected), std::string::npos) << error(key, value);
  }
  EXPECT_EQ(error("count", "3"), "no error");
}

}  // namespace
}  // namespace bondsim
