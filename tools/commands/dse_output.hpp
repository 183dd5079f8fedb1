#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "mapping/search/device/confirmation.hpp"
#include "mapping/search/device/roofline_evaluator.hpp"

namespace bondsim::tools {

/// Best so far, rate and time left on one line of a terminal; silent in a pipe.
class SearchProgressLine {
 public:
  SearchProgressLine(std::string tier, std::string objective);
  void show(const search::SearchProgress& progress);
  void clear() const;

 private:
  std::string tier_;
  std::string objective_;
  bool visible_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_ = {};
};

/// CSV with a column for each key of the space, then for each metric.
void write_front(const std::string& path, const search::DesignSpace& space, const std::vector<search::FrontMember>& front);

/// CSV of what both tiers judged: keys, each metric of either tier (`analytical_latency_s`, `cycle_latency_s`), and the rank by the first
/// objective in both; best by cycles first.
void write_confirmed(const std::string& path, const search::DesignSpace& space, const search::ResultStore& store);

/// One dataflow file a front member and workload: row-N-workload-M.yaml, N counting the front's rows from 1.
void write_dataflows(const std::string& directory, const search::DesignSpace& space, search::RooflineEvaluator& forms,
                     const std::vector<search::FrontMember>& front);

void print_front(const search::DesignSpace& space, const std::string& tier, const std::vector<search::FrontMember>& front,
                 std::size_t judged);
void print_agreement(const std::vector<search::TierAgreement>& agreement);

}  // namespace bondsim::tools
