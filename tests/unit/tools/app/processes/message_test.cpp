#include "tools/app/processes/message.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "tools/app/reproduction/cell_judge.hpp"
#include "tools/app/reproduction/tasks.hpp"
#include "tools/app/studies/ladder.hpp"
#include "tools/app/studies/sampled_run.hpp"
#include "tools/app/studies/step_run.hpp"
#include "tools/app/validation/validation.hpp"

namespace bondsim::tools {
namespace {

/// Fills the fields of a message with values that are easily mixed up or rounded.
class Randomizer {
 public:
  explicit Randomizer(std::uint64_t seed) : random_(seed) {}

  void operator()(const char*, double& value) {
    value = std::ldexp(std::uniform_real_distribution<double>(-1, 1)(random_), static_cast<int>(random_() % 200) - 100);
  }
  void operator()(const char*, std::int64_t& value) { value = static_cast<std::int64_t>(random_()); }
  void operator()(const char*, std::size_t& value) { value = random_(); }
  void operator()(const char*, std::string& value) {
    value.clear();
    const std::vector<std::string> pieces = {"a", "\n", "\t", "\"", "\\", "é", ",", " ", "{", "\x01"};
    for (std::uint64_t n = random_() % 12; n > 0; --n) value += pieces[random_() % pieces.size()];
  }
  void operator()(const char* key, std::vector<double>& values) {
    values.resize(random_() % 4);
    for (double& value : values) (*this)(key, value);
  }
  template <class T>
  void operator()(const char* key, std::vector<std::pair<std::string, T>>& values) {
    values.resize(random_() % 4);
    for (std::size_t i = 0; i < values.size(); ++i) {
      (*this)(key, values[i].second);
      values[i].first = "part " + std::to_string(i);
    }
  }

 private:
  std::mt19937_64 random_;
};

/// Appends every field as text, in order.
class Printer {
 public:
  std::string text;
  void operator()(const char* key, double& value) { text += fmt::format("{}={:a};", key, value); }
  void operator()(const char* key, std::int64_t& value) { text += fmt::format("{}={};", key, value); }
  void operator()(const char* key, std::size_t& value) { text += fmt::format("{}={};", key, value); }
  void operator()(const char* key, std::string& value) { text += fmt::format("{}={};", key, value); }
  void operator()(const char* key, std::vector<double>& values) {
    for (double& value : values) (*this)(key, value);
  }
  template <class T>
  void operator()(const char* key, std::vector<std::pair<std::string, T>>& values) {
    for (auto& [name, value] : values) (*this)((std::string(key) + "." + name).c_str(), value);
  }
};

template <class T>
std::string printed(T value) {
  Printer printer;
  members(printer, value);
  return printer.text;
}

template <class T>
class Message : public testing::Test {};
using Messages = testing::Types<SampledRun, StepOutcome, LadderStep, CycleResult, CellTask, StepTask, GivenDataflowTask, CellPlan,
                                CellResult, Utilization>;
TYPED_TEST_SUITE(Message, Messages);

TYPED_TEST(Message, crosses_as_one_line_with_every_digit) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    TypeParam sent;
    Randomizer randomizer(seed);
    members(randomizer, sent);
    const std::string line = encode(sent);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(printed(decode<TypeParam>(line)), printed(sent)) << "seed " << seed << ": " << line;
  }
}

TYPED_TEST(Message, refuses_another_version_missing_and_unknown_keys) {
  const std::string line = encode(TypeParam{});
  auto json = nlohmann::ordered_json::parse(line);
  const std::string key = std::next(json.begin()).key();
  auto missing = json;
  missing.erase(key);
  EXPECT_THROW(decode<TypeParam>(missing.dump()), InternalError);
  auto unknown = json;
  unknown["more"] = 1;
  EXPECT_THROW(decode<TypeParam>(unknown.dump()), InternalError);
  auto other = json;
  other["schema"] = "bondsim.other/1";
  EXPECT_THROW(decode<TypeParam>(other.dump()), InternalError);
  auto mistyped = json;
  mistyped[key] = nlohmann::ordered_json::array({1});
  EXPECT_THROW(decode<TypeParam>(mistyped.dump()), InternalError);
  EXPECT_THROW(decode<TypeParam>("[1, 2]"), InternalError);
  EXPECT_THROW(decode<TypeParam>("half a li"), InternalError);
}

}  // namespace
}  // namespace bondsim::tools
