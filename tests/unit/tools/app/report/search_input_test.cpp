#include <gtest/gtest.h>

#include <filesystem>

#include "mapping/search/device/result_store.hpp"
#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"
#include "tools/app/report/inputs.hpp"

namespace bondsim::tools::report {
namespace {

search::Evaluation judged(double latency_s) { return {true, "", {{"latency_s", latency_s}, {"pe_area_mm2", 1 / latency_s}}}; }

/// A search with a front of two candidates of the closed form.
class SearchInput : public testing::Test {
 protected:
  SearchInput() : directory(scratch.file("s")) {
    std::filesystem::create_directory(directory);
    scratch.write("s/front.csv", "nmp.pe.fpus,latency_s,pe_area_mm2\n1,2,0.5\n2,4,0.25\n");
    store.emplace(directory + "/search.sqlite", search::ResultStore::Identity{"t", "1", 1, "latency_s pe_area_mm2"}, true);
    store->add("nmp.pe.fpus=1", "analytical", judged(2));
    store->add("nmp.pe.fpus=2", "analytical", judged(4));
    store->note_front("analytical");
  }

  const test::ScratchDirectory scratch;
  const std::string directory;
  std::optional<search::ResultStore> store;
};

TEST_F(SearchInput, front_is_of_the_tier_that_it_was_written_for) {
  EXPECT_EQ(load_search(directory)["tier"], "analytical");
  // A search by both tiers that ended while it confirmed: the front is the closed form's still.
  store->add("nmp.pe.fpus=1", "cycle", judged(3));
  EXPECT_EQ(load_search(directory)["tier"], "analytical");
  EXPECT_TRUE(load_search(directory)["confirmed"].is_null());
}

TEST_F(SearchInput, front_of_a_search_that_went_on_and_did_not_end_is_refused) {
  store->add("nmp.pe.fpus=4", "analytical", judged(1));
  const std::string error = test::error_of([&] { load_search(directory); });
  EXPECT_NE(error.find("front.csv: the front is of 'analytical 2' candidates, the search went on to 'analytical 3' and has not ended"),
            std::string::npos)
      << error;
  store->note_front("analytical");
  EXPECT_EQ(load_search(directory)["feasible"], 3);
}

}  // namespace
}  // namespace bondsim::tools::report
