#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tests/support/h2llm_pes.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim::cost {
namespace {

/// Times of GEMMs under a form, some of them asked for by every thread.
std::vector<double> times(const CostModel& form, int thread) {
  const NmpDevice pes = test::h2llm_pes();
  NpuDevice npu;
  npu.channels = 8;
  std::vector<double> out;
  for (int i = 0; i < 12; ++i) {
    const GemmShape gemm{1, 1 + i % 3, 256 * (1 + (i + (i % 2) * thread) % 7), 512};
    out.push_back(form.nmp_seconds(gemm, 1, pes));
    out.push_back(form.npu_seconds(gemm, 1, npu));
  }
  return out;
}

TEST(Threads, one_closed_form_serves_several_and_each_gets_the_times_it_would_get_alone) {
  const System system = testing::h2llm_system();
  for (const char* name : {"detailed", "h2llm-roofline", "roofline-ideal"}) {
    const auto shared = make_cost_model(name, &system);
    std::vector<std::vector<double>> found(4);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) threads.emplace_back([&, t] { found[static_cast<std::size_t>(t)] = times(*shared, t); });
    for (std::thread& thread : threads) thread.join();
    for (int t = 0; t < 4; ++t)
      EXPECT_EQ(found[static_cast<std::size_t>(t)], times(*make_cost_model(name, &system), t)) << name << " " << t;
  }
}

/// A form of one's own.
class Constant final : public CostModel {
 public:
  explicit Constant(std::string name) : name_(std::move(name)) {}
  const char* name() const override { return name_.c_str(); }
  double nmp_seconds(const GemmShape&, double, const NmpDevice&) const override { return 1; }
  double npu_seconds(const GemmShape&, double, const NpuDevice&) const override { return 2; }

 private:
  std::string name_;
};

TEST(Threads, forms_of_ones_own_are_added_and_found_at_the_same_time) {
  const System system = testing::h2llm_system();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string name = fmt::format("of-thread-{}", t);
      add_cost_model(name, [name](const System*) { return std::make_unique<Constant>(name); });
      for (int i = 0; i < 20; ++i) EXPECT_EQ(make_cost_model(name, &system)->name(), name);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace bondsim::cost
