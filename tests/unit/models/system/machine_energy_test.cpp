#include "models/system/machine_energy.hpp"

#include <gtest/gtest.h>

#include "models/system/energy_counts.hpp"
#include "models/system/load.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

EnergyTable table(const std::string& name) {
  return decode_document<EnergyTable>(load_yaml_file(testing::config_path("energy/" + name)), "energy", "bondsim.energy/1");
}

ConfigNode resolved(const std::string& name) {
  ConfigNode node = load_yaml_file(testing::config_path("system/" + name));
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  return node;
}

System two_kinds() { return decode_system(resolved("two-kinds-of-pes"), "system"); }

EnergyCounts commands(const System& system, int channel) {
  ChannelCounts counts;
  counts.activates = 7;
  counts.hb_reads = 1000;
  counts.reads = 30;
  counts.refreshes_all_bank = 2;
  return energy_counts(channel, counts, system);
}

TEST(MachineEnergy, groups_without_sections_of_their_own_share_the_npus_class) {
  const System system = testing::h2llm_system();
  const MachineEnergy energy(system);
  EXPECT_EQ(energy.classes(), 1U);
  for (int c = 0; c < system.channel_count(); ++c) EXPECT_EQ(energy.class_of(c), MachineEnergy::npu_class);
  const MachineEnergy two(two_kinds());
  EXPECT_EQ(two.classes(), 2U);
  EXPECT_EQ(two.class_of(0), two.class_of(5));
  EXPECT_EQ(two.class_of(6), 1U);
}

TEST(MachineEnergy, each_groups_actions_cost_what_its_own_table_says) {
  System system = two_kinds();
  system.channels[2].energy = table("h2llm-paper");
  system.channels[2].nmp->pe.clock_mhz = 900;
  const MachineEnergy energy(system);
  std::vector<EnergyCounts> counts(energy.classes());
  counts[energy.class_of(0)] = commands(system, 0);
  counts[energy.class_of(6)] = commands(system, 6);
  counts[energy.class_of(6)].pe_macs = 1000;
  // What two machines of one kind each would say.
  System narrow = system;
  narrow.energy = *system.channels[2].energy;
  narrow.nmp = *system.channels[2].nmp;
  narrow.dram = *system.channels[2].dram;
  const Attojoules expected = total_of(energy_model(system).energy(counts[0])) + total_of(energy_model(narrow).energy(counts[1]));
  EXPECT_TRUE(total_of(energy.energy(counts)) == expected);
  EXPECT_FALSE(total_of(energy_model(system).energy(counts[1])) == total_of(energy_model(narrow).energy(counts[1])));
  const Attojoules estimated = energy_model(system).estimated(counts[0]) + energy_model(narrow).estimated(counts[1]);
  EXPECT_TRUE(energy.estimated(counts) == estimated);
}

TEST(MachineEnergy, rails_of_one_name_are_one_rail) {
  System system = two_kinds();
  system.energy = table("lpddr5x-currents");
  const MachineEnergy alike(system);
  system.channels[2].energy = table("detailed");
  const MachineEnergy one_without(system);
  EXPECT_EQ(alike.rails(), one_without.rails());
  std::vector<EnergyCounts> counts(2);
  counts[0].activates = counts[1].activates = 10;
  const std::vector<Attojoules> both = alike.by_rail(counts), first = one_without.by_rail(counts);
  for (std::size_t i = 0; i < both.size(); ++i) EXPECT_TRUE(both[i] == first[i] * 2) << alike.rails()[i];
}

TEST(MachineEnergy, a_groups_own_table_is_read_and_checked_where_it_stands) {
  ConfigNode node = resolved("two-kinds-of-pes");
  ConfigNode own = resolved("h2llm");
  for (auto& [key, groups] : node.entries) {
    if (key == "channel_groups") groups.items[2].entries.emplace_back("energy", *own.find("energy"));
  }
  const System system = decode_system(node, "system");
  EXPECT_FALSE(system.uniform());
  ASSERT_TRUE(system.channels[2].energy);
  EXPECT_TRUE(system.channels[2].energy->currents);
  EXPECT_EQ(&system.energy_of(0), &system.energy);
  EXPECT_EQ(&system.energy_of(6), &*system.channels[2].energy);
}

TEST(MachineEnergy, pes_of_a_channel_are_its_own_groups) {
  System system = two_kinds();
  EXPECT_EQ(system.pes_of(0), 16);
  EXPECT_EQ(system.pes_of(4), 0);
  system.channels[2].nmp->pe.banks_per_pe = 4;
  EXPECT_EQ(system.pes_of(7), 4);
}

}  // namespace
}  // namespace bondsim
