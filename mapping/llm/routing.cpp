#include "mapping/llm/routing.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>

#include "models/base/csv_table.hpp"
#include "models/base/draws.hpp"

namespace bondsim {
namespace {

std::vector<int> permutation(std::uint64_t seed, int layer, int size) {
  std::vector<int> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  Draws draws(seed, {layer, -1, -1});
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(draws.next() * static_cast<double>(i))]);
  return order;
}

/// How often each expert is drawn, relative to the others; the same in all layers, so that one place of an expert fits all.
std::vector<double> popularity(const MoeConfig& moe) {
  std::vector<double> weights(static_cast<std::size_t>(moe.experts), 1.0);
  if (moe.routing == Routing::uniform) return weights;
  const std::vector<int> order = permutation(moe.seed, -1, moe.experts);
  for (std::size_t rank = 0; rank < order.size(); ++rank)
    weights[static_cast<std::size_t>(order[rank])] = std::pow(static_cast<double>(rank + 1), -moe.zipf_s);
  return weights;
}

/// One of those with a weight, which it loses.
int take_one(std::vector<double>& weights, double draw) {
  double left = draw * std::accumulate(weights.begin(), weights.end(), 0.0);
  std::size_t chosen = weights.size();
  for (std::size_t e = 0; e < weights.size(); ++e) {
    if (weights[e] <= 0) continue;
    chosen = e;
    if ((left -= weights[e]) < 0) break;
  }
  check(chosen < weights.size(), "no expert left to route to");
  weights[chosen] = 0;
  return static_cast<int>(chosen);
}

std::vector<int> drawn(const MoeConfig& moe, std::vector<double> weights, Draws& draws) {
  std::vector<int> experts;
  experts.reserve(static_cast<std::size_t>(moe.top_k));
  for (int k = 0; k < moe.top_k; ++k) experts.push_back(take_one(weights, draws.next()));
  return experts;
}

/// Experts of tokens [0, tokens) in a layer: each expert of the layer before leads to one of this layer (a permutation drawn once a layer)
/// with chance markov_stay; otherwise, and in the first layer, they are drawn.
std::vector<std::vector<int>> markov(const MoeConfig& moe, int layer, std::int64_t step, std::int64_t tokens) {
  std::vector<std::vector<int>> experts(static_cast<std::size_t>(tokens));
  for (int l = moe.first_dense; l <= layer; ++l) {
    if (!moe.in_layer(l)) continue;
    const std::vector<int> next = permutation(moe.seed ^ 0xA5A5u, l, moe.experts);
    const std::vector<double> of_layer = popularity(moe);
    for (std::size_t t = 0; t < experts.size(); ++t) {
      std::vector<double> weights = of_layer;
      Draws draws(moe.seed, {l, step, static_cast<std::int64_t>(t)});
      if (experts[t].empty()) {
        experts[t] = drawn(moe, weights, draws);
        continue;
      }
      for (int& e : experts[t]) {
        const int follows = next[static_cast<std::size_t>(e)];
        const bool stays = draws.next() < moe.markov_stay && weights[static_cast<std::size_t>(follows)] > 0;
        if (stays) weights[static_cast<std::size_t>(follows)] = 0;
        e = stays ? follows : take_one(weights, draws.next());
      }
    }
  }
  return experts;
}

std::vector<int> of_trace(const MoeConfig& moe, int layer, std::int64_t step, std::int64_t token) {
  const RoutingTrace& trace = *moe.trace;
  // Tokens of a (layer, step) are numbered from 0 without gaps, steps too: reading checks it.
  const auto last = [&](std::array<std::int64_t, 3> below) { return std::prev(trace.lower_bound(below))->first; };
  const std::int64_t l = trace.count({layer, 0, 0}) > 0 ? layer : -1;
  const std::int64_t s = step % (last({l + 1, -1, -1})[1] + 1);
  const std::int64_t t = token % (last({l, s + 1, -1})[2] + 1);
  return trace.at({l, s, t});
}

/// Deals rows by weight: row by row to the expert that is furthest behind its share and has room: proportional, whole, at most `tokens`
/// each.
std::vector<std::int64_t> dealt_rows(const MoeConfig& moe, std::int64_t tokens, std::int64_t step) {
  const auto experts = static_cast<std::size_t>(moe.experts);
  std::vector<std::int64_t> rows(experts, 0);
  std::vector<double> weights = moe.weights;
  if (moe.routing == Routing::expected) {
    const double share = static_cast<double>(moe.top_k) / moe.experts;
    const double busy = moe.experts * (1.0 - std::pow(1.0 - share, static_cast<double>(tokens)));
    const auto active = static_cast<std::size_t>(std::max<long>(moe.top_k, std::lround(busy)));
    weights.assign(experts, 0.0);
    for (std::size_t i = 0; i < active; ++i) weights[(static_cast<std::size_t>(step) * active + i) % experts] = 1.0;
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const auto want = [&](std::size_t e) { return weights[e] / total * static_cast<double>(tokens * moe.top_k); };
  std::int64_t left = tokens * moe.top_k;
  for (std::size_t e = 0; e < experts; ++e) {
    rows[e] = std::min(tokens, static_cast<std::int64_t>(std::floor(want(e))));
    left -= rows[e];
  }
  for (; left > 0; --left) {
    std::size_t best = experts;
    for (std::size_t e = 0; e < experts; ++e) {
      if (weights[e] <= 0 || rows[e] >= tokens) continue;
      if (best == experts || want(e) - static_cast<double>(rows[e]) > want(best) - static_cast<double>(rows[best])) best = e;
    }
    check(best < experts, "{} routed rows have no expert left", left);
    ++rows[best];
  }
  return rows;
}

std::vector<int> experts_of(const CsvTable& table, std::size_t row, const MoeConfig& moe) {
  const std::string text = table.text(row, "experts");
  std::set<int> experts;
  std::size_t from = 0;
  while (from <= text.size()) {
    const std::size_t to = std::min(text.find(';', from), text.size());
    const std::string one = text.substr(from, to - from);
    if (one.empty() || one.size() > 6 || one.find_first_not_of("0123456789") != std::string::npos) {
      table.error(row, "experts", "'" + text + "', allowed: numbers with semicolons between them, e.g. 3;7");
    }
    const int e = std::stoi(one);
    if (e >= moe.experts || !experts.insert(e).second) {
      table.error(row, "experts", fmt::format("{} in '{}', allowed: 0 to {}, each once", e, text, moe.experts - 1));
    }
    from = to + 1;
  }
  if (static_cast<int>(experts.size()) != moe.top_k) {
    table.error(row, "experts", fmt::format("{} of them, allowed: top_k = {}", experts.size(), moe.top_k));
  }
  return {experts.begin(), experts.end()};
}

}  // namespace

std::shared_ptr<const RoutingTrace> read_routing_trace(const std::string& directory, const MoeConfig& moe) {
  const std::string file = (std::filesystem::path(directory) / moe.trace_file).lexically_normal().string();
  const CsvTable table = CsvTable::load(file);
  table.require_rows();
  auto trace = std::make_shared<RoutingTrace>();
  std::map<std::array<std::int64_t, 3>, std::size_t> rows;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::array<std::int64_t, 3> key = {table.integer(row, "layer", -1, 4095), table.integer(row, "step", 0, 1 << 30),
                                             table.integer(row, "token", 0, 1 << 30)};
    if (!trace->emplace(key, experts_of(table, row, moe)).second) {
      table.error(row, "token", fmt::format("layer {}, step {}, token {} again, allowed: once", key[0], key[1], key[2]));
    }
    rows[key] = row;
  }
  std::array<std::int64_t, 3> before = {-2, 0, 0};
  for (const auto& [key, row] : rows) {
    const bool follows = key[0] != before[0]   ? key[1] == 0 && key[2] == 0
                         : key[1] != before[1] ? key[1] == before[1] + 1 && key[2] == 0
                                               : key[2] == before[2] + 1;
    if (!follows) {
      table.error(row, "token",
                  fmt::format("layer {}, step {}, token {} has none before it, allowed: steps and tokens from 0 without gaps", key[0],
                              key[1], key[2]));
    }
    before = key;
  }
  return trace;
}

std::vector<int> routed_experts(const MoeConfig& moe, int layer, std::int64_t step, std::int64_t token) {
  std::vector<int> experts;
  if (moe.routing == Routing::trace) {
    experts = of_trace(moe, layer, step, token);
  } else if (moe.routing == Routing::markov) {
    experts = markov(moe, layer, step, token + 1).back();
  } else {
    Draws draws(moe.seed, {layer, step, token});
    experts = drawn(moe, popularity(moe), draws);
  }
  std::sort(experts.begin(), experts.end());
  return experts;
}

std::vector<std::int64_t> expert_rows(const MoeConfig& moe, std::int64_t tokens, std::int64_t step, int layer) {
  if (!moe.by_layer()) return dealt_rows(moe, tokens, step);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(moe.experts), 0);
  const auto count = [&](const std::vector<int>& experts) {
    for (const int e : experts) ++rows[static_cast<std::size_t>(e)];
  };
  if (moe.routing == Routing::markov) {
    for (const auto& experts : markov(moe, layer, step, tokens)) count(experts);
    return rows;
  }
  const std::vector<double> weights = moe.routing == Routing::trace ? std::vector<double>() : popularity(moe);
  for (std::int64_t t = 0; t < tokens; ++t) {
    Draws draws(moe.seed, {layer, step, t});
    count(moe.routing == Routing::trace ? of_trace(moe, layer, step, t) : drawn(moe, weights, draws));
  }
  return rows;
}

std::vector<double> expert_chances(const MoeConfig& moe) {
  const std::vector<double> load = expected_load(moe);
  const auto rung = [&](double t) {
    double sum = 0;
    for (const double l : load) sum += 1 - std::exp(-l * t);
    return sum;
  };
  double low = 0, high = 1;
  const auto possible = static_cast<double>(std::count_if(load.begin(), load.end(), [](double l) { return l > 0; }));
  const double wanted = std::min(static_cast<double>(moe.top_k), possible - 1e-6);
  while (rung(high) < wanted) high *= 2;
  for (int i = 0; i < 60; ++i) (rung((low + high) / 2) < wanted ? low : high) = (low + high) / 2;
  std::vector<double> chances;
  chances.reserve(load.size());
  for (const double l : load) chances.push_back(1 - std::exp(-l * high));
  return chances;
}

std::vector<double> expected_load(const MoeConfig& moe) {
  std::vector<double> load(static_cast<std::size_t>(moe.experts), 0);
  if (moe.routing == Routing::given) {
    load = moe.weights;
  } else if (moe.routing == Routing::trace) {
    for (const auto& [key, experts] : *moe.trace) {
      for (const int e : experts) ++load[static_cast<std::size_t>(e)];
    }
  } else if (moe.routing == Routing::expected || moe.routing == Routing::uniform) {
    load.assign(load.size(), 1.0);
  } else {
    load = popularity(moe);
  }
  const double sum = std::accumulate(load.begin(), load.end(), 0.0);
  for (double& l : load) l /= sum;
  return load;
}

}  // namespace bondsim
