#include "mapping/search/dataflow/front.hpp"

#include <algorithm>
#include <array>

#include "mapping/search/dataflow/pareto.hpp"

namespace bondsim::search {
namespace {

/// The run of labels from `begin` with one account.
std::size_t run_end(const Front& front, std::size_t begin) {
  std::size_t end = begin;
  while (end < front.size() && front[end].normal_bytes == front[begin].normal_bytes) ++end;
  return end;
}

/// Both runs have decode rising and prefill falling. At each decode time of either, the cheapest label of each that is not slower.
void merge_beside(const Label* a, const Label* a_end, const Label* b, const Label* b_end, std::vector<Label>& out) {
  const Label* best_a = nullptr;
  const Label* best_b = nullptr;
  while (a != a_end || b != b_end) {
    if (b == b_end || (a != a_end && a->decode_s <= b->decode_s)) {
      best_a = a++;
    } else {
      best_b = b++;
    }
    if (best_a == nullptr || best_b == nullptr) continue;
    out.push_back({best_a->prefill_s + best_b->prefill_s, std::max(best_a->decode_s, best_b->decode_s),
                   best_a->normal_bytes + best_b->normal_bytes, best_a->a, best_b->a});
  }
}

}  // namespace

void keep_undominated(std::vector<Label>& labels) {
  std::stable_sort(labels.begin(), labels.end(), [](const Label& x, const Label& y) { return x.normal_bytes < y.normal_bytes; });
  auto kept = labels.begin();
  for (auto begin = labels.begin(); begin != labels.end();) {
    const auto end = std::find_if(begin, labels.end(), [&](const Label& label) { return label.normal_bytes != begin->normal_bytes; });
    const auto last = keep_undominated(begin, end, [](const Label& label) {
      return std::array<double, 2>{label.decode_s, label.prefill_s};
    });
    kept = std::move(begin, last, kept);
    begin = end;
  }
  labels.erase(kept, labels.end());
}

std::vector<Label> pairs_in_turn(const Front& first, const Front& second) {
  std::vector<Label> out;
  out.reserve(first.size() * second.size());
  for (const Label& x : first) {
    for (const Label& y : second) {
      out.push_back({x.prefill_s + y.prefill_s, x.decode_s + y.decode_s, x.normal_bytes + y.normal_bytes, x.a, y.a});
    }
  }
  return out;
}

std::vector<Label> pairs_beside(const Front& first, const Front& second) {
  std::vector<Label> out;
  for (std::size_t i = 0; i < first.size(); i = run_end(first, i)) {
    for (std::size_t j = 0; j < second.size(); j = run_end(second, j)) {
      merge_beside(&first[i], &first[i] + (run_end(first, i) - i), &second[j], &second[j] + (run_end(second, j) - j), out);
    }
  }
  return out;
}

Front settled(std::vector<Label> labels, Trail::Kind kind, Trail& trail) {
  keep_undominated(labels);
  for (Label& label : labels) label.a = trail.add({kind, label.a, label.b, 0});
  return labels;
}

}  // namespace bondsim::search
