#include "tools/app/serving/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "mapping/emit/mapper.hpp"
#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

using LayerTimes = std::map<std::string, double>;  ///< us by layer of LLMServingSim

std::vector<std::int64_t> doubling(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> out;
  for (std::int64_t n = from; n <= to; n *= 2) out.push_back(n);
  return out;
}

/// A row of attention.csv but its time.
struct AttentionRow {
  std::int64_t chunk;   ///< tokens of a prompt
  std::int64_t before;  ///< tokens of the prompt before them
  std::int64_t decodes;
  std::int64_t context;  ///< of each request that decodes
};

/// Decode alone, prompts alone, then both, as far as contexts and requests reach.
std::vector<AttentionRow> attention_rows(const ProfileGrids& grids) {
  const auto requests = doubling(1, grids.requests), chunks = doubling(64, grids.tokens);
  std::vector<std::int64_t> cached = {0};
  for (const std::int64_t c : doubling(512, grids.context - 64)) cached.push_back(c);
  std::vector<AttentionRow> rows;
  for (const std::int64_t n : requests) {
    for (const std::int64_t context : doubling(128, grids.context)) rows.push_back({0, 0, n, context});
  }
  for (const std::int64_t chunk : chunks) {
    for (const std::int64_t before : cached) {
      if (before + chunk <= grids.context) rows.push_back({chunk, before, 0, 0});
    }
  }
  for (const std::int64_t chunk : chunks) {
    for (const std::int64_t n : requests) {
      if (n < grids.requests && chunk <= grids.context) rows.push_back({chunk, 0, n, std::min<std::int64_t>(1024, grids.context)});
    }
  }
  return rows;
}

/// Names of directories are plain.
std::string plain(std::string name) {
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_' && c != '.') c = '_';
  }
  return name;
}

class Profiler {
 public:
  Profiler(const Experiment& experiment, const ProfileGrids& grids) : experiment_(experiment), grids_(grids) {
    Workload& w = experiment_.workload;
    w = {};
    w.name = "profile";
    w.batch = grids.requests;
    w.prompt_tokens = grids.context;
    w.apart = true;
    w.step_tokens = grids.tokens;
    plan_ = std::make_unique<Plan>(plan_experiment(experiment_));
  }

  /// An iteration of a chunk of a prompt over `cached` tokens (0 tokens: none), and of requests that decode at a context.
  LayerTimes run(std::int64_t chunk, std::int64_t cached, int decodes, std::int64_t context) const {
    Batch batch;
    for (int r = 0; r < decodes; ++r) batch.requests.push_back({r, Phase::decode, 1, context, 1});
    if (chunk > 0) batch.requests.push_back({decodes % grids_.requests, Phase::prefill, chunk, cached + chunk, 1});
    return nlohmann::json::parse(run_isolated([&] {
             const auto schedule = make_schedule(*plan_, std::make_unique<Once>(batch));
             return nlohmann::json(times_of(simulate(experiment_.system, *schedule))).dump();
           }))
        .get<LayerTimes>();
  }

 private:
  struct Once : BatchSource {
    explicit Once(Batch b) : batch(std::move(b)) {}
    std::optional<BatchStep> next(Picoseconds) override {
      if (done) return std::nullopt;
      done = true;
      return BatchStep{batch, 1, Picoseconds()};
    }
    Batch batch;
    bool done = false;
  };

  LayerTimes times_of(const Results& results) const {
    LayerTimes times;
    for (const OperatorResult& op : results.operators) {
      const std::string layer = profile_layer(op.name);
      const bool outside = layer == "embedding" || layer == "final_layernorm" || layer == "lm_head";
      // A layer has two calls of layernorm.
      const double calls = outside ? 1 : experiment_.model.layers * (layer == "layernorm" ? 2 : 1);
      times[layer] += to_seconds(op.busy) * 1e6 / calls;
    }
    return times;
  }

  Experiment experiment_;
  ProfileGrids grids_;
  std::unique_ptr<Plan> plan_;
};

}  // namespace

std::string profile_layer(const std::string& op) {
  static const std::map<std::string, std::string> layers = {{"embedding", "embedding"},
                                                            {"norm", "layernorm"},
                                                            {"norm_ffn", "layernorm"},
                                                            {"q", "qkv_proj"},
                                                            {"k", "qkv_proj"},
                                                            {"v", "qkv_proj"},
                                                            {"norm_q", "qk_norm"},
                                                            {"norm_k", "qk_norm"},
                                                            {"rotary_q", "rotary_emb"},
                                                            {"rotary_k", "rotary_emb"},
                                                            {"qk", "attention"},
                                                            {"softmax", "attention"},
                                                            {"sv", "attention"},
                                                            {"k_append", "attention"},
                                                            {"v_append", "attention"},
                                                            {"o", "o_proj"},
                                                            {"f1", "gate_up_proj"},
                                                            {"f3", "gate_up_proj"},
                                                            {"activation", "act_fn"},
                                                            {"f2", "down_proj"},
                                                            {"final_norm", "final_layernorm"},
                                                            {"lm_head", "lm_head"},
                                                            {"router", "moe"},
                                                            {"routing", "moe"},
                                                            {"combine", "moe"}};
  if (op.size() > 1 && op[0] == 'e' && op.find('.') != std::string::npos) return "moe";
  if (op.rfind("residual", 0) == 0 || op.rfind("post_norm", 0) == 0) return "layernorm";
  if (op.find("append") != std::string::npos) return "attention";
  const auto known = layers.find(op);
  return known == layers.end() ? "other" : known->second;
}

ProfileBundle llmservingsim_profile(const Experiment& experiment, const ProfileGrids& grids,
                                    const std::function<void(int, int)>& progress) {
  const Profiler profiler(experiment, grids);
  const std::vector<std::int64_t> of_tokens = doubling(1, grids.tokens);
  const std::vector<AttentionRow> of_attention = attention_rows(grids);
  int done = 0;
  const int all = static_cast<int>(of_tokens.size() + of_attention.size());
  const auto tell = [&] {
    if (progress) progress(++done, all);
  };
  std::string dense = "layer,tokens,time_us\n", sequence = "layer,sequences,time_us\n", moe = "tokens,activated_experts,time_us\n";
  for (const std::int64_t tokens : of_tokens) {
    const bool decode = tokens <= grids.requests;
    const LayerTimes times = decode ? profiler.run(0, 0, static_cast<int>(tokens), 128) : profiler.run(tokens, 0, 0, 0);
    for (const auto& [layer, us] : times) {
      if (layer == "attention" || layer == "lm_head" || layer == "other" || layer == "moe") continue;
      dense += fmt::format("{},{},{:.6g}\n", layer, tokens, us);
    }
    if (decode) sequence += fmt::format("lm_head,{},{:.6g}\nsampler,{},0\n", tokens, times.at("lm_head"), tokens);
    if (experiment.model.moe) {
      const auto rows = expert_rows(*experiment.model.moe, tokens, 0);
      const auto active = std::count_if(rows.begin(), rows.end(), [](std::int64_t n) { return n > 0; });
      moe += fmt::format("{},{},{:.6g}\n", tokens, active, times.count("moe") > 0 ? times.at("moe") : 0.0);
    }
    tell();
  }
  std::string attention = "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n";
  for (const AttentionRow& row : of_attention) {
    const LayerTimes times = profiler.run(row.chunk, row.before, static_cast<int>(row.decodes), row.context);
    attention += fmt::format("{},{},{},{},{:.6g}\n", row.chunk, row.before, row.decodes, row.context, times.at("attention"));
    tell();
  }
  const std::string root =
      fmt::format("{}/{}/{}/", plain(experiment.system.name), plain(experiment.model.name), plain(experiment.dataflow.name));
  ProfileBundle files;
  files[root + "meta.yaml"] = fmt::format(
      "# Simulated by bondsim: cycles of one device, no measurement.\nhardware: {}\nmodel: {}\nvariant: {}\ntp: [1]\nlayers: {}\n"
      "max_sequences: {}\nmax_context: {}\nmax_batched_tokens: {}\nbondsim_configuration: {}\n"
      "notes: layernorm is half of a layer's norms and residual sums; attention has softmax and the writing of K and V; sampler is not "
      "modelled\n",
      experiment.system.name, experiment.model.name, experiment.dataflow.name, experiment.model.layers, grids.requests, grids.context,
      grids.tokens, experiment.digest);
  files[root + "tp1/dense.csv"] = dense;
  files[root + "tp1/per_sequence.csv"] = sequence;
  files[root + "tp1/attention.csv"] = attention;
  if (experiment.model.moe) files[root + "tp1/moe.csv"] = moe;
  return files;
}

}  // namespace bondsim::tools
