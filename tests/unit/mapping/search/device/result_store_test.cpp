#include "mapping/search/device/result_store.hpp"

#include <gtest/gtest.h>

#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim::search {
namespace {

const Evaluation feasible = {true, "", {{"latency_s", 1.5}, {"pe_area_mm2", 3}}};

/// A store of two candidates, opened again by a search of these objectives.
std::string error_opened_with(const Evaluation& second, const std::string& objectives) {
  const test::ScratchDirectory scratch;
  const std::string path = scratch.file("search.sqlite");
  {
    ResultStore store(path, ResultStore::Identity{"t", "1", 1, ""}, true);
    store.add("a=1", "analytical", feasible);
    store.add("a=2", "analytical", second);
  }
  const std::string error = test::error_of([&] { ResultStore(path, ResultStore::Identity{"t", "1", 1, objectives}, true); });
  const std::size_t at = error.find("search.sqlite");
  return at == std::string::npos ? error : error.substr(at);
}

TEST(ResultStore, an_evaluation_without_an_objective_is_named_when_the_search_goes_on) {
  for (const char* objectives : {"latency_s, pe_area_mm2", "latency_s pe_area_mm2", "pe_area_mm2"}) {
    EXPECT_EQ(error_opened_with(feasible, objectives), "no error") << objectives;
    EXPECT_EQ(error_opened_with({false, "too large", {}}, objectives), "no error") << "an infeasible one has no metrics";
    EXPECT_EQ(error_opened_with({true, "", {{"latency_s", 2}}}, objectives),
              "search.sqlite: the evaluation of a=2 is damaged: it has no pe_area_mm2, an objective of the search");
  }
}

}  // namespace
}  // namespace bondsim::search
