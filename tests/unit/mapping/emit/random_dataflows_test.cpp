#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "mapping/dataflow/formats.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/random_dataflow.hpp"

namespace bondsim {
namespace {

/// How many dataflows are drawn: BONDSIM_RANDOM_DATAFLOWS=10000 for the long run.
int draws() {
  const char* text = std::getenv("BONDSIM_RANDOM_DATAFLOWS");
  return text == nullptr ? 40 : std::atoi(text);
}

std::vector<std::string> shipped_models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(bondsim::tests::source_dir() + "/configs/model")) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Draw {
  System system;
  Model model;
  Workload workload;
  std::string dataflow;
};

Draw draw(std::uint64_t seed, const std::vector<std::string>& models) {
  std::mt19937_64 random(seed);
  Draw d;
  const int nmp = 1 + static_cast<int>(random() % 8);
  d.system = testing::h2llm_system(nmp, static_cast<int>(random() % 4));
  d.system.nmp.hb.access_bytes = 16 << (random() % 4);
  d.system.nmp.pe.output_buffer_kib = 0.5 * static_cast<double>(1 << (random() % 4));
  d.system.nmp.pe.weight_buffer_kib = static_cast<double>(4 << (random() % 4));
  d.system.nmp.input_buffer_kib = static_cast<double>(4 << (random() % 4));
  d.system.npu.vector_units = 1 + static_cast<int>(random() % 8);
  testing::draw_prefill(seed, d.system);
  d.model = testing::model(models[random() % models.size()]);
  try {
    require_formats(d.system, d.model);
  } catch (const ConfigError&) {
    d.model = testing::model("llama-3-8b");  // numbers this system does not multiply
  }
  d.model.layers = 2;
  if (d.model.window && random() % 2 == 0) {
    d.model.window->tokens = 1 + static_cast<std::int64_t>(random() % 60);
    d.model.window->chunked = random() % 2 == 0;
  }
  d.workload = testing::lengths(1 + static_cast<int>(random() % 3), 1 + static_cast<std::int64_t>(random() % 90), 3);
  if (random() % 3 == 0) {
    for (int r = 0; r < d.workload.batch; ++r) d.workload.prompts.push_back(1 + static_cast<std::int64_t>(random() % 90));
  }
  if (random() % 4 == 0) d.workload.layers = LayerMode::all;
  d.dataflow = testing::RandomDataflow(seed ^ 0x9e3779b97f4a7c15u, d.system, layer_graph(d.model)).draw();
  return d;
}

std::int64_t macs_of(const Block& block) {
  std::int64_t sum = 0;
  for (const Task& t : block.tasks) {
    if (t.kind == TaskKind::nmp_gemm) sum += t.nmp.shape.macs();
    if (t.kind == TaskKind::npu_gemm) sum += t.npu.shape.macs();
  }
  return sum;
}

/// Elements of the attention's softmax; of experts' routing there is one, too.
std::int64_t softmax_elements_of(const Block& block, const ScheduleHeader& header) {
  std::int64_t sum = 0;
  for (const Task& t : block.tasks) {
    const bool of_attention = t.op >= 0 && header.operators[static_cast<std::size_t>(t.op)].name == "softmax";
    if (of_attention && t.vector.kind == VectorKind::softmax) sum += t.vector.elements;
  }
  return sum;
}

/// The tokens of a block, by plain counting: block `part` of `most` tokens each of a step's new tokens, which come request by request.
Batch tokens_of(const Draw& d, const Block& block, std::int64_t part, std::int64_t most) {
  Batch batch;
  std::int64_t number = 0;
  for (int r = 0; r < d.workload.batch; ++r) {
    const std::int64_t rows = block.step == 0 ? d.workload.prompt_of(r) : 1;
    BatchEntry entry;
    entry.tokens = 0;
    for (std::int64_t t = 1; t <= rows; ++t, ++number) {
      if (number / most != part) continue;
      ++entry.tokens;
      entry.context = block.step == 0 ? t : d.workload.prompt_of(r) + block.step;
    }
    batch.requests.push_back(entry);
  }
  return batch;
}

/// Tokens that a token with `context` tokens up to itself attends to.
std::int64_t attended(const Model& m, int layer, std::int64_t context) {
  const LayerClass c = m.class_of(layer);
  if (c.window == 0) return context;
  return std::min(context, c.chunked ? (context - 1) % c.window + 1 : c.window);
}

/// Work of a block by the model's formulas: the least, row by row what its window leaves, and the most, all rows with all columns. They
/// differ in layers with a window, whose rows are taken several at a time.
struct Expected {
  std::int64_t least_macs = 0, most_macs = 0;
  std::int64_t least_scores = 0, most_scores = 0;  ///< elements of the softmax
};

Expected expected_work(const Draw& d, const Block& block, std::int64_t part, std::int64_t most) {
  const Model& m = d.model;
  std::int64_t tokens = 0;
  std::int64_t scores = 0, least = 0;
  for (const BatchEntry& r : tokens_of(d, block, part, most).requests) {
    tokens += r.tokens;
    scores += r.tokens * r.context;
    const bool windowed = m.class_of(std::max(0, block.layer)).window > 0;
    for (std::int64_t back = 0; back < r.tokens; ++back) least += windowed ? attended(m, block.layer, r.context - back) : r.context;
  }
  if (block.step > 0) scores = least;
  if (block.layer < 0) return {d.workload.batch * m.hidden * m.vocab, d.workload.batch * m.hidden * m.vocab, 0, 0};
  const std::int64_t matrices = (m.gated_ffn ? 3 : 2) * m.hidden;
  std::int64_t projections = m.hidden * (2 * m.query_columns() + 2 * m.kv_columns());
  if (m.mla) {
    const MlaConfig& a = *m.mla;
    projections = m.hidden * m.query_heads * (a.nope_dim + a.rope_dim) + m.hidden * (a.kv_rank + a.rope_dim) +
                  a.kv_rank * m.query_heads * (a.nope_dim + a.v_dim) + m.query_heads * a.v_dim * m.hidden;
  }
  std::int64_t per_token = matrices * m.intermediate;
  if (m.moe && block.layer >= m.moe->first_dense) {
    const std::int64_t width = m.moe->intermediate > 0 ? m.moe->intermediate : m.intermediate;
    per_token = matrices * (m.moe->top_k * width + m.moe->shared_intermediate) + m.hidden * m.moe->experts;
  }
  const std::int64_t rest = tokens * (projections + per_token), of_score = m.query_heads * (m.head_dim + m.value_dim());
  return {rest + least * of_score, rest + scores * of_score, least * m.query_heads, scores * m.query_heads};
}

TEST(RandomDataflow, every_legal_dataflow_maps_to_a_sound_schedule_of_the_models_macs) {
  const auto models = shipped_models();
  int infeasible = 0, blocks = 0;
  for (int i = 0; i < draws(); ++i) {
    const std::uint64_t seed = 1000 + static_cast<std::uint64_t>(i);
    const Draw d = draw(seed, models);
    const std::string context = fmt::format("seed {}, model {}, {} NMP and {} normal channels\n{}", seed, d.model.name,
                                            d.system.nmp_channel_count(), d.system.normal_channels().size(), d.dataflow);
    try {
      Plan plan = make_plan(d.system, d.model, d.workload, decode_dataflow(parse_yaml(d.dataflow, "random.yaml")));
      const auto most_tokens = [&, planned = plan](int layer) {
        return token_blocks(planned, lockstep_batch(d.workload, 0), layer).front().batch.tokens();
      };
      blocks += static_cast<int>(plan.prefill.size());
      const auto source = make_schedule(std::move(plan));
      ScheduleValidator validator(d.system, source->header());
      ASSERT_FALSE(validator.check_header()) << context;
      Block block;
      std::int64_t part = 0;
      for (std::pair<int, int> before; source->next(block); before = {block.step, block.layer}) {
        part = before == std::make_pair(block.step, block.layer) && block.layer >= 0 ? part + 1 : 0;
        const auto fault = validator.check(block);
        ASSERT_FALSE(fault) << fault->text() << "\n" << context;
        const std::int64_t macs = macs_of(block);
        const bool embedding = macs == 0 && block.layer < 0;
        const std::int64_t most = block.step == 0 && block.layer >= 0 ? most_tokens(block.layer) : 1 << 20;
        const Expected expected = expected_work(d, block, part, most);
        ASSERT_TRUE(embedding || (macs >= expected.least_macs && macs <= expected.most_macs))
            << macs << " MACs of " << expected.least_macs << " to " << expected.most_macs << ", step " << block.step << ", layer "
            << block.layer << ", part " << part << " of at most " << most << " tokens, " << context;
        const std::int64_t scores = softmax_elements_of(block, source->header());
        ASSERT_TRUE(embedding || (scores >= expected.least_scores && scores <= expected.most_scores))
            << scores << " elements of the softmax, of " << expected.least_scores << " to " << expected.most_scores << ", step "
            << block.step << ", layer " << block.layer << ", part " << part << ", " << context;
      }
      ASSERT_FALSE(validator.check_end()) << context;
    } catch (const InfeasibleError&) {
      ++infeasible;  // a model on few channels
    } catch (const ConfigError& e) {
      FAIL() << e.what() << "\n" << context;
    }
  }
  RecordProperty("infeasible", infeasible);
  EXPECT_LT(infeasible, draws() / 4);
  EXPECT_GT(blocks, draws()) << "prefills in blocks of tokens";
}

}  // namespace
}  // namespace bondsim
