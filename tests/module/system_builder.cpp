#include "sim/system_builder.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/mapping_setup.hpp"
#include "tests/support/own_process.hpp"

/// SystemC elaborates once a process, so each machine is built in one of its own.
namespace bondsim {
namespace {

struct Ends : TaskListener {
  std::set<std::int32_t> tasks;
  void task_done(std::int32_t task) override { tasks.insert(task); }
};

struct Heard : SimulationListener {
  std::set<int> commands, nmp;
  int npu = 0;
  void command(int channel, const CommandRecord&) override { commands.insert(channel); }
  void nmp_changed(int channel, const NmpState&) override { nmp.insert(channel); }
  void npu_changed(const NpuState&) override { ++npu; }
};

Task load_from(std::int32_t channel) {
  Task t;
  t.kind = TaskKind::host_load;
  t.executor = ExecutorId::of_channel(channel);
  t.op = 0;
  Extent e;
  e.channel = channel;
  e.banks = 16;
  e.bytes_per_bank = 64;
  t.extents = {e};
  return t;
}

Task gemm() {
  Task t;
  t.kind = TaskKind::nmp_gemm;
  t.op = 0;
  NmpGemm& g = t.nmp;
  g.shape = {1, 1, 16, 64};
  g.pes_per_gemm = 1;
  g.tiling = {16, 64, LoopOrder::output_stationary};
  Extent e;
  e.banks = 1;
  e.bytes_per_bank = 2048;
  g.stationary = {e};
  e.bank_offset = 1 << 20;
  e.bytes_per_bank = 128;
  g.input = {e};
  e.bank_offset = 2 << 20;
  e.bytes_per_bank = 64;
  g.output = {e};
  return t;
}

class Building : public ::testing::TestWithParam<ConstructionOrder> {};

TEST_P(Building, every_channel_answers_the_npu_and_those_with_pes_their_controller) {
  EXPECT_EQ(test::in_own_process([] {
              const System system = testing::h2llm_system(3, 2);
              Ends ends;
              SystemBuilder builder(system, ends, nullptr, GetParam());
              const Executors executors = builder.executors();
              EXPECT_EQ(executors.channels.size(), 5u);
              EXPECT_EQ(executors.nmp.size(), 5u);
              for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(executors.nmp[i] != nullptr, i < 3) << i;
              sc_core::sc_start(sc_core::SC_ZERO_TIME);
              std::vector<Task> loads;
              for (std::int32_t c = 0; c < 5; ++c) loads.push_back(load_from(c));
              for (std::int32_t c = 0; c < 5; ++c) executors.npu->start(c, loads[static_cast<std::size_t>(c)]);
              sc_core::sc_start();
              const Task g = gemm();
              for (std::int32_t c = 0; c < 3; ++c) executors.nmp[static_cast<std::size_t>(c)]->start(100 + c, g);
              sc_core::sc_start();
              EXPECT_EQ(ends.tasks, (std::set<std::int32_t>{0, 1, 2, 3, 4, 100, 101, 102}));
              for (std::size_t c = 0; c < 5; ++c) {
                EXPECT_EQ(executors.channels[c]->counts_until_now(0).reads, 16 * 64 / system.dram.organization.access_bytes()) << c;
                EXPECT_EQ(executors.channels[c]->counts_until_now(0).hb_reads > 0, c < 3) << c;
              }
              EXPECT_GT(builder.events(), 0);
              return std::string("built");
            }),
            "built");
}

TEST_P(Building, listeners_hear_commands_of_all_channels_and_states_of_those_they_ask_for) {
  EXPECT_EQ(test::in_own_process([] {
              const System system = testing::h2llm_system(2, 1);
              Ends ends;
              Heard heard, silent;
              TraceHub hub;
              hub.add(heard, {true, false, true});
              hub.add(silent, {false, true, false});
              SystemBuilder builder(system, ends, &hub, GetParam());
              for (DramChannel* channel : builder.channels()) channel->record_commands(true, false);
              builder.observe(hub);
              const Executors executors = builder.executors();
              sc_core::sc_start(sc_core::SC_ZERO_TIME);
              std::vector<Task> loads;
              for (std::int32_t c = 0; c < 3; ++c) loads.push_back(load_from(c));
              for (std::int32_t c = 0; c < 3; ++c) executors.npu->start(c, loads[static_cast<std::size_t>(c)]);
              sc_core::sc_start();
              const Task g = gemm();
              executors.nmp[1]->start(9, g);
              sc_core::sc_start();
              EXPECT_EQ(heard.commands, (std::set<int>{0, 1, 2}));
              EXPECT_EQ(heard.nmp, (std::set<int>{1}));
              EXPECT_GT(heard.npu, 0);
              EXPECT_TRUE(silent.commands.empty() && silent.nmp.empty() && silent.npu == 0);
              return std::string("heard");
            }),
            "heard");
}

INSTANTIATE_TEST_SUITE_P(Orders, Building, ::testing::Values(ConstructionOrder::channels_first, ConstructionOrder::npu_first));

}  // namespace
}  // namespace bondsim
