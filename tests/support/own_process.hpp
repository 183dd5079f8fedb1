#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tools/app/processes/isolate.hpp"

namespace bondsim::test {

/// Value of `work` when it runs in a process of its own (SystemC elaborates once a process), or "failed" when a check in it failed.
inline std::string in_own_process(const std::function<std::string()>& work) {
  return run_isolated([&] {
    const std::string text = work();
    return ::testing::Test::HasFailure() ? std::string("failed") : text;
  });
}

}  // namespace bondsim::test
