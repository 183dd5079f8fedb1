#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <set>

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

/// A store of others, or of an earlier version: only what is given.
void write_store(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  char* message = nullptr;
  const std::string at_once = "PRAGMA synchronous=OFF; BEGIN;" + sql + "COMMIT;";
  EXPECT_EQ(sqlite3_exec(database, at_once.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_close(database);
}

const std::string tables =
    "CREATE TABLE search(key, value); CREATE TABLE evaluation(candidate, tier, feasible, reason, metrics, seed, version);";

std::string evaluation(const std::string& candidate, const std::string& metrics, const std::string& tier = "analytical", int feasible = 1) {
  return fmt::format("INSERT INTO evaluation VALUES('{}', '{}', {}, '', '{{\"metrics\": {}}}', 1, '1');", candidate, tier, feasible,
                     metrics);
}

/// A directory with a store written by hand.
class SearchStore : public testing::Test {
 protected:
  SearchStore() { std::filesystem::create_directory(scratch.file("s")); }

  Json load(const std::string& front, const std::string& rows) const {
    scratch.write("s/front.csv", front);
    std::filesystem::remove(scratch.file("s/search.sqlite"));
    write_store(scratch.file("s/search.sqlite"), tables + rows);
    return load_search(scratch.file("s"));
  }
  /// Without the name of the folder.
  std::string error(const std::string& front, const std::string& rows) const {
    std::string text = test::error_of([&] { load(front, rows); });
    for (std::size_t at = 0; (at = text.find(scratch.file("s/"))) != std::string::npos;) text.erase(at, scratch.file("s/").size());
    return text;
  }

  const test::ScratchDirectory scratch;
};

TEST_F(SearchStore, objectives_are_those_the_store_names) {
  const std::string front = "p,a,b,c\n1,1,5,3\n2,2,4,3\n";
  const std::string rows = evaluation("p=1", "{\"a\": 1, \"b\": 5, \"c\": 3}") + evaluation("p=2", "{\"a\": 2, \"b\": 4, \"c\": 3}");
  for (const char* listed : {"c a", "c, a", " c  a "}) {
    const Json out = load(front, rows + fmt::format("INSERT INTO search VALUES('objectives', '{}');", listed));
    EXPECT_EQ(out["objectives"], Json({"c", "a"})) << listed;
  }
  EXPECT_EQ(load(front, rows)["metrics"], Json({"a", "b", "c"}));
  EXPECT_EQ(load(front, rows)["parameters"], Json({"p"}));
}

/// Without a note: along a front, what grows and what falls. `same` is worse with `time` too, so it is no rival of it.
TEST_F(SearchStore, objectives_are_guessed_as_metrics_that_trade_off_along_the_front) {
  const auto metrics = [](double same, double time, double area) {
    return fmt::format("{{\"same\": {}, \"time\": {}, \"area\": {}}}", same, time, area);
  };
  const std::string rows =
      evaluation("p=1", metrics(7, 1, 9)) + evaluation("p=2", metrics(8, 2, 5)) + evaluation("p=3", metrics(8.5, 3, 1));
  const Json traded = load("p,same,time,area\n1,7,1,9\n2,8,2,5\n3,8.5,3,1\n", rows)["objectives"];
  EXPECT_EQ(traded, Json({"same", "area"})) << "the first of those that trade off";
  const Json mixed = load("p,same,time,area\n1,7,1,9\n2,6,2,5\n3,8.5,3,1\n", rows)["objectives"];
  EXPECT_EQ(mixed, Json({"time", "area"})) << "same goes up and down";
  EXPECT_EQ(load("p,same,time,area\n1,7,1,9\n", rows)["objectives"], Json({"same", "time"})) << "one point trades nothing off";
  EXPECT_EQ(load("p,time\n1,1\n", rows)["objectives"], Json({"time"}));
  EXPECT_EQ(load("p,time\n1,1\n", rows)["others"], Json::array()) << "no plane without two objectives";
}

/// Of ten thousand candidates on one diagonal at most a candidate for each of 161 spots; those on other spots all.
TEST_F(SearchStore, candidates_on_one_spot_of_the_plot_are_thinned_to_one) {
  std::string rows;
  for (int i = 0; i <= 1000; ++i) rows += evaluation(fmt::format("p={:04}", i), fmt::format("{{\"a\": {}, \"b\": {}}}", i, 1000 - i));
  rows += evaluation("p=broken", "{\"a\": 5}");  // no b: it has no place in the plane
  const Json out = load("p,a,b\n0,0,1000\n1000,1000,0\n", rows);
  EXPECT_EQ(out["feasible"], 1002);
  EXPECT_LE(out["others"].size(), 2U * 160 + 1);
  EXPECT_GE(out["others"].size(), 160U);
  std::set<std::string> names;
  double widest = 0, last = 0;
  for (const Json& row : out["others"]) {
    names.insert(row[0].get<std::string>());
    EXPECT_EQ(row[1].get<double>() + row[2].get<double>(), 1000) << row;
    widest = std::max(widest, row[1].get<double>() - last);
    last = row[1].get<double>();
  }
  EXPECT_EQ(names.size(), out["others"].size()) << "each once";
  EXPECT_EQ(names.count("p=0000") + names.count("p=1000"), 2U) << "the ends stay";
  EXPECT_LE(widest, 1000. / 160 + 1) << "no gap wider than a spot";

  const Json apart =
      load("p,a,b\n1,1,3\n2,2,2\n3,3,1\n", evaluation("p=1", "{\"a\": 1, \"b\": 3}") + evaluation("p=2", "{\"a\": 2, \"b\": 2}") +
                                               evaluation("p=3", "{\"a\": 3, \"b\": 1}"));
  EXPECT_EQ(apart["others"], Json::parse(R"([["p=1", 1.0, 3.0], ["p=2", 2.0, 2.0], ["p=3", 3.0, 1.0]])"));
}

TEST_F(SearchStore, counts_say_how_many_each_tier_judged) {
  const Json out = load("p,a\n1,1\n", evaluation("p=1", "{\"a\": 1}") + evaluation("p=2", "{}", "analytical", 0) +
                                          evaluation("p=3", "{}", "analytical", 0) + evaluation("p=1", "{\"a\": 2}", "cycle"));
  EXPECT_EQ(out["tier"], "cycle") << "simulation has the last word";
  EXPECT_EQ(out["judged"], Json::parse(R"({"analytical": 3, "cycle": 1})"));
  EXPECT_EQ(out["feasible"], 1);
  EXPECT_EQ(out["infeasible"], 0);
  EXPECT_EQ(out["agreement"], Json::array()) << "a store without that table";
}

TEST_F(SearchStore, stores_that_are_damaged_or_empty_say_so) {
  const std::string front = "p,a\n1,1\n";
  EXPECT_EQ(error(front, ""), "search.sqlite: holds no evaluation");
  EXPECT_EQ(error(front, evaluation("p=1", "{}", "analytical", 0)), "search.sqlite: holds no feasible candidate");
  EXPECT_EQ(error("p,q\n1,1\n", evaluation("p=1", "{\"a\": 1}")), "front.csv:1: (header): no metric of search.sqlite, found: p, q");
  for (const char* metrics : {"{", "{\"a\": \"x\"}", "[]"}) {
    EXPECT_EQ(error(front, evaluation("p=1", metrics)).rfind("search.sqlite: metrics of p=1: ", 0), 0U)
        << error(front, evaluation("p=1", metrics));
  }
  EXPECT_EQ(error(front, "DROP TABLE evaluation;"), "search.sqlite: is not a store of evaluations: no such table: evaluation");
  EXPECT_EQ(error(front, "CREATE TABLE agreement(metric);" + evaluation("p=1", "{\"a\": 1}")),
            "search.sqlite: is not a store of evaluations: no such column: candidates");
  scratch.write("s/search.sqlite", "no database, but long enough to be taken for one");
  EXPECT_EQ(test::error_of([&] { load_search(scratch.file("s")); }),
            scratch.file("s/search.sqlite") + ": is not a store of evaluations: file is not a database");
  std::filesystem::remove(scratch.file("s/search.sqlite"));
  EXPECT_EQ(test::error_of([&] { load_search(scratch.file("s")); }),
            scratch.file("s/search.sqlite") + ": missing, front.csv is not the output of dse without it");
}

/// Names of folders that SQLite would take for a query are read as they are.
TEST_F(SearchStore, folders_may_have_question_marks_and_number_signs_in_their_names) {
  const std::string odd = scratch.file("a?mode=rw#50%");
  std::filesystem::create_directory(odd);
  scratch.write("a?mode=rw#50%/front.csv", "p,a\n1,1\n");
  write_store(scratch.file("plain.sqlite"), tables + evaluation("p=1", "{\"a\": 1}"));
  std::filesystem::rename(scratch.file("plain.sqlite"), odd + "/search.sqlite");
  EXPECT_EQ(load_search(odd)["feasible"], 1);
}

TEST_F(SearchInput, agreement_of_two_tiers_is_listed_by_metric) {
  store->note_agreement("pe_area_mm2", "analytical", "cycle", 7, 1, 1);
  store->note_agreement("latency_s", "analytical", "cycle", 7, 0.5, 0.75);
  EXPECT_EQ(load_search(directory)["agreement"],
            Json::parse(R"([{"metric": "latency_s", "candidates": 7, "kendall_tau": 0.5, "spearman_rho": 0.75},
                            {"metric": "pe_area_mm2", "candidates": 7, "kendall_tau": 1.0, "spearman_rho": 1.0}])"));
}

/// The table of confirmed candidates belongs to a front of simulations.
TEST_F(SearchInput, confirmed_candidates_are_shown_with_a_front_of_cycles_alone) {
  const std::string confirmed = "candidate,cycle_rank,analytical_rank\nnmp.pe.fpus=1,1,2\n";
  scratch.write("s/confirmed.csv", confirmed);
  EXPECT_TRUE(load_search(directory)["confirmed"].is_null());
  store->add("nmp.pe.fpus=1", "cycle", judged(3));
  store->note_front("cycle");
  EXPECT_EQ(load_search(directory)["tier"], "cycle");
  EXPECT_EQ(load_search(directory)["confirmed"]["rows"], Json::parse(R"([["nmp.pe.fpus=1", 1, 2]])"));
  scratch.write("s/confirmed.csv", "candidate,cycle_rank\nnmp.pe.fpus=1,1\n");
  const std::string error = test::error_of([&] { load_search(directory); });
  EXPECT_NE(error.find("confirmed.csv:1: "), std::string::npos) << error;
  EXPECT_NE(error.find("analytical_rank"), std::string::npos) << error;
  std::filesystem::remove(scratch.file("s/confirmed.csv"));
  EXPECT_TRUE(load_search(directory)["confirmed"].is_null());
}

}  // namespace
}  // namespace bondsim::tools::report
