#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "tests/fuzz/targets.hpp"

/// libFuzzer's entry points; the target is that of BONDSIM_FUZZ_TARGET. At its end a process says how many refusals named their place.
namespace {

std::map<bondsim::fuzz::Outcome, long> outcomes;

void print_outcomes() {
  using bondsim::fuzz::Outcome;
  std::fprintf(stderr, "outcomes: %ld read, %ld refused with their line, %ld refused without\n", outcomes[Outcome::read],
               outcomes[Outcome::named], outcomes[Outcome::unnamed]);
}

const bondsim::fuzz::Target* target = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("BONDSIM_FUZZ_TARGET");
  target = &bondsim::fuzz::target_called(name == nullptr ? "" : name);
  std::atexit(print_outcomes);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ++outcomes[bondsim::fuzz::run(*target, std::string(reinterpret_cast<const char*>(data), size))];
  return 0;
}
