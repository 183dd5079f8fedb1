#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/// The seven memory traces that tests/data/lpddr5_traces.csv was measured with, by their definition.
namespace bondsim::test {

struct TraceRequest {
  std::int64_t address;
  bool write;
};

/// x' = 1664525 x + 1013904223 mod 2^32 (Numerical Recipes).
class Lcg {
 public:
  explicit Lcg(std::uint32_t seed) : x_(seed) {}
  std::uint32_t next() { return x_ = 1664525U * x_ + 1013904223U; }
  std::int64_t burst_address() { return static_cast<std::int64_t>(next() >> 7 & ((1U << 25) - 1)) * 32; }

 private:
  std::uint32_t x_;
};

inline std::vector<TraceRequest> memory_trace(const std::string& name) {
  std::vector<TraceRequest> trace;
  const auto repeat = [&](std::int64_t n, const std::function<TraceRequest(std::int64_t)>& f) {
    for (std::int64_t i = 0; i < n; ++i) trace.push_back(f(i));
  };
  const std::int64_t size = std::int64_t{1} << 30;
  if (name == "sequential") repeat(262144, [](std::int64_t i) { return TraceRequest{32 * i, false}; });
  if (name == "stride_4k") repeat(100000, [=](std::int64_t i) { return TraceRequest{4096 * i % size, false}; });
  if (name == "same_bank_rows") repeat(50000, [=](std::int64_t i) { return TraceRequest{32768 * i % size, false}; });
  if (name == "copy") {
    repeat(200000, [](std::int64_t i) { return TraceRequest{32 * (i / 2) + (i % 2 == 0 ? 0 : std::int64_t{1} << 28), i % 2 == 1}; });
  }
  if (name == "random_reads" || name == "random_writes") {
    Lcg lcg(name == "random_reads" ? 12345 : 777);
    repeat(100000, [&](std::int64_t) { return TraceRequest{lcg.burst_address(), name == "random_writes"}; });
  }
  if (name == "random_half") {
    Lcg lcg(4242);
    repeat(100000, [&](std::int64_t) {
      const std::int64_t address = lcg.burst_address();
      return TraceRequest{address, (lcg.next() >> 31) != 0};
    });
  }
  return trace;
}

}  // namespace bondsim::test
