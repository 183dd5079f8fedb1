#pragma once
#include <algorithm>
#include <iterator>
#include <vector>

namespace bondsim::search {

/// Orders entries by their values, first value first, and keeps those that no other equals or beats in every value; of equal ones the
/// first stays. Smaller is better.
/// @param values of an entry: an indexable container of numbers, of the same size for all, with a lexicographic `<`
template <class Iterator, class Values>
Iterator keep_undominated(Iterator begin, Iterator end, const Values& values) {
  const auto before = [&](const auto& a, const auto& b) { return values(a) < values(b); };
  if (!std::is_sorted(begin, end, before)) std::stable_sort(begin, end, before);
  // In this order an entry can be beaten only by one that stands before it, and then by one that stays; with two values, by the last.
  Iterator kept = begin;
  for (Iterator entry = begin; entry != end; ++entry) {
    const auto own = values(*entry);
    const Iterator first = own.size() == 2 && kept != begin ? std::prev(kept) : begin;
    const bool beaten = std::any_of(first, kept, [&](const auto& other) {
      const auto theirs = values(other);
      return std::equal(theirs.begin(), theirs.end(), own.begin(), [](double a, double b) { return a <= b; });
    });
    if (beaten) continue;
    if (kept != entry) *kept = std::move(*entry);
    ++kept;
  }
  return kept;
}

}  // namespace bondsim::search
