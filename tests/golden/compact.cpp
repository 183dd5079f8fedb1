#include "tests/golden/compact.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

namespace bondsim::test {
namespace {

using Json = nlohmann::json;

std::string picoseconds(const Json& seconds) { return std::to_string(std::llround(seconds.get<double>() * 1e12)); }

void put_parts(std::map<std::string, std::string>& row, const std::string& prefix, const Json& parts) {
  for (const auto& [name, value] : parts.items()) row[prefix + name + "_ps"] = value.dump();
}

/// Operators of one name, phase and executor are one row; a second of them is told apart by a number.
std::string row_name(const Compact& compact, const Json& op) {
  const std::string name = fmt::format("operator.{}.{}.{}", op.at("phase").get<std::string>(), op.at("name").get<std::string>(),
                                       op.at("executor").get<std::string>());
  if (compact.count(name) == 0) return name;
  int number = 2;
  while (compact.count(fmt::format("{}.{}", name, number)) > 0) ++number;
  return fmt::format("{}.{}", name, number);
}

/// ` (+8.3 %)` for two numbers, else nothing.
std::string relative(const std::string& golden, const std::string& now) {
  char* golden_end = nullptr;
  char* now_end = nullptr;
  const double a = std::strtod(golden.c_str(), &golden_end);
  const double b = std::strtod(now.c_str(), &now_end);
  if (*golden_end != 0 || *now_end != 0 || golden.empty() || now.empty() || a == 0) return "";
  return fmt::format(" ({:+.3g} %)", 100 * (b / a - 1));
}

}  // namespace

Compact compact_of(const Json& results) {
  Compact out;
  auto& run = out["run"];
  run["prefill_ps"] = results.at("latency_ps").at("prefill").dump();
  run["total_ps"] = results.at("latency_ps").at("total").dump();
  const Json& steps = results.at("step_latency_s");
  run["steps"] = std::to_string(steps.size());
  run["first_step_ps"] = picoseconds(steps.front());
  run["last_step_ps"] = picoseconds(steps.back());
  const Json& energy = results.at("energy_j");
  out["energy_j"]["total"] = energy.at("total").dump();
  out["energy_j"]["resting_on_estimates"] = energy.at("resting_on_estimates").dump();
  for (const auto& [name, value] : energy.at("components").items()) out["energy_j"][name] = value.dump();
  put_parts(out["npu"], "", results.at("npu").at("time_ps"));
  put_parts(out["npu"], "prefill_", results.at("npu").at("prefill").at("time_ps"));
  for (const Json& channel : results.at("channels")) {
    auto& row = out[fmt::format("channel.{}", channel.at("id").dump())];
    row["kind"] = channel.at("kind").get<std::string>();
    for (const char* bytes : {"bytes_read", "bytes_written", "hb_bytes_read", "hb_bytes_written"}) row[bytes] = channel.at(bytes).dump();
    put_parts(row, "", channel.at("time_ps"));
    put_parts(row, "prefill_", channel.at("prefill").at("time_ps"));
  }
  for (const Json& op : results.at("operators")) {
    auto& row = out[row_name(out, op)];
    for (const char* cell : {"count", "macs", "bytes", "hb_bytes", "energy_j"}) row[cell] = op.at(cell).dump();
  }
  return out;
}

std::string to_text(const Compact& compact, const std::string& heading) {
  std::string out = "# " + heading + "\n";
  for (const auto& [row, cells] : compact) {
    out += row;
    for (const auto& [cell, value] : cells) out += fmt::format(" {}={}", cell, value);
    out += "\n";
  }
  return out;
}

Compact parse_compact(const std::string& text) {
  Compact out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string row;
    words >> row;
    for (std::string word; words >> word;) out[row][word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  }
  return out;
}

std::string difference(const Compact& golden, const Compact& now, std::size_t limit) {
  std::vector<std::string> lines;
  for (const auto& [row, cells] : golden) {
    if (now.count(row) == 0) {
      lines.push_back(row + ": is gone");
      continue;
    }
    const auto& mine = now.at(row);
    for (const auto& [cell, value] : cells) {
      const auto found = mine.find(cell);
      if (found == mine.end()) {
        lines.push_back(fmt::format("{} {}: is gone, golden {}", row, cell, value));
      } else if (found->second != value) {
        lines.push_back(fmt::format("{} {}: golden {}, now {}{}", row, cell, value, found->second, relative(value, found->second)));
      }
    }
    for (const auto& [cell, value] : mine) {
      if (cells.count(cell) == 0) lines.push_back(fmt::format("{} {}: is new, now {}", row, cell, value));
    }
  }
  for (const auto& entry : now) {
    if (golden.count(entry.first) == 0) lines.push_back(entry.first + ": is new");
  }
  std::string out;
  for (std::size_t i = 0; i < std::min(limit, lines.size()); ++i) out += lines[i] + "\n";
  if (lines.size() > limit) out += fmt::format("... and {} more\n", lines.size() - limit);
  return out;
}

}  // namespace bondsim::test
