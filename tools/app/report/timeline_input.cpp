#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "models/base/error.hpp"
#include "sim/trace/text_lines.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/report/inputs.hpp"

namespace bondsim::tools::report {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view schema = "# bondsim.tasks/2";

/// Rows of a step beyond this are not drawn: a plot of more says nothing, and the file has to stay small.
constexpr std::size_t most_rows = 20000;

struct Row {
  std::int64_t start_ps = 0, end_ps = 0;
  std::string name, kind;
  std::int64_t layer = 0, step = 0, layers = 1;
  std::string part;  ///< the part that most of its time went to
};

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t at = 0;;) {
    const std::size_t comma = line.find(',', at);
    cells.push_back(line.substr(at, comma - at));
    if (comma == std::string_view::npos) return cells;
    at = comma + 1;
  }
}

/// One file of a task trace, row by row.
class TaskFile {
 public:
  explicit TaskFile(const std::string& path) : lines_(path) {
    std::string_view line;
    if (!lines_.next(line) || line != schema) lines_.fail(fmt::format("'{}' found, allowed: {}", line, schema));
    if (!lines_.next(line)) lines_.fail("ends before its columns");
    for (const std::string_view cell : split(line)) columns_.emplace_back(cell);
    for (const char* name : {"start_ps", "end_ps", "operator", "layer", "step", "kind", "layers"}) column(name);
  }

  std::optional<Row> next() {
    std::string_view line;
    do {
      if (!lines_.next(line)) return std::nullopt;
    } while (line.empty() || line[0] == '#');
    const auto cells = split(line);
    if (cells.size() != columns_.size()) lines_.fail(fmt::format("{} fields found, allowed: {}", cells.size(), columns_.size()));
    Row row;
    row.start_ps = number(cells, "start_ps");
    row.end_ps = number(cells, "end_ps");
    row.layer = number(cells, "layer");
    row.step = number(cells, "step");
    row.layers = number(cells, "layers");
    row.name = cells[column("operator")];
    row.kind = cells[column("kind")];
    row.part = longest_part(cells);
    return row;
  }

 private:
  std::size_t column(const std::string& name) {
    const auto found = std::find(columns_.begin(), columns_.end(), name);
    if (found == columns_.end()) lines_.fail(fmt::format("{}: column is missing", name));
    return static_cast<std::size_t>(found - columns_.begin());
  }
  std::int64_t number(const std::vector<std::string_view>& cells, const char* name) {
    const std::string_view text = cells[column(name)];
    std::int64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size())
      lines_.fail(fmt::format("{}: '{}' is not a whole number", name, text));
    return value;
  }
  std::string longest_part(const std::vector<std::string_view>& cells) {
    std::string best;
    std::int64_t most = 0;
    for (const std::string& name : columns_) {
      if (name == "start_ps" || name == "end_ps" || name.size() < 4 || name.compare(name.size() - 3, 3, "_ps") != 0) continue;
      const std::int64_t value = number(cells, name.c_str());
      if (value > most) {
        most = value;
        best = name.substr(0, name.size() - 3);
      }
    }
    return best;
  }

  TextLines lines_;
  std::vector<std::string> columns_;
};

/// Steps of a run that a page has: the prefill, and as many of the decode, evenly, its first and last among them.
constexpr std::size_t most_steps = 6;

std::vector<std::int64_t> steps_to_show(const std::string& path) {
  std::set<std::int64_t> all;
  TaskFile file(path);
  while (const auto row = file.next()) all.insert(row->step);
  std::vector<std::int64_t> steps(all.begin(), all.end());
  if (steps.size() <= most_steps) return steps;
  std::vector<std::int64_t> out = {steps[0]};
  for (std::size_t i = 0; i + 1 < most_steps; ++i) out.push_back(steps[1 + i * (steps.size() - 2) / (most_steps - 2)]);
  return out;
}

using ExecutorRow = std::pair<std::string, Row>;

/// Where all layers were simulated, one of them is enough to see, and the rest would hide it: takes the others out and what follows nearer.
/// @return the time taken out
std::int64_t leave_first_layer(std::vector<ExecutorRow>& rows) {
  std::int64_t from = INT64_MAX, to = 0;
  for (const auto& [executor, row] : rows) {
    if (row.layer <= 0) continue;
    from = std::min(from, row.start_ps);
    to = std::max(to, row.end_ps);
  }
  if (from >= to) return 0;
  rows.erase(std::remove_if(rows.begin(), rows.end(), [](const auto& r) { return r.second.layer > 0; }), rows.end());
  for (auto& [executor, row] : rows) {
    if (row.start_ps < to) continue;
    row.start_ps -= to - from;
    row.end_ps -= to - from;
  }
  return to - from;
}

/// One step; null where it has more rows than can be drawn.
Json step_json(std::int64_t step, std::vector<ExecutorRow>& rows) {
  const std::int64_t left_out_ps = leave_first_layer(rows);
  if (rows.size() > most_rows) return nullptr;
  std::int64_t start = INT64_MAX, end = 0;
  for (const auto& [executor, row] : rows) {
    start = std::min(start, row.start_ps);
    end = std::max(end, row.end_ps);
  }
  Json out = {{"step", step}, {"start_ps", start}, {"end_ps", end}, {"left_out_ps", left_out_ps}, {"rows", Json::array()}};
  for (const auto& [executor, row] : rows) {
    out["rows"].push_back({executor, row.start_ps - start, row.end_ps - start, row.name, row.kind, row.layer, row.layers, row.part});
  }
  return out;
}

/// A run writes a trace of every executor: some alone would show the others as idle. @throws ConfigError
void require_whole(const std::string& directory, const std::vector<std::string>& executors,
                   const std::vector<std::pair<std::string, std::string>>& files) {
  for (const std::string& name : files_of_output(directory)) {
    const bool of_executor = std::any_of(executors.begin(), executors.end(),
                                         [&](const std::string& e) { return name == e + ".tasks.csv" || name == e + ".tasks.csv.gz"; });
    if (!of_executor || fs::exists(fs::path(directory) / name)) continue;
    throw ConfigError(fmt::format("{}/{}: is missing, {} other task traces of the run are there; allowed: all of them or none", directory,
                                  name, files.size()));
  }
}

/// Files of the executors that have one: the NPU's first, then the channels' in the order of results.json.
std::vector<std::pair<std::string, std::string>> task_files(const std::string& directory, const std::vector<std::string>& executors) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const std::string& executor : executors) {
    for (const char* end : {".tasks.csv", ".tasks.csv.gz"}) {
      const auto file = fs::path(directory) / (executor + end);
      if (!fs::exists(file)) continue;
      files.emplace_back(executor, file.string());
      break;
    }
  }
  return files;
}

}  // namespace

Json load_timeline(const std::string& directory, const std::vector<std::string>& executors, std::string& note) {
  const auto files = task_files(directory, executors);
  if (files.empty()) {
    note = "No task traces in " + directory + ": run with --trace tasks to see what each channel does in a step.";
    return nullptr;
  }
  require_whole(directory, executors, files);
  const std::vector<std::int64_t> steps = steps_to_show(files.front().second);
  std::map<std::int64_t, std::vector<ExecutorRow>> rows;
  for (const auto& [executor, path] : files) {
    TaskFile file(path);
    while (const auto row = file.next()) {
      if (std::binary_search(steps.begin(), steps.end(), row->step)) rows[row->step].emplace_back(executor, *row);
    }
  }
  Json out = {{"executors", Json::array()}, {"steps", Json::array()}};
  for (const auto& [executor, file] : files) out["executors"].push_back(executor);
  std::size_t most = 0;
  for (auto& [step, of_step] : rows) {
    most = std::max(most, of_step.size());
    if (Json json = step_json(step, of_step); !json.is_null()) out["steps"].push_back(std::move(json));
  }
  if (!out["steps"].empty()) return out;
  note = fmt::format("A step has {} tasks, more than a timeline can show.", most);
  return nullptr;
}

}  // namespace bondsim::tools::report
