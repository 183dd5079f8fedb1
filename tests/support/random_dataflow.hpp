#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/llm/graph.hpp"
#include "models/system/system.hpp"

/// Draws legal data-centric dataflows, as the text of a dataflow file.
namespace bondsim::testing {

/// Every third system takes attention of prefill tile by tile, every sixth with so small a scratchpad that softmax runs on over tiles of
/// columns: its arrays are small too, so that short prompts are several tiles. Every fifth takes prefill in blocks of a few tokens, every
/// seventh fetches its weights ahead.
inline void draw_prefill(std::uint64_t seed, System& system) {
  if (seed % 5 == 0) system.npu.prefill_block_tokens = 1 + static_cast<std::int64_t>(seed % 37);
  system.npu.fused_attention = seed % 3 == 0;
  system.npu.prefetch = seed % 7 == 0;
  if (!system.npu.fused_attention) return;
  if (seed % 2 != 0) return;
  system.npu.array_rows = system.npu.array_columns = 16;
  system.npu.dma_chunk_kib = 4;
  system.npu.scratchpad_mib = 0.125;
}

class RandomDataflow {
 public:
  RandomDataflow(std::uint64_t seed, const System& system, const OperatorGraph& layer)
      : random_(seed),
        nmp_(system.nmp_channel_count()),
        normal_(!system.normal_channels().empty()),
        gemms_(gemm_names(layer)),
        edges_(gemm_edges(layer)) {
    for (const std::string& op : gemms_) {
      for (const auto& e : edges_) inputs_[op].insert(e.second == op ? e.first : op);
      inputs_[op].erase(op);
    }
  }

  /// Groups, partitions, tiers and bindings all drawn; now and then a file without groups.
  std::string draw() {
    rules_.clear();
    std::string text = "schema: bondsim.dataflow/1\nname: random\nsplit: " + std::string(below(2) ? "search" : "closed_form") + "\n";
    const bool grouped = below(4) > 0;
    std::string groups;
    for (int attempt = 0; grouped && attempt < 20 && groups.empty(); ++attempt) groups = draw_groups();
    if (groups.empty()) {
      rules_.clear();
      for (const std::string& op : gemms_) bind(op, some_channels(all_channels()), normal_);
    }
    bind("lm_head", some_channels(all_channels()), normal_);
    if (normal_ && below(4) == 0) text += fmt::format("prefill_copies: {:.2f}\n", 0.05 * static_cast<double>(1 + below(20)));
    if (below(4) == 0) text += "prefill_head: as_decode\n";
    if (groups.empty() && below(2) == 0) text += "attention_overlap: true\n";
    text += "operators:\n";
    for (const std::string& rule : rules_) text += rule;
    return groups.empty() ? text : text + "groups:\n" + groups;
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

 private:
  std::vector<int> all_channels() const {
    std::vector<int> all(static_cast<std::size_t>(nmp_));
    for (int c = 0; c < nmp_; ++c) all[static_cast<std::size_t>(c)] = c;
    return all;
  }

  std::vector<int> some_channels(std::vector<int> from) {
    std::shuffle(from.begin(), from.end(), random_);
    if (!from.empty()) from.resize(1 + below(from.size()));
    std::sort(from.begin(), from.end());
    return from;
  }

  static std::string list(const std::vector<int>& channels) {
    return channels.empty() ? "none" : fmt::format("[{}]", fmt::join(channels, ", "));
  }

  /// Any legal executor for these channels.
  void bind(const std::string& op, std::vector<int> channels, bool normal) {
    std::string executor = "npu";
    std::string share;
    const std::uint64_t kind = below(4);
    if (!channels.empty() && (kind < 2 || !normal)) {
      executor = kind == 3 ? "npu" : "nmp";
      normal = normal && executor == "npu";
    } else if (!channels.empty() && kind == 2) {
      executor = "split";
      share = below(3) == 0 ? ", nmp_share: balanced" : fmt::format(", nmp_share: {:.3f}", 0.05 + 0.009 * static_cast<double>(below(100)));
    } else if (normal && below(2) == 0) {
      channels.clear();
    }
    rules_.push_back(fmt::format("  - {{names: [{}], executor: {}, nmp_channels: {}, normal_channels: {}{}}}\n", op, executor,
                                 list(channels), normal, share));
  }

  /// Random access groups that respect the edges; empty when the channels do not suffice for its partitions.
  std::string draw_groups() {
    rules_.clear();
    std::map<std::string, int> group_of;
    int groups = 0;
    for (const std::string& op : in_order()) {
      int g = 0;
      for (const std::string& input : inputs_[op]) g = std::max(g, group_of[input] + (below(4) == 0 ? 1 : 0));
      group_of[op] = g;
      groups = std::max(groups, g + 1);
    }
    std::string text;
    for (int g = 0; g < groups; ++g) {
      std::vector<std::vector<std::string>> parts;
      for (const std::string& op : in_order()) {
        if (group_of[op] == g) join(parts, op);
      }
      const std::string partitions = draw_partitions(parts);
      if (partitions.empty()) return "";
      text += "  - partitions:\n" + partitions;
    }
    return text;
  }

  /// Inputs before users, otherwise at random.
  std::vector<std::string> in_order() {
    std::vector<std::string> order;
    std::set<std::string> done;
    while (order.size() < gemms_.size()) {
      std::vector<std::string> ready;
      for (const std::string& op : gemms_) {
        const auto& in = inputs_[op];
        if (done.count(op) == 0 && std::all_of(in.begin(), in.end(), [&](const std::string& i) { return done.count(i) > 0; }))
          ready.push_back(op);
      }
      order.push_back(ready[below(ready.size())]);
      done.insert(order.back());
    }
    return order;
  }

  /// Adds an operator to the components of a group.
  void join(std::vector<std::vector<std::string>>& parts, const std::string& op) {
    std::vector<std::string> merged;
    for (auto it = parts.begin(); it != parts.end();) {
      const bool touches = std::any_of(it->begin(), it->end(), [&](const std::string& other) { return inputs_[op].count(other) > 0; });
      if (touches) {
        merged.insert(merged.end(), it->begin(), it->end());
        it = parts.erase(it);
      } else {
        ++it;
      }
    }
    merged.push_back(op);
    parts.push_back(merged);
  }

  std::string draw_partitions(const std::vector<std::vector<std::string>>& parts) {
    std::vector<int> channels = all_channels();
    std::shuffle(channels.begin(), channels.end(), random_);
    const std::size_t holders = parts.size() - (normal_ && parts.size() > channels.size() ? 1 : 0);
    if (holders > channels.size()) return "";
    std::vector<std::vector<int>> owned(parts.size());
    for (std::size_t i = 0; i < channels.size(); ++i)
      owned[i < holders ? i : below(std::max<std::size_t>(1, holders))].push_back(channels[i]);
    const std::size_t normal_owner = holders < parts.size() ? holders : below(parts.size());
    std::string text;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      std::sort(owned[p].begin(), owned[p].end());
      const bool normal = normal_ && p == normal_owner;
      text += fmt::format("      - {{nmp_channels: {}, normal_channels: {}, tiers: [{}]}}\n", list(owned[p]), normal,
                          draw_tiers(parts[p], owned[p], normal));
    }
    return text;
  }

  /// Tiers in dependency order; the operators of a tier share out the partition's channels.
  std::string draw_tiers(const std::vector<std::string>& ops, const std::vector<int>& channels, bool normal) {
    std::vector<std::vector<std::string>> tiers;
    std::set<std::string> left(ops.begin(), ops.end());
    const std::size_t room = std::max<std::size_t>(1, channels.size());
    while (!left.empty()) {
      std::vector<std::string> tier;
      for (const std::string& op : ops) {
        const auto& in = inputs_[op];
        const bool ready = std::none_of(in.begin(), in.end(), [&](const std::string& i) { return left.count(i) > 0; });
        if (left.count(op) > 0 && ready && tier.size() < room && (tier.empty() || below(3) > 0)) tier.push_back(op);
      }
      for (const std::string& op : tier) left.erase(op);
      tiers.push_back(tier);
    }
    std::string text;
    for (const auto& tier : tiers) {
      std::vector<int> free = channels;
      std::shuffle(free.begin(), free.end(), random_);
      std::size_t next = 0;
      for (std::size_t i = 0; i < tier.size(); ++i) {
        const std::size_t still = tier.size() - i - 1;
        std::vector<int> mine;
        if (next < free.size()) {
          const std::size_t most = free.size() - next - std::min(still, free.size() - next - 1);
          const std::size_t take = 1 + below(most);
          mine.assign(free.begin() + static_cast<std::ptrdiff_t>(next), free.begin() + static_cast<std::ptrdiff_t>(next + take));
          next += take;
        }
        std::sort(mine.begin(), mine.end());
        bind(tier[i], mine, normal);
      }
      text += fmt::format("{}[{}]", text.empty() ? "" : ", ", fmt::join(tier, ", "));
    }
    return text;
  }

  std::mt19937_64 random_;
  int nmp_ = 0;
  bool normal_ = false;
  std::vector<std::string> gemms_;
  std::vector<std::pair<std::string, std::string>> edges_;
  std::map<std::string, std::set<std::string>> inputs_;
  std::vector<std::string> rules_;
};

}  // namespace bondsim::testing
