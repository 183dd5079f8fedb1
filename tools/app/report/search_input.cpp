#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <set>

#include "models/base/csv_table.hpp"
#include "tools/app/report/inputs.hpp"
#include "tools/app/report/shape.hpp"

namespace bondsim::tools::report {
namespace {

namespace fs = std::filesystem;

/// A plot has no more room than this for candidates beside the front: of those that would fall on the same spot, one is kept.
constexpr int spots_per_axis = 160;

using Metrics = std::map<std::string, double>;

struct Evaluated {
  std::string candidate;
  Metrics metrics;
};

/// Candidates that one tier judged.
struct Tier {
  std::vector<Evaluated> feasible;
  std::int64_t infeasible = 0;
};

struct Store {
  std::map<std::string, Tier> tiers;
  std::map<std::string, std::string> about;
  Json agreement = Json::array();  ///< {metric, candidates, kendall_tau, spearman_rho} between two tiers

  /// The one that the front is of, as the search noted it; without a note simulation has the last word where there is any.
  std::string deciding() const {
    const auto noted = about.find("front");
    if (noted == about.end()) return tiers.count("cycle") != 0 ? "cycle" : tiers.begin()->first;
    return noted->second.substr(0, noted->second.find(' '));
  }
};

/// @throws ConfigError for a front of a search that went on after it was written and has not ended
void require_whole(const Store& store, const std::string& file) {
  const auto noted = store.about.find("front");
  if (noted == store.about.end()) return;
  const std::string tier = store.deciding();
  const auto found = store.tiers.find(tier);
  const std::int64_t judged =
      found == store.tiers.end() ? 0 : static_cast<std::int64_t>(found->second.feasible.size()) + found->second.infeasible;
  const std::string now = fmt::format("{} {}", tier, judged);
  if (noted->second == now) return;
  throw ConfigError(
      fmt::format("{}: the front is of '{}' candidates, the search went on to '{}' and has not ended; bondsim dse --resume ends it", file,
                  noted->second, now));
}

class Database {
 public:
  explicit Database(const std::string& path) : path_(path) {
    // A store that nobody writes to is read without making files beside it.
    const bool busy = fs::exists(path + "-wal");
    const std::string uri = "file:" + escaped(fs::absolute(path).string()) + (busy ? "?mode=ro" : "?mode=ro&immutable=1");
    sqlite3* database = nullptr;
    const int status = sqlite3_open_v2(uri.c_str(), &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
    database_.reset(database);
    if (status != SQLITE_OK) fail();
  }

  template <class Row>
  void each(const char* sql, const Row& row) const {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql, -1, &prepared, nullptr) != SQLITE_OK) fail();
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(prepared, sqlite3_finalize);
    int status = 0;
    while ((status = sqlite3_step(prepared)) == SQLITE_ROW) row(prepared);
    if (status != SQLITE_DONE) fail();
  }

  [[noreturn]] void fail() const {
    throw ConfigError(
        fmt::format("{}: is not a store of evaluations: {}", path_, database_ ? sqlite3_errmsg(database_.get()) : "no memory"));
  }

 private:
  static std::string escaped(const std::string& path) {
    std::string out;
    for (const char c : path)
      out += c == '?' || c == '#' || c == '%' ? fmt::format("%{:02x}", static_cast<unsigned char>(c)) : std::string(1, c);
    return out;
  }

  std::string path_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database_{nullptr, sqlite3_close};
};

std::string text_at(sqlite3_stmt* row, int column) {
  const unsigned char* text = sqlite3_column_text(row, column);
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text));
}

Store read_store(const std::string& path) {
  Store store;
  const Database database(path);
  database.each("SELECT key, value FROM search", [&](sqlite3_stmt* row) { store.about[text_at(row, 0)] = text_at(row, 1); });
  database.each("SELECT candidate, tier, feasible, metrics FROM evaluation ORDER BY candidate", [&](sqlite3_stmt* row) {
    Tier& tier = store.tiers[text_at(row, 1)];
    if (sqlite3_column_int(row, 2) == 0) {
      ++tier.infeasible;
      return;
    }
    try {
      tier.feasible.push_back({text_at(row, 0), Json::parse(text_at(row, 3)).at("metrics").get<Metrics>()});
    } catch (const Json::exception& e) {
      throw ConfigError(fmt::format("{}: metrics of {}: {}", path, text_at(row, 0), e.what()));
    }
  });
  bool compared = false;
  database.each("SELECT 1 FROM sqlite_master WHERE name = 'agreement'", [&](sqlite3_stmt*) { compared = true; });
  if (compared) {
    database.each("SELECT metric, candidates, kendall_tau, spearman_rho FROM agreement ORDER BY metric", [&](sqlite3_stmt* row) {
      store.agreement.push_back({{"metric", text_at(row, 0)},
                                 {"candidates", sqlite3_column_int64(row, 1)},
                                 {"kendall_tau", sqlite3_column_double(row, 2)},
                                 {"spearman_rho", sqlite3_column_double(row, 3)}});
    });
  }
  return store;
}

/// Objectives are all minimised: in a front, whoever has less of one has more of another. Taken from the store where it says them, else the
/// two metrics that no member of the front is best in both of.
std::vector<std::string> objectives_of(const Store& store, const std::vector<std::string>& metrics, const CsvTable& front) {
  std::vector<std::string> named;
  if (const auto found = store.about.find("objectives"); found != store.about.end()) {
    for (std::size_t at = 0; at < found->second.size();) {
      const std::size_t end = std::min(found->second.find_first_of(", ", at), found->second.size());
      if (end > at) named.push_back(found->second.substr(at, end - at));
      at = end + 1;
    }
    return named;
  }
  for (const std::string& a : metrics) {
    for (const std::string& b : metrics) {
      bool apart = a != b && front.rows() > 1;
      for (std::size_t i = 1; apart && i < front.rows(); ++i) {
        const auto value = [&](std::size_t row, const std::string& m) { return front.number(row, m, -1e300, 1e300); };
        apart = value(i, a) >= value(i - 1, a) && value(i, b) <= value(i - 1, b);
      }
      if (apart) return {a, b};
    }
  }
  return metrics.size() > 1 ? std::vector<std::string>{metrics[0], metrics[1]} : metrics;
}

struct Axis {
  std::string metric;
  double low = INFINITY, high = -INFINITY;
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  int spot(double value) const { return high > low ? static_cast<int>((value - low) / (high - low) * spots_per_axis) : 0; }
};

/// One candidate a spot of the plane of the first two objectives.
Json thinned(const std::vector<Evaluated>& all, const std::vector<std::string>& metrics, const std::vector<std::string>& objectives) {
  Json out = Json::array();
  if (objectives.size() < 2) return out;
  Axis x{objectives[0]}, y{objectives[1]};
  const auto value = [](const Evaluated& e, const std::string& m) {
    const auto found = e.metrics.find(m);
    return found == e.metrics.end() ? NAN : found->second;
  };
  for (const Evaluated& e : all) {
    x.take(value(e, x.metric));
    y.take(value(e, y.metric));
  }
  std::set<std::pair<int, int>> taken;
  for (const Evaluated& e : all) {
    const double at_x = value(e, x.metric), at_y = value(e, y.metric);
    if (!std::isfinite(at_x) || !std::isfinite(at_y) || !taken.insert({x.spot(at_x), y.spot(at_y)}).second) continue;
    Json row = {e.candidate};
    for (const std::string& m : metrics) row.push_back(value(e, m));
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace

Json load_search(const std::string& directory) {
  const std::string front_file = (fs::path(directory) / "front.csv").string();
  const std::string store_file = (fs::path(directory) / "search.sqlite").string();
  const CsvTable front = CsvTable::load(front_file);
  if (!fs::exists(store_file)) throw ConfigError(fmt::format("{}: missing, front.csv is not the output of dse without it", store_file));
  const Store store = read_store(store_file);
  if (store.tiers.empty()) throw ConfigError(fmt::format("{}: holds no evaluation", store_file));
  require_whole(store, front_file);
  const Tier& tier = store.tiers.at(store.deciding());
  if (tier.feasible.empty()) throw ConfigError(fmt::format("{}: holds no feasible candidate", store_file));
  std::vector<std::string> metrics, parameters;
  for (const auto& column : front.columns()) {
    const bool metric = tier.feasible.front().metrics.count(column) != 0;
    (metric ? metrics : parameters).push_back(column);
  }
  if (metrics.empty())
    throw ConfigError(fmt::format("{}:1: (header): no metric of {}, found: {}", front_file, store_file, fmt::join(front.columns(), ", ")));
  Json out = load_table(front_file, {{}, metrics, {}});
  const auto objectives = objectives_of(store, metrics, front);
  out["parameters"] = parameters;
  out["metrics"] = metrics;
  out["objectives"] = objectives;
  out["about"] = store.about;
  out["tier"] = store.deciding();
  out["judged"] = Json::object();
  for (const auto& [name, judged] : store.tiers)
    out["judged"][name] = static_cast<std::int64_t>(judged.feasible.size()) + judged.infeasible;
  out["agreement"] = store.agreement;
  out["feasible"] = tier.feasible.size();
  out["infeasible"] = tier.infeasible;
  out["others"] = thinned(tier.feasible, metrics, objectives);
  const fs::path confirmed = fs::path(directory) / "confirmed.csv";
  out["confirmed"] = store.deciding() == "cycle" && fs::exists(confirmed)
                         ? load_table(confirmed.string(), {{"cycle_rank", "analytical_rank"}, {"cycle_rank", "analytical_rank"}, {}})
                         : Json(nullptr);
  return out;
}

}  // namespace bondsim::tools::report
