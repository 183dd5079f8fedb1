#include "mapping/search/device/result_store.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "models/base/io_error.hpp"

namespace bondsim::search {
namespace {

/// A prepared statement that is finalized.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql) { status_ = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr); }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  bool ok() const { return status_ == SQLITE_OK || status_ == SQLITE_DONE; }
  bool next() {
    status_ = sqlite3_step(statement_);
    return status_ == SQLITE_ROW;
  }
  void bind(int position, const std::string& text) { sqlite3_bind_text(statement_, position, text.c_str(), -1, SQLITE_TRANSIENT); }
  void bind(int position, double value) { sqlite3_bind_double(statement_, position, value); }
  std::string text(int column) const {
    const unsigned char* value = sqlite3_column_text(statement_, column);
    return value == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(value));
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int status_ = SQLITE_OK;
};

/// Whether the cause is not what stands in the file.
bool is_of_system(int error) {
  const std::set<int> causes = {SQLITE_IOERR, SQLITE_FULL,   SQLITE_READONLY, SQLITE_CANTOPEN,
                                SQLITE_BUSY,  SQLITE_LOCKED, SQLITE_NOMEM,    SQLITE_PERM};
  return causes.count(error & 0xff) > 0;
}

}  // namespace

ResultStore::ResultStore(const std::string& path, const Identity& identity, bool resume)
    : path_(path), identity_(identity), database_(nullptr, sqlite3_close), insert_(nullptr, sqlite3_finalize) {
  if (std::filesystem::exists(path) && !resume) {
    throw ConfigError(fmt::format("{}: holds a search already; --resume goes on with it, or choose another --out", path));
  }
  sqlite3* database = nullptr;
  const int opened = sqlite3_open(path.c_str(), &database);
  database_.reset(database);
  if (opened != SQLITE_OK) fail("cannot be opened");
  sqlite3_busy_timeout(database, 5000);
  // The write-ahead log keeps the file whole if the process dies at any moment.
  execute("PRAGMA journal_mode=WAL");
  execute("PRAGMA synchronous=NORMAL");
  execute("CREATE TABLE IF NOT EXISTS search(key TEXT PRIMARY KEY, value TEXT NOT NULL)");
  execute(
      "CREATE TABLE IF NOT EXISTS evaluation(candidate TEXT NOT NULL, tier TEXT NOT NULL, feasible INTEGER NOT NULL, reason TEXT NOT NULL,"
      " metrics TEXT NOT NULL, seed INTEGER NOT NULL, version TEXT NOT NULL, PRIMARY KEY(candidate, tier))");
  execute(
      "CREATE TABLE IF NOT EXISTS agreement(metric TEXT NOT NULL, tier_a TEXT NOT NULL, tier_b TEXT NOT NULL, candidates INTEGER NOT NULL,"
      " kendall_tau REAL NOT NULL, spearman_rho REAL NOT NULL, PRIMARY KEY(metric, tier_a, tier_b))");
  check_identity();
  load();
  const char* sql = "INSERT INTO evaluation VALUES(?, ?, ?, ?, ?, ?, ?)";
  sqlite3_stmt* insert = nullptr;
  const int prepared = sqlite3_prepare_v2(database, sql, -1, &insert, nullptr);
  insert_.reset(insert);
  if (prepared != SQLITE_OK) fail("cannot be written");
}

void ResultStore::fail(const std::string& what) const {
  const std::string reason = database_ == nullptr ? "" : std::string(": ") + sqlite3_errmsg(database_.get());
  const std::string text = fmt::format("{}: {}{}", path_, what, reason);
  if (database_ != nullptr && is_of_system(sqlite3_errcode(database_.get()))) throw IoError(text);
  throw ConfigError(text);
}

void ResultStore::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    fail("is not a store of evaluations, or cannot be written");
}

void ResultStore::check_identity() {
  std::map<std::string, std::string> wanted = {
      {"space", identity_.space}, {"version", identity_.version}, {"seed", std::to_string(identity_.seed)}};
  if (!identity_.objectives.empty()) wanted["objectives"] = identity_.objectives;
  std::map<std::string, std::string> found;
  {
    Statement read(database_.get(), "SELECT key, value FROM search");
    while (read.next()) found[read.text(0)] = read.text(1);
    if (!read.ok()) fail("cannot be read");
  }
  for (const auto& [key, value] : wanted) {
    if (found.count(key) != 0 && found[key] != value) {
      throw ConfigError(
          fmt::format("{}: was made with {} '{}', this search has '{}': choose another --out", path_, key, found[key], value));
    }
  }
  execute("BEGIN IMMEDIATE");
  for (const auto& [key, value] : wanted) {
    if (found.count(key) == 0) {
      Statement write(database_.get(), "INSERT INTO search VALUES(?, ?)");
      write.bind(1, key);
      write.bind(2, value);
      write.next();
      if (!write.ok()) fail("cannot be written");
    }
  }
  execute("COMMIT");
}

/// Objectives have commas or blanks between.
void ResultStore::require_objectives(const std::string& candidate, const Evaluation& evaluation) const {
  const std::string& all = identity_.objectives;
  for (std::size_t at = 0; evaluation.feasible && at < all.size();) {
    const std::size_t end = std::min(all.find_first_of(", ", at), all.size());
    const std::string metric = all.substr(at, end - at);
    if (!metric.empty() && evaluation.metrics.count(metric) == 0) {
      throw ConfigError(
          fmt::format("{}: the evaluation of {} is damaged: it has no {}, an objective of the search", path_, candidate, metric));
    }
    at = end + 1;
  }
}

void ResultStore::load() {
  Statement read(database_.get(), "SELECT candidate, tier, metrics FROM evaluation");
  try {
    while (read.next()) {
      const Evaluation evaluation = evaluation_from_json(read.text(2));
      require_objectives(read.text(0), evaluation);
      known_[read.text(1)][read.text(0)] = evaluation;
    }
  } catch (const nlohmann::json::exception& e) {
    throw ConfigError(fmt::format("{}: the evaluation of {} is damaged: {}", path_, read.text(0), e.what()));
  }
  if (!read.ok()) fail("cannot be read");
}

const Evaluation* ResultStore::find(const std::string& candidate, const std::string& tier) const {
  const auto& of_tier = known_[tier];
  const auto found = of_tier.find(candidate);
  return found == of_tier.end() ? nullptr : &found->second;
}

void ResultStore::add(const std::string& candidate, const std::string& tier, const Evaluation& evaluation) {
  check(known_[tier].emplace(candidate, evaluation).second, "{} was evaluated twice", candidate);
  const std::string json = to_json(evaluation);
  sqlite3_stmt* insert = insert_.get();
  sqlite3_reset(insert);
  sqlite3_bind_text(insert, 1, candidate.c_str(), -1, SQLITE_TRANSIENT);
  sqlite3_bind_text(insert, 2, tier.c_str(), -1, SQLITE_TRANSIENT);
  sqlite3_bind_int(insert, 3, evaluation.feasible ? 1 : 0);
  sqlite3_bind_text(insert, 4, evaluation.reason.c_str(), -1, SQLITE_TRANSIENT);
  sqlite3_bind_text(insert, 5, json.c_str(), -1, SQLITE_TRANSIENT);
  sqlite3_bind_int64(insert, 6, identity_.seed);
  sqlite3_bind_text(insert, 7, identity_.version.c_str(), -1, SQLITE_TRANSIENT);
  if (sqlite3_step(insert) != SQLITE_DONE) fail("cannot be written");
}

void ResultStore::note_agreement(const std::string& metric, const std::string& tier_a, const std::string& tier_b, std::size_t candidates,
                                 double kendall_tau, double spearman_rho) {
  Statement write(database_.get(), "INSERT OR REPLACE INTO agreement VALUES(?, ?, ?, ?, ?, ?)");
  write.bind(1, metric);
  write.bind(2, tier_a);
  write.bind(3, tier_b);
  write.bind(4, static_cast<double>(candidates));
  write.bind(5, kendall_tau);
  write.bind(6, spearman_rho);
  write.next();
  if (!write.ok()) fail("cannot be written");
}

void ResultStore::note_front(const std::string& tier) {
  Statement write(database_.get(), "INSERT OR REPLACE INTO search VALUES('front', ?)");
  write.bind(1, fmt::format("{} {}", tier, all(tier).size()));
  write.next();
  if (!write.ok()) fail("cannot be written");
}

const std::map<std::string, Evaluation>& ResultStore::all(const std::string& tier) const { return known_[tier]; }

}  // namespace bondsim::search
