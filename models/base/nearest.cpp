#include "models/base/nearest.hpp"

#include <algorithm>
#include <cstddef>

namespace bondsim {
namespace {

constexpr std::size_t most_edits = 3;

/// Levenshtein's distance.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_name(const std::string& written, const std::vector<std::string>& names) {
  std::string nearest;
  std::size_t best = std::min(most_edits + 1, written.size());
  for (const std::string& name : names) {
    // Names whose lengths differ by more cannot be near; inputs may be long.
    if (std::max(name.size(), written.size()) - std::min(name.size(), written.size()) >= best) continue;
    const std::size_t distance = edit_distance(written, name);
    if (distance >= best) continue;
    best = distance;
    nearest = name;
  }
  return nearest;
}

std::string did_you_mean(const std::string& written, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(written, names);
  return nearest.empty() ? "" : ", did you mean '" + nearest + "'?";
}

}  // namespace bondsim
