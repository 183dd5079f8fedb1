#include "sim/ledger.hpp"

#include <gtest/gtest.h>

#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

Picoseconds ps(std::int64_t value) { return Picoseconds(value); }

System priced_system() {
  System system = testing::h2llm_system();
  system.energy = decode_document<EnergyTable>(load_yaml_file(testing::config_path("energy/detailed")), "energy", "bondsim.energy/1");
  return system;
}

ScheduleHeader header_of_two() {
  ScheduleHeader header;
  header.operators = {{"q", Phase::prefill, "npu"}, {"q", Phase::decode, "nmp"}};
  return header;
}

BusyTimes busy(std::int64_t first, std::int64_t second, std::int64_t waiting) { return {ps(waiting), {ps(first), ps(second)}}; }

TEST(Ledger, time_without_an_operator_goes_to_the_background_of_its_phase) {
  const System system = priced_system();
  Ledger ledger(system, header_of_two());
  ledger.add_busy(Phase::prefill, busy(70, 0, 30), 2);
  ledger.add_busy(Phase::decode, busy(0, 5, 6), 10);
  Results results;
  ledger.finish(results);
  ASSERT_EQ(results.operators.size(), 4u);
  EXPECT_EQ(results.operators[0].busy, ps(140));
  EXPECT_EQ(results.operators[1].busy, ps(50));
  EXPECT_EQ(results.operators[2].name, "(background)");
  EXPECT_EQ(results.operators[2].busy, ps(60));
  EXPECT_EQ(results.operators[3].busy, ps(60));
}

TEST(Ledger, executions_multiply_spans_counts_and_energy) {
  const System system = priced_system();
  Task task;
  task.kind = TaskKind::npu_gemm;
  task.executor = ExecutorId::arrays();
  task.op = 0;
  task.npu.shape = {1, 2, 3, 4};
  ChannelCounts counts;
  counts.reads = 5;
  const auto results_after = [&](std::int64_t repeat, int times) {
    Ledger ledger(system, header_of_two());
    for (int i = 0; i < times; ++i) {
      ledger.add_task(task, repeat);
      ledger.add_span(0, ps(100), repeat);
      ledger.add_commands(0, 0, Phase::prefill, counts, repeat);
      ledger.add_time(Phase::prefill, ps(100), repeat);
      ledger.end_block(ps(100), repeat);
    }
    Results results;
    ledger.finish(results);
    return results;
  };
  const Results at_once = results_after(32, 1), one_by_one = results_after(1, 32);
  EXPECT_EQ(at_once.operators[0].count, 32);
  EXPECT_EQ(at_once.operators[0].span, ps(3200));
  EXPECT_EQ(at_once.operators[0].macs, 32 * 24);
  EXPECT_EQ(at_once.operators[0].bytes, 32 * 5 * system.dram.organization.access_bytes());
  EXPECT_EQ(at_once.channels[0].bytes_read, at_once.operators[0].bytes);
  EXPECT_TRUE(at_once.energy_total == one_by_one.energy_total);
  EXPECT_GT(to_joules(at_once.energy_total), 0);
}

TEST(Ledger, energy_by_component_is_energy_by_operator) {
  const System system = priced_system();
  Ledger ledger(system, header_of_two());
  ChannelCounts counts;
  counts.activates = 3;
  counts.hb_reads = 1000;
  counts.writes = 17;
  for (int channel = 0; channel < system.channel_count(); ++channel) ledger.add_commands(channel, channel % 2, Phase::decode, counts, 7);
  ledger.add_commands(0, -1, Phase::decode, counts, 7);
  ledger.end_block(ps(0), 7);
  Results results;
  ledger.finish(results);
  Attojoules by_component, by_operator, by_channel;
  for (const ChannelResult& channel : results.channels) by_channel += channel.power.energy;
  for (const Attojoules e : results.energy) by_component += e;
  for (const OperatorResult& op : results.operators) {
    for (const Attojoules e : op.energy) by_operator += e;
  }
  EXPECT_TRUE(by_component == by_operator);
  EXPECT_TRUE(by_component == by_channel);
  EXPECT_TRUE(by_component == results.energy_total);
}

TEST(Ledger, prefill_times_are_part_of_the_whole) {
  const System system = priced_system();
  Ledger ledger(system, header_of_two());
  TimeParts parts;
  parts.column = ps(11);
  parts.idle = ps(4);
  ledger.add_channel_time(Phase::prefill, 3, parts, 2);
  ledger.add_channel_time(Phase::decode, 3, parts, 5);
  ledger.add_npu_time(Phase::decode, parts, 1);
  ledger.add_executor_busy(3, Phase::decode, busy(0, 8, 7), 5);
  Results results;
  ledger.finish(results);
  EXPECT_EQ(results.channels[3].time.column, ps(77));
  EXPECT_EQ(results.channels[3].prefill.column, ps(22));
  EXPECT_EQ(results.channels[3].prefill.idle, ps(8));
  EXPECT_EQ(results.channels[2].time.sum(), ps(0));
  EXPECT_EQ(results.npu.idle, ps(4));
  EXPECT_EQ(results.npu_prefill.sum(), ps(0));
  EXPECT_EQ(results.executors[3].id, "nmp.channel3");
  EXPECT_EQ(results.executors[3].busy[1], ps(40));
  EXPECT_EQ(results.executors[3].busy.back(), ps(35)) << "waiting of the decode";
}

TEST(Ledger, channels_of_two_kinds_are_priced_each_by_its_own_group) {
  System system = priced_system();
  ChannelGroup other = system.channels[0];
  other.name = "other";
  other.nmp = system.nmp;
  other.nmp->pe.clock_mhz *= 2;
  other.nmp->pe.banks_per_pe = 1;
  other.energy = system.energy;
  other.energy->hb_io.value *= 3;
  system.channels.push_back(other);
  const int first_of_other = system.channel_count() - other.count;
  ChannelCounts reads;
  reads.hb_reads = 1000;
  const auto hb_energy = [&](int channel) {
    Ledger ledger(system, header_of_two());
    ledger.add_commands(channel, 1, Phase::decode, reads, 4);
    ledger.add_time(Phase::decode, ps(100), 4);
    ledger.end_block(ps(100), 4);
    Results results;
    ledger.finish(results);  // checks that components, operators and channels sum to one total
    return results.operators[1].energy[static_cast<std::size_t>(EnergyComponent::hb_io)];
  };
  EXPECT_GT(hb_energy(0).value, 0);
  EXPECT_TRUE(hb_energy(first_of_other) == hb_energy(0) * 3);
}

}  // namespace
}  // namespace bondsim
