#include "mapping/speculation/copies.hpp"

#include <algorithm>
#include <map>

namespace bondsim::speculation {
namespace {

using ByChannel = std::map<int, std::vector<Extent>>;

/// Adds the accesses that hold a token of a request.
void add_token(const AttentionPlacement& a, int request, std::int64_t token, const MemoryMap& memory, ByChannel& out) {
  for (const HeadRun& run : a.runs) {
    for (int g = 0; g < run.gemms; ++g) {
      if (run.requests[static_cast<std::size_t>(g)] != request) continue;
      HeadRun head = run;
      head.first_pe += g * run.pes_per_gemm;
      head.gemms = 1;
      for (const Extent& e : append_extents(a, head, token, token + 1, memory)) out[e.channel].push_back(e);
    }
  }
  for (const HeadStripe& stripe : a.stripes) {
    if (stripe.request != request) continue;
    for (const Extent& e : stripe_extents(stripe, token, token + 1, memory)) out[e.channel].push_back(e);
  }
}

class Copier {
 public:
  Copier(const Plan& plan, Block& block) : plan_(plan), block_(block) {}

  void cache(const char* op, const AttentionPlacement& a, const std::vector<TokenCopy>& copies) {
    ByChannel from, to;
    for (const TokenCopy& c : copies) {
      add_token(a, c.request, c.from, plan_.memory, from);
      add_token(a, c.request, c.to, plan_.memory, to);
    }
    const int number = plan_.operator_index(op, Phase::decode);
    std::vector<std::int32_t> loads;
    for (auto& [channel, extents] : from) loads.push_back(add(TaskKind::host_load, number, channel, std::move(extents), {}));
    for (auto& [channel, extents] : to) add(TaskKind::kv_append, number, channel, std::move(extents), loads);
  }

 private:
  std::int32_t add(TaskKind kind, int op, int channel, std::vector<Extent> extents, const std::vector<std::int32_t>& after) {
    Task t;
    t.kind = kind;
    t.op = op;
    t.executor = ExecutorId::of_channel(channel);
    t.dependencies = after;
    if (plan_.kv_table) extents = plan_.kv_table->translate(extents);
    t.extents = plan_.memory.place(std::move(extents), Space::layer, block_.layer);
    block_.tasks.push_back(std::move(t));
    return static_cast<std::int32_t>(block_.tasks.size()) - 1;
  }

  const Plan& plan_;
  Block& block_;
};

}  // namespace

void emit_copies(const Plan& plan, const std::vector<TokenCopy>& copies, Block& block) {
  if (plan.attention.empty()) return;
  Copier copier(plan, block);
  for (const auto& [name, placement] : plan.attention) {
    if (!placement.in_keys && placement.fixed_context == 0) copier.cache(placement.keys ? "k_copy" : "v_copy", placement, copies);
  }
}

}  // namespace bondsim::speculation
