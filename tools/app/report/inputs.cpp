#include "tools/app/report/inputs.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "models/base/csv_table.hpp"
#include "tools/app/report/shape.hpp"

namespace bondsim::tools::report {
namespace {

namespace fs = std::filesystem;

/// A kind of result: the file by which its directory is known, and the columns by which the file is when it is named itself.
struct Kind {
  const char* list;
  const char* file;
  const char* column;  ///< empty: known by the directory only
  Json (*load)(const std::string&);
};

Json load_validation(const std::string& file) {
  Json out = load_table(file, {{"cycle_latency_s"}, {}, {"_latency_s", "_error_percent", "_utilisation"}});
  out["forms"] = Json::array();
  for (const auto& column : out["columns"]) {
    const auto name = column.get<std::string>();
    const std::string tail = "_error_percent";
    if (name.size() > tail.size() && name.compare(name.size() - tail.size(), tail.size(), tail) == 0) {
      out["forms"].push_back(name.substr(0, name.size() - tail.size()));
    }
  }
  return out;
}

Json load_ladder(const std::string& file) {
  return load_table(file, {{"rung", "prefill_s", "token_s", "total_s", "change"}, {"prefill_s", "token_s", "total_s", "change"}, {}});
}

Json load_dataflows(const std::string& file) {
  return load_table(file, {{"total_latency_s_per_layer", "lower_bound_s_per_layer"}, {}, {"_s_per_layer"}});
}

Json load_speculation(const std::string& file) {
  const std::vector<std::string> numbers = {
      "batch", "depth", "acceptance", "plain_s", "verification_s", "draft_s", "tokens_per_verification", "token_s", "speed_up"};
  std::vector<std::string> required = numbers;
  required.insert(required.end(), {"judge", "break_even_acceptance"});
  return load_table(file, {required, numbers, {}});
}

Json load_sweep(const std::string& file) {
  return load_table(file, {{"total_s", "decode_bound", "problem"}, {}, {}, true, {"decode_bound", "problem"}});
}

Json load_headlines(const std::string& file) {
  const std::vector<std::string> numbers = {"published", "published_most", "found", "found_most", "ratio", "ratio_most", "runs"};
  std::vector<std::string> required = numbers;
  required.insert(required.end(), {"headline", "tier", "rows", "within_10_percent"});
  return load_table(file, {required, numbers, {}});
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> list = {{"served", "serving.json", "", load_served},
                                         {"curves", "curve.csv", "", load_curve},
                                         {"runs", "results.json", "", load_run},
                                         {"searches", "front.csv", "", load_search},
                                         {"validations", "validate.csv", "cycle_latency_s", load_validation},
                                         {"ladders", "ladder.csv", "rung", load_ladder},
                                         {"dataflows", "", "lower_bound_s_per_layer", load_dataflows},
                                         {"speculations", "speculation.csv", "break_even_acceptance", load_speculation},
                                         {"sweeps", "sweep.csv", "decode_bound", load_sweep},
                                         {"reproductions", "headlines.csv", "within_10_percent", load_headlines},
                                         {"heats", "heat.json", "", load_heat}};
  return list;
}

constexpr const char* allowed =
    "allowed: a directory with results.json (run, replay), validate.csv (validate), ladder.csv (run --ladder) or front.csv with "
    "search.sqlite "
    "(dse), serving.json (serve), curve.csv (serve --rate), speculation.csv (speculate), sweep.csv (sweep), headlines.csv (reproduce) or "
    "heat.json (heat), or the CSV "
    "file of dse "
    "--fixed";

bool is_directory_of(const Kind& kind, const fs::path& path) { return *kind.file != 0 && fs::exists(path / kind.file); }

/// Kind of a path, and the file in it to load.
std::pair<const Kind*, std::string> kind_of(const std::string& path) {
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  if (status.type() == fs::file_type::not_found) throw ConfigError(fmt::format("{}: no such file or directory, {}", path, allowed));
  if (ec) throw ConfigError(fmt::format("{}: {}, {}", path, ec.message(), allowed));
  if (fs::is_directory(path)) {
    for (const Kind& kind : kinds()) {
      if (is_directory_of(kind, path)) return {&kind, *kind.column == 0 ? path : (fs::path(path) / kind.file).string()};
    }
    std::string found;
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    for (const auto& name : names) found += (found.empty() ? "" : ", ") + name;
    throw ConfigError(fmt::format("{}: holds no results ({}), {}", path, found.empty() ? "it is empty" : "found: " + found, allowed));
  }
  const fs::path file(path);
  for (const Kind& kind : kinds()) {  // a file that marks a directory stands for the directory
    if (*kind.column == 0 && file.filename() == kind.file) return {&kind, file.has_parent_path() ? file.parent_path().string() : "."};
  }
  if (file.extension() == ".csv") {
    const CsvTable table = CsvTable::load(path);
    for (const Kind& kind : kinds()) {
      if (*kind.column != 0 && table.has_column(kind.column)) return {&kind, path};
    }
  }
  throw ConfigError(fmt::format("{}: is no result of bondsim that a report shows, {}", path, allowed));
}

/// Last names of the paths; whole paths where two would have the same.
void label(Json& inputs, const std::vector<std::pair<Json*, std::string>>& items) {
  const auto name_of = [](const std::string& path) {
    const fs::path clean = fs::absolute(path).lexically_normal();
    return (clean.has_filename() ? clean.filename() : clean.parent_path().filename()).string();
  };
  for (const auto& [item, path] : items) {
    const auto same =
        std::count_if(items.begin(), items.end(), [&, name = name_of(path)](const auto& other) { return name_of(other.second) == name; });
    (*item)["label"] = same > 1 ? path : name_of(path);
    (*item)["path"] = path;
  }
  (void)inputs;
}

Json cell(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool number = !text.empty() && end == text.c_str() + text.size() && std::isfinite(value);
  return number ? Json(value) : Json(text);
}

}  // namespace

Json load_table(const std::string& file, const TableShape& shape) {
  const CsvTable table = CsvTable::load(file);
  require_columns(table, shape);
  Json out;
  out["columns"] = table.columns();
  out["rows"] = Json::array();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    Json cells = Json::array();
    for (const auto& column : table.columns()) cells.push_back(cell(table.text(row, column)));
    out["rows"].push_back(std::move(cells));
  }
  return out;
}

Json load_inputs(const std::vector<std::string>& paths) {
  Json out;
  for (const Kind& kind : kinds()) out[kind.list] = Json::array();
  std::vector<std::pair<std::string, std::string>> order;
  for (const std::string& path : paths) {
    const auto [kind, what] = kind_of(path);
    out[kind->list].push_back(kind->load(what));
    order.emplace_back(kind->list, path);
  }
  std::vector<std::pair<Json*, std::string>> items;
  items.reserve(order.size());
  std::map<std::string, std::size_t> next;
  for (const auto& [list, path] : order) items.emplace_back(&out[list][next[list]++], path);
  label(out, items);
  return out;
}

}  // namespace bondsim::tools::report
