#include "mapping/cost/detailed/operator_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/emit/block_parts.hpp"
#include "mapping/emit/single_operator.hpp"
#include "tests/support/h2llm_pes.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/scale.hpp"

/// The closed form without a schedule against the same form on the schedule's tasks.
namespace bondsim::testing {
namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed) {}
  double of(std::initializer_list<double> values) { return values.begin()[engine_() % values.size()]; }
  std::int64_t below(std::int64_t most) { return 1 + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(most)); }
  std::int64_t chance(std::int64_t of) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(of)); }

 private:
  std::mt19937_64 engine_;
};

struct RandomOperator {
  System system;
  SingleOperator op;
};

RandomOperator random_operator(std::uint64_t seed) {
  Draw draw(seed);
  const auto channels = static_cast<int>(draw.below(8));
  const bool npu = draw.chance(4) == 0;
  RandomOperator r{npu ? h2llm_system(0, channels) : h2llm_system(channels, 0), {}};
  r.system.npu.dma_chunk_kib = draw.of({64, 512});
  NmpConfig& nmp = r.system.nmp;
  nmp.hb.access_bytes = static_cast<int>(draw.of({16, 32, 64, 128}));
  nmp.hb.bandwidth_gbps = nmp.hb.access_bytes * 0.4;
  nmp.pe.fpus = static_cast<int>(draw.of({1, 2, 4, 8}));
  nmp.pe.clock_mhz = static_cast<int>(draw.of({400, 600, 800, 1000}));
  nmp.pe.weight_buffer_kib = draw.of({2, 4, 32, 128});
  nmp.pe.output_buffer_kib = draw.of({0.5, 4, 8});
  nmp.pe.double_buffered_weights = draw.chance(4) != 0;
  nmp.input_buffer_kib = draw.of({4, 32, 128});
  nmp.subarray_overlap = draw.chance(4) == 0;
  if (draw.chance(3) == 0) nmp.activate_policy = ActivatePolicy::staggered;
  if (draw.chance(5) == 0) r.system.fidelity.refresh = false;
  const bool several = draw.chance(2) == 0;
  r.op.executor = npu ? Executor::npu : Executor::nmp;
  r.op.shape = {several ? draw.below(60) : 1, draw.below(16), draw.below(several ? 1000 : 9000), draw.below(several ? 1000 : 9000)};
  if (draw.chance(2) == 0) {
    r.op.shape.n = (r.op.shape.n / 64 + 1) * 64;
    r.op.shape.k = (r.op.shape.k / 64 + 1) * 64;
  }
  r.op.bits = cost::bits_of_elements(draw.of({0.5, 1, 2}));
  for (int c = 0; c < channels; ++c) r.op.channels.push_back(c);
  return r;
}

Block block_of(const RandomOperator& r) {
  Block block;
  EXPECT_TRUE(single_operator_schedule(r.system, r.op)->next(block));
  return block;
}

cost::OperatorPlan plan_of(const RandomOperator& r) {
  return r.op.executor == Executor::npu ? cost::plan_on_npu(r.system, r.op.shape, r.op.bits)
                                        : cost::plan_on_nmp(r.system, r.op.shape, r.op.bits);
}

TEST(OperatorPlan, takes_as_long_as_the_tasks_of_its_schedule) {
  int compared = 0, impossible = 0;
  for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(test::scaled(600)); ++seed) {
    const RandomOperator r = random_operator(seed);
    Block block;
    try {
      block = block_of(r);
    } catch (const InfeasibleError&) {
      ++impossible;
      EXPECT_THROW(plan_of(r), InfeasibleError) << "seed " << seed;
      continue;
    }
    const cost::TaskTiming timing(r.system);
    const double tasks = timing.block_ps(block);
    EXPECT_NEAR(timing.operator_ps(plan_of(r)) / tasks, 1, 1e-12) << "seed " << seed;
    ++compared;
  }
  EXPECT_GT(compared, 10 * impossible);
}

TEST(OperatorPlan, runs_of_equal_pieces_take_as_long_as_the_pieces) {
  int shorter = 0;
  for (std::uint64_t seed = 5001; seed <= 5000 + static_cast<std::uint64_t>(test::scaled(600)); ++seed) {
    const RandomOperator r = random_operator(seed);
    if (r.op.executor == Executor::npu) continue;
    cost::OperatorPlan plan;
    try {
      plan = plan_of(r);
    } catch (const InfeasibleError&) {
      continue;
    }
    const cost::HbTiming timing(r.system);
    for (const cost::PlannedChannel& channel : plan.channels) {
      // Refresh is due before the start, later, or not in sight.
      for (const double soon : {0.0, 1.1e6, 1e12}) {
        const double due = r.system.fidelity.refresh ? soon : timing.refresh_period_ps();
        double together = due, apart = due;
        const double end = timing.gemm_end(channel.gemms.front().share, 5e5, together, cost::PieceWalk::runs);
        EXPECT_NEAR(end / timing.gemm_end(channel.gemms.front().share, 5e5, apart, cost::PieceWalk::pieces), 1, 1e-12) << "seed " << seed;
        if (r.system.fidelity.refresh) {
          EXPECT_NEAR(together, apart, 1e-3) << "seed " << seed;
        }
        shorter += end > 1e7 ? 1 : 0;
      }
    }
  }
  EXPECT_GT(shorter, 10);
}

TEST(OperatorPlan, too_large_an_operator_is_infeasible) {
  const System system = h2llm_system(2, 0);
  EXPECT_THROW(cost::plan_on_nmp(system, {1, 1, 1 << 20, 1 << 16}, {}), InfeasibleError);
  EXPECT_THROW(cost::plan_on_npu(system, {1, 1, 1 << 20, 1 << 16}, {}), InfeasibleError);
  EXPECT_THROW(cost::plan_on_nmp(system, {4, 1, 1 << 18, 1 << 16}, {}), InfeasibleError);
}

TEST(OperatorPlan, a_thousand_million_products_are_refused_at_once) {
  RandomOperator r{h2llm_system(2, 0), {}};
  r.op.shape = {1000000000, 1, 16, 16};
  r.op.channels = {0, 1};
  EXPECT_THROW(single_operator_schedule(r.system, r.op), InfeasibleError);
  EXPECT_THROW(plan_of(r), InfeasibleError);
}

TEST(DetailedOnDevice, says_what_the_form_says_and_keeps_plans) {
  const System base = h2llm_system();
  const cost::NmpDevice device = test::h2llm_pes();
  cost::DetailedOnDevice many(base, device);
  const cost::Detailed one(base);
  for (const GemmShape& shape : {GemmShape{1, 1, 4096, 4096}, GemmShape{8, 4, 850, 128}, GemmShape{1, 16, 1000, 3000}}) {
    const double first = many.seconds(shape, 2);
    EXPECT_NEAR(first / one.nmp_seconds(shape, 2, device), 1, 0.02);  // equal pieces together against the controller's steps
    const cost::TaskTiming together(cost::system_of_device(base, device), cost::PieceWalk::runs);
    EXPECT_EQ(first, together.operator_ps(many.plan(shape, 2)) * 1e-12);
    EXPECT_EQ(first, many.seconds(shape, 2));
    EXPECT_EQ(&many.plan(shape, 2), &many.plan(shape, 2));
    EXPECT_NE(first, many.seconds(shape, 1));
  }
}

TEST(OperatorBlock, holds_an_operators_tasks_and_the_scatter_it_shares) {
  const auto schedule = make_schedule(h2llm_system(), model("llama-3-8b"), lengths(1, 64, 1), dataflow("fc_offloading"));
  Block block;
  while (schedule->next(block) && !(block.step == 1 && block.layer == 0)) {
  }
  const auto& operators = schedule->header().operators;
  std::size_t tasks = 0, shared = 0;
  for (std::int32_t op = 0; op < static_cast<std::int32_t>(operators.size()); ++op) {
    const Block part = operator_block(block, op);
    for (std::size_t i = 0; i < part.tasks.size(); ++i) {
      const Task& t = part.tasks[i];
      EXPECT_EQ(t.op, op);
      for (const std::int32_t d : t.dependencies) EXPECT_LT(d, static_cast<std::int32_t>(i));
      if (t.kind != TaskKind::nmp_gemm) continue;
      ASSERT_FALSE(t.dependencies.empty()) << operators[static_cast<std::size_t>(op)].name;
      EXPECT_EQ(part.tasks[static_cast<std::size_t>(t.dependencies.back())].kind, TaskKind::host_scatter);
      EXPECT_TRUE(t.nmp.leave_mode);
      ASSERT_LT(t.nmp.part.work, static_cast<std::int32_t>(part.work.size()));
      EXPECT_EQ(part.work[static_cast<std::size_t>(t.nmp.part.work)].op, op);
    }
    tasks += part.tasks.size();
    const std::string& name = operators[static_cast<std::size_t>(op)].name;
    if (name == "k" || name == "v" || name == "f3") {
      shared += static_cast<std::size_t>(
          std::count_if(part.tasks.begin(), part.tasks.end(), [](const Task& t) { return t.kind == TaskKind::host_scatter; }));
    }
  }
  EXPECT_EQ(shared, 18u);  // three operators, six channels
  EXPECT_EQ(tasks, block.tasks.size() + shared);
}

}  // namespace
}  // namespace bondsim::testing
