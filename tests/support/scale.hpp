#pragma once
#include <algorithm>
#include <cstdlib>

namespace bondsim::test {

/// How many random cases a test draws: `cases` times the environment variable BONDSIM_CASES (1), or a tenth of that under the sanitizers,
/// where each takes ten times as long.
inline int scaled(int cases) {
  const char* factor = std::getenv("BONDSIM_CASES");
  if (factor != nullptr) cases = static_cast<int>(cases * std::strtod(factor, nullptr));
#if defined(__SANITIZE_ADDRESS__)
  cases /= 10;
#endif
  return std::max(1, cases);
}

}  // namespace bondsim::test
