#pragma once
#include <algorithm>

namespace bondsim::test {

/// How many random cases a test draws: all of them, or a tenth under the sanitizers, where each takes ten times as long.
inline int scaled(int cases) {
#if defined(__SANITIZE_ADDRESS__)
  return std::max(1, cases / 10);
#else
  return cases;
#endif
}

}  // namespace bondsim::test
