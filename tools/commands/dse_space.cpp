#include "tools/commands/dse_space.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <thread>

#include "mapping/search/hardware/hardware_search.hpp"
#include "mapping/search/hardware/roofline_evaluator.hpp"
#include "models/base/csv_table.hpp"
#include "models/base/digest.hpp"

namespace bondsim::tools {
namespace {

/// Set by Ctrl-C: a signal handler can reach nothing else.
volatile std::sig_atomic_t interrupted = 0;

void interrupt(int) { interrupted = 1; }

/// Best so far, rate and time left on one line of a terminal; silent in a pipe.
class ProgressLine {
 public:
  explicit ProgressLine(std::string objective) : objective_(std::move(objective)), visible_(::isatty(STDERR_FILENO) == 1) {}

  void show(const search::SearchProgress& p) {
    const auto now = std::chrono::steady_clock::now();
    if (!visible_ || (now - shown_ < std::chrono::milliseconds(200) && p.done < p.total)) return;
    shown_ = now;
    const double elapsed_s = std::chrono::duration<double>(now - began_).count();
    const double rate = static_cast<double>(p.evaluated) / std::max(elapsed_s, 1e-3);
    const double left_s = rate > 0 ? static_cast<double>(p.total - p.done) / rate : 0;
    fmt::print(stderr, "\r{} of {} candidates, best {} {:.6g}, {:.0f} evaluations/s, {:.0f} s left   ", p.done, p.total, objective_, p.best,
               rate, left_s);
    std::fflush(stderr);
  }

  void clear() const {
    if (visible_) fmt::print(stderr, "\r{}\r", std::string(110, ' '));
  }

 private:
  std::string objective_;
  bool visible_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_ = {};
};

void write_front(const std::string& path, const search::DesignSpace& space, const std::vector<search::FrontMember>& front) {
  std::string header;
  for (const auto& parameter : space.parameters) {
    for (const auto& key : parameter.keys) header += (header.empty() ? "" : ",") + key;
  }
  std::string rows;
  for (const auto& member : front) {
    std::string row = member.candidate;
    std::string values;
    for (std::size_t at = 0; at < row.size();) {  // key=value key=value ...
      const std::size_t equals = row.find('=', at);
      const std::size_t blank = std::min(row.find(' ', equals), row.size());
      values += (values.empty() ? "" : ",") + row.substr(equals + 1, blank - equals - 1);
      at = blank + 1;
    }
    rows += values + "\n";
  }
  CsvTable table = CsvTable::parse(header + "\n" + rows, path);
  for (std::size_t i = 0; i < front.size(); ++i) {
    for (const auto& [metric, value] : front[i].evaluation.metrics) table.set_number(i, metric, value);
  }
  table.save(path);
}

void print_summary(const search::DesignSpace& space, const std::vector<search::FrontMember>& front, std::size_t judged) {
  fmt::print("{}: {} candidates judged, {} in the front of {}\n", space.name, judged, front.size(), fmt::join(space.objectives, ", "));
  constexpr std::size_t most = 10;
  for (std::size_t i = 0; i < std::min(most, front.size()); ++i) {
    std::string values;
    for (const auto& metric : space.objectives) values += fmt::format("{} {:.6g}  ", metric, front[i].evaluation.metrics.at(metric));
    fmt::print("  {} {}\n", values, front[i].candidate);
  }
  if (front.size() > most) fmt::print("  ... and {} more\n", front.size() - most);
}

}  // namespace

int search_space(const SpaceOptions& options) {
  if (options.tier != "analytical") throw ConfigError(fmt::format("--tier: '{}' is not known, allowed: analytical", options.tier));
  const search::DesignSpace space = search::decode_space(load_yaml_file(options.space));
  search::RooflineEvaluator evaluator(space, options.model);
  for (const auto& parameter : space.parameters) check(!parameter.rows.empty(), "a parameter of no value");
  evaluator.system(space.candidate(0));  // wrong keys are found before anything starts
  std::filesystem::create_directories(options.out);
  const std::string store_file = (std::filesystem::path(options.out) / "search.sqlite").string();
  search::ResultStore store(
      store_file, {digest(evaluator.inputs()), BONDSIM_VERSION, space.search.seed, fmt::format("{}", fmt::join(space.objectives, " "))},
      options.resume);

  interrupted = 0;
  const auto before = std::signal(SIGINT, interrupt);
  ProgressLine line(space.objectives[0]);
  search::HardwareSearchOptions search_options;
  search_options.workers = options.jobs > 0 ? options.jobs : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  search_options.make_evaluator = [&] { return std::make_unique<search::RooflineEvaluator>(space, options.model); };
  search_options.progress = [&](const search::SearchProgress& p) { line.show(p); };
  search_options.report = [&](const std::string& text) {
    line.clear();
    fmt::print(stderr, "bondsim: {}\n", text);
  };
  search_options.stop = [] { return interrupted != 0; };
  const bool complete = search::search_hardware(space, search_options, store);
  std::signal(SIGINT, before);
  line.clear();

  if (!complete) {
    fmt::print(stderr, "bondsim: stopped; {} evaluations are in {}, go on with --resume\n", store.all(evaluator.tier()).size(), store_file);
    return 1;
  }
  const auto front = search::pareto_front(space, store, evaluator.tier());
  write_front((std::filesystem::path(options.out) / "front.csv").string(), space, front);
  print_summary(space, front, store.all(evaluator.tier()).size());
  fmt::print("written to {}: front.csv, search.sqlite\n", options.out);
  return front.empty() ? 1 : 0;
}

}  // namespace bondsim::tools
