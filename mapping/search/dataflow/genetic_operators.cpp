#include "mapping/search/dataflow/genetic_operators.hpp"

#include <algorithm>
#include <map>

namespace bondsim::search {
namespace {

constexpr int tries = 8;

}  // namespace

void renumber(const SearchProblem& problem, FoundDataflow& dataflow) {
  std::map<int, int> mags;
  for (const Placement& p : dataflow) mags[p.mag] = 0;
  int next = 0;
  for (auto& mag : mags) mag.second = next++;
  for (Placement& p : dataflow) p.mag = mags[p.mag];
  const std::vector<int> groups = partition_groups(problem, dataflow);
  std::map<std::pair<int, int>, int> tiers;
  for (std::size_t op = 0; op < dataflow.size(); ++op) tiers[{groups[op], dataflow[op].tier}] = 0;
  int group = -1;
  for (auto& [key, tier] : tiers) {
    next = key.first == group ? next + 1 : 0;
    group = key.first;
    tier = next;
  }
  for (std::size_t op = 0; op < dataflow.size(); ++op) dataflow[op].tier = tiers[{groups[op], dataflow[op].tier}];
}

void GeneticOperators::set_mask(Placement& p, int op, std::uint64_t mask) {
  p.nmp_mask = mask;
  p.binding.nmp = __builtin_popcountll(mask);
  if (!p.binding.split()) {
    p.binding.units = 0;
  } else if (p.binding.units == 0) {
    p.binding.units = table_.units(op) - 1;
  }
}

void GeneticOperators::randomize_binding(Placement& p, int op) {
  const bool may_split = table_.problem().rule == BindingRule::data_centric;
  const int kinds = (table_.nmp_channels() > 0 ? 1 : 0) + (table_.has_normal() ? 1 : 0);
  const int choice = kinds == 2 ? pick(may_split ? 3 : 2) : table_.has_normal() ? 1 : 0;  // 0 NMP, 1 normal, 2 both
  p.binding.normal = choice >= 1;
  p.binding.units = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(table_.units(op)));
  std::uint64_t mask = 0;
  while (choice != 1 && mask == 0) mask = pick(2) == 0 ? all_nmp() : random_() & all_nmp();
  set_mask(p, op, mask);
}

FoundDataflow GeneticOperators::random_dataflow() {
  // Every operator its own MAG, in a random order that respects the edges; mutations join them.
  FoundDataflow d(at(table_.operators()));
  std::vector<int> waits(d.size(), 0);
  for (const auto& edge : table_.problem().edges) ++waits[at(edge.second)];
  std::vector<int> ready;
  for (int op = 0; op < table_.operators(); ++op) {
    if (waits[at(op)] == 0) ready.push_back(op);
  }
  for (int mag = 0; !ready.empty(); ++mag) {
    const auto chosen = ready.begin() + pick(static_cast<int>(ready.size()));
    const int op = *chosen;
    ready.erase(chosen);
    d[at(op)].mag = mag;
    randomize_binding(d[at(op)], op);
    for (const auto& [from, to] : table_.problem().edges) {
      if (from == op && --waits[at(to)] == 0) ready.push_back(to);
    }
  }
  for (int i = pick(2 * table_.operators()); i > 0; --i) d = mutated(d);
  return d;
}

FoundDataflow GeneticOperators::mutated(const FoundDataflow& parent) {
  constexpr void (GeneticOperators::*mutations[])(FoundDataflow&) = {
      &GeneticOperators::change_cut, &GeneticOperators::change_group_channels, &GeneticOperators::change_tier,
      &GeneticOperators::change_operator_channels, &GeneticOperators::change_ratio};
  for (int i = 0; i < tries; ++i) {
    FoundDataflow child = parent;
    (this->*mutations[pick(5)])(child);
    renumber(table_.problem(), child);
    if (structure_fault(table_, child).empty()) return child;
  }
  return parent;
}

/// An operator joins a neighbouring MAG, as a tier of its own, or leaves for a MAG of its own.
void GeneticOperators::change_cut(FoundDataflow& d) {
  const int op = pick(table_.operators());
  for (Placement& p : d) p.mag *= 2;
  const int step = pick(4);  // to the MAG before, between it and this one, between this one and the next, to the next
  d[at(op)].mag += step < 2 ? step - 2 : step - 1;
  for (Placement& p : d) p.tier *= 2;
  d[at(op)].tier = pick(2 * table_.operators()) - 1;
}

/// The operators of one MPG give a channel up, or take one that another MPG of the MAG gives up.
void GeneticOperators::change_group_channels(FoundDataflow& d) {
  const std::vector<int> groups = partition_groups(table_.problem(), d);
  const int chosen = pick(table_.operators());
  const bool normal = table_.has_normal() && pick(table_.nmp_channels() + 1) == 0;
  const std::uint64_t channel = table_.nmp_channels() == 0 ? 0 : std::uint64_t{1} << pick(table_.nmp_channels());
  for (int op = 0; op < table_.operators(); ++op) {
    Placement& p = d[at(op)];
    if (p.mag != d[at(chosen)].mag) continue;
    const bool own = groups[at(op)] == groups[at(chosen)];
    if (normal) p.binding.normal = own && (p.binding.normal || pick(2) == 0);
    set_mask(p, op, normal ? p.nmp_mask : own ? p.nmp_mask | channel : p.nmp_mask & ~channel);
  }
}

/// An operator moves to a neighbouring tier, or to one of its own between two.
void GeneticOperators::change_tier(FoundDataflow& d) {
  const int op = pick(table_.operators());
  for (Placement& p : d) p.tier *= 2;
  d[at(op)].tier += pick(5) - 2;
}

/// An operator gets another set of channels; those it shares a tier with give up what it takes.
void GeneticOperators::change_operator_channels(FoundDataflow& d) {
  const int chosen = pick(table_.operators());
  const std::vector<int> groups = partition_groups(table_.problem(), d);
  Placement& p = d[at(chosen)];
  if (table_.nmp_channels() > 0 && pick(2) == 0) {
    set_mask(p, chosen, p.nmp_mask ^ std::uint64_t{1} << pick(table_.nmp_channels()));
  } else {
    randomize_binding(p, chosen);
  }
  for (int op = 0; op < table_.operators(); ++op) {
    Placement& q = d[at(op)];
    if (op != chosen && q.mag == p.mag && groups[at(op)] == groups[at(chosen)] && q.tier == p.tier)
      set_mask(q, op, q.nmp_mask & ~p.nmp_mask);
  }
}

/// A storing ratio moves by up to a fraction of its range, small moves as often as large ones.
void GeneticOperators::change_ratio(FoundDataflow& d) {
  const int op = pick(table_.operators());
  Allotment& b = d[at(op)].binding;
  if (!b.split()) return;
  std::int64_t reach = table_.units(op);
  while (reach > 1 && pick(3) != 0) reach /= 2;
  const auto move = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(2 * reach + 1)) - reach;
  b.units = std::clamp<std::int64_t>(b.units + move, 0, table_.units(op) - 1);
}

FoundDataflow GeneticOperators::crossed(const FoundDataflow& first, const FoundDataflow& second) {
  int mags = 0;
  for (const Placement& p : first) mags = std::max(mags, p.mag + 1);
  const int cut = pick(mags);
  FoundDataflow child = first;
  for (std::size_t op = 0; op < child.size(); ++op) {
    if (first[op].mag < cut) continue;
    child[op] = second[op];
    child[op].mag += mags;
  }
  renumber(table_.problem(), child);
  return structure_fault(table_, child).empty() ? child : first;
}

}  // namespace bondsim::search
