#include <gtest/gtest.h>

#include <string>

#include "mapping/cost/detailed/detailed.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/scale.hpp"

/// `attention_overlap`: transfers and softmax of some heads beside the products of others.
namespace bondsim::test {
namespace {

/// Decode alone, attention on the PEs.
Case attention_alone(const std::string& system, int channels, int batch, std::int64_t context) {
  Case c{shipped_system(system), shipped_model("llama-3-8b"), shipped_workload("sharegpt"), shipped_dataflow("attention_offloading")};
  c.system.set_channels(channels, system == "h2llm" ? 2 : 0);
  c.model.layers = 1;
  c.workload.prompt_cached = true;
  c.workload.batch = batch;
  c.workload.prompt_tokens = context;
  c.workload.generated_tokens = 1;
  if (system != "h2llm") c.dataflow = shipped_dataflow("all_on_pes");
  return c;
}

struct Figures {
  std::int64_t ps = 0;
  std::string sums;  ///< what is computed and moved
};

Figures figures_of(Case c, bool overlap) {
  c.dataflow.attention_overlap = overlap;
  const std::string text = run_isolated([&] {
    const auto schedule = validated(c.system, make_schedule(c.system, c.model, c.workload, c.dataflow));
    const Results r = simulate(c.system, *schedule);
    std::int64_t macs = 0, operations = 0, bytes = 0;
    for (const OperatorResult& op : r.operators) {
      macs += op.macs;
      operations += op.counts.vector_ops;
      bytes += op.bytes;
    }
    return fmt::format("{} {} {} {}", r.total.value, macs, operations, bytes);
  });
  return {std::stoll(text), text.substr(text.find(' '))};
}

TEST(HeadStreams, the_same_work_takes_no_longer) {
  struct Point {
    const char* system;
    int channels, batch;
    std::int64_t context;
  };
  for (const Point& p : {Point{"h2llm", 6, 1, 783}, Point{"h2llm", 6, 4, 1886}, Point{"h2llm", 8, 16, 500}, Point{"gddr6-aim", 8, 1, 1024},
                         Point{"gddr6-aim", 16, 4, 300}, Point{"attacc", 4, 2, 2000}}) {
    Case c = attention_alone(p.system, p.channels, p.batch, p.context);
    c.system.fidelity.refresh = false;  // what ends sooner may meet another refresh
    const Figures whole = figures_of(c, false), streamed = figures_of(c, true);
    const std::string label = fmt::format("{}, {} channels, batch {}, context {}", p.system, p.channels, p.batch, p.context);
    EXPECT_EQ(streamed.sums, whole.sums) << label;
    EXPECT_LE(streamed.ps, whole.ps) << label;
    RecordProperty(fmt::format("{} {} {}", p.system, p.channels, p.batch),
                   fmt::format("{:.4f}", static_cast<double>(streamed.ps) / static_cast<double>(whole.ps)));
  }
}

TEST(HeadStreams, closed_form_follows) {
  for (const bool overlap : {false, true}) {
    Case c = attention_alone("h2llm", 6, 4, 1886);
    c.dataflow.attention_overlap = overlap;
    const auto schedule = make_schedule(c.system, c.model, c.workload, c.dataflow);
    const cost::Detailed detailed(c.system);
    double predicted = 0;
    for (Block block; schedule->next(block);) predicted += detailed.block_seconds(block, c.system, predicted);
    EXPECT_NEAR(predicted * 1e12 / static_cast<double>(figures_of(c, overlap).ps), 1, 0.02) << overlap;
  }
}

}  // namespace
}  // namespace bondsim::test
