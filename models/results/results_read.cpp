#include "models/results/results_read.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "models/base/error.hpp"
#include "models/base/fields.hpp"
#include "models/base/input_file.hpp"
#include "models/base/json_text.hpp"

namespace bondsim {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* schema = "bondsim.results/2";

/// What is read, and its name.
struct Source {
  const std::string& text;
  const std::string& file;
};

/// One object of the file with its path, for errors.
class Node {
 public:
  Node(const Json& json, const Source& source, std::string path) : json_(json), source_(source), path_(std::move(path)) {}

  Node operator[](const std::string& key) const {
    const std::string path = path_.empty() ? key : path_ + "." + key;
    if (!json_.is_object() || !json_.contains(key)) fail(path, "missing");
    return Node(json_.at(key), source_, path);
  }
  bool has(const char* key) const { return json_.is_object() && json_.contains(key); }

  template <class T>
  T as() const {
    try {
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        // The library would convert any number, one that does not fit to anything.
        if (json_.is_number() && (!json_.is_number_integer() || json_.get<std::int64_t>() < std::numeric_limits<T>::min() ||
                                  json_.get<std::int64_t>() > std::numeric_limits<T>::max())) {
          fail(path_, fmt::format("{} found, a whole number of {} bits is expected", json_.dump(), 8 * sizeof(T)));
        }
      }
      return json_.get<T>();
    } catch (const Json::exception&) {
      fail(path_, json_.dump() + " found, a value of another type is expected");
    }
  }
  double number() const { return as<double>(); }
  std::string text() const { return as<std::string>(); }
  /// A member that is left out when it is empty.
  std::string text_or_empty(const char* key) const { return has(key) ? (*this)[key].text() : std::string(); }

  std::vector<Node> items() const {
    if (!json_.is_array()) fail(path_, fmt::format("{} found, allowed: a list", json_.type_name()));
    std::vector<Node> out;
    for (std::size_t i = 0; i < json_.size(); ++i) out.emplace_back(json_[i], source_, fmt::format("{}[{}]", path_, i));
    return out;
  }
  std::vector<std::pair<std::string, Node>> members() const {
    if (!json_.is_object()) fail(path_, fmt::format("{} found, allowed: an object", json_.type_name()));
    std::vector<std::pair<std::string, Node>> out;
    for (const auto& [key, value] : json_.items()) out.emplace_back(key, Node(value, source_, path_ + "." + key));
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& path, const std::string& message) const {
    throw ConfigError(fmt::format("{}:{}: {}: {}", source_.file, line_of_path(source_.text, path), path, message));
  }

  const Json& json_;
  Source source_;
  std::string path_;
};

Picoseconds picoseconds(const Node& n) { return Picoseconds(n.as<std::int64_t>()); }
Picoseconds from_seconds(const Node& n) { return Picoseconds(std::llround(n.number() * 1e12)); }

/// Attojoules that are written as this number. A quotient of doubles may be off by a unit in the last place: its neighbours are tried.
Attojoules from_joules(const Node& n) {
  const double joules = n.number();
  double guess = std::round(joules * 1e18);
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (const double near : {guess, std::nextafter(guess, -inf), std::nextafter(guess, inf)}) {
    const Attojoules energy{static_cast<WideInt>(near)};
    if (to_joules(energy) == joules) return energy;
  }
  return Attojoules{static_cast<WideInt>(guess)};
}

EnergyByComponent components(const Node& n) {
  EnergyByComponent out{};
  for (const auto& [name, component] : enum_names<EnergyComponent>) out[static_cast<std::size_t>(component)] = from_joules(n[name]);
  return out;
}

TimeParts time_parts(const Node& n) {
  TimeParts out;
  for (const auto& [name, part] :
       std::initializer_list<std::pair<const char*, Picoseconds TimeParts::*>>{{"compute", &TimeParts::compute},
                                                                               {"vector", &TimeParts::vector},
                                                                               {"column", &TimeParts::column},
                                                                               {"row", &TimeParts::row},
                                                                               {"refresh", &TimeParts::refresh},
                                                                               {"mode_switch", &TimeParts::mode_switch},
                                                                               {"buffer_wait", &TimeParts::buffer_wait},
                                                                               {"host_transfer", &TimeParts::host_transfer},
                                                                               {"dependency", &TimeParts::dependency},
                                                                               {"idle", &TimeParts::idle}}) {
    out.*part = picoseconds(n["time_ps"][name]);
  }
  return out;
}

PowerResult power(const Node& n) {
  PowerResult out;
  out.energy = from_joules(n["energy_of_all_j"]);
  out.block_energy = from_joules(n["peak_energy_of_all_j"]);
  out.block_length = from_seconds(n["peak_window_s"]);
  return out;
}

OperatorResult operator_result(const Node& n) {
  OperatorResult out;
  out.name = n["name"].text();
  out.phase = n["phase"].text();
  out.executor = n["executor"].text();
  out.count = n["count"].as<std::int64_t>();
  out.busy = picoseconds(n["busy_ps"]);
  out.span = from_seconds(n["span_s"]);
  out.counts.npu_macs = n["npu_macs"].as<std::int64_t>();
  if (n.has("vector_ops")) out.counts.vector_ops = n["vector_ops"].as<std::int64_t>();
  if (n.has("nmp_vector_ops")) out.counts.nmp_vector_ops = n["nmp_vector_ops"].as<std::int64_t>();
  out.counts.hb_read_bits = n["hb_bytes"].as<std::int64_t>() * 8;
  out.energy = components(n["energy_components_j"]);
  out.macs = n["macs"].as<std::int64_t>();
  out.bytes = n["bytes"].as<std::int64_t>();
  return out;
}

ChannelResult channel_result(const Node& n) {
  ChannelResult out;
  out.id = n["id"].as<int>();
  out.name = n["name"].text();
  out.kind = n["kind"].text();
  out.bytes_read = n["bytes_read"].as<std::int64_t>();
  out.bytes_written = n["bytes_written"].as<std::int64_t>();
  out.hb_bytes_read = n["hb_bytes_read"].as<std::int64_t>();
  out.hb_bytes_written = n["hb_bytes_written"].as<std::int64_t>();
  out.time = time_parts(n);
  out.prefill = time_parts(n["prefill"]);
  out.power = power(n["power"]["channel"]);
  out.banks = power(n["power"]["bank_group"]);
  if (out.kind == "nmp") out.pes = power(n["power"]["pe"]);
  return out;
}

/// Busy times by row of `operators`; rows that are left out are zero.
ExecutorResult executor_result(const Node& n, const std::vector<OperatorResult>& operators) {
  ExecutorResult out;
  out.id = n["id"].text();
  for (const OperatorResult& op : operators) {
    const std::string name = op.executor == "system" ? "(waiting)" : op.name;
    const Node busy = n["busy_ps"];
    const bool there = busy.has(op.phase.c_str()) && busy[op.phase].has(name.c_str());
    out.busy.push_back(there ? picoseconds(busy[op.phase][name]) : Picoseconds());
  }
  return out;
}

ConfigValue config_value(const Node& n) {
  return {n["key"].text(),          n["value"].text(),         n.text_or_empty("unit"),      n.text_or_empty("meaning"),
          n.text_or_empty("where"), n.text_or_empty("source"), n.text_or_empty("confidence")};
}

/// Bank groups and PEs are counted where power is divided by them.
ActivationCurrent activation(const Node& n, const Node& channels) {
  ActivationCurrent out;
  out.staggered = n["policy"].text() == "staggered";
  out.in_window = n["activates_in_t_faw"].as<int>();
  out.window_ns = n["t_faw_ns"].number();
  out.last_bank_ns = n["staggered_last_bank_ns"].number();
  out.rail = n.text_or_empty("rail");
  if (n.has("charge_pc")) out.charge_pc = n["charge_pc"].number();
  for (const Node& channel : channels.items()) {
    if (channel["kind"].text() != "nmp") continue;
    out.pes = channel["power"]["pe"]["parts"].as<int>();
    out.bank_groups = channel["power"]["bank_group"]["parts"].as<int>();
  }
  return out;
}

void read_run(const Node& n, Results& r) {
  r.prefill = picoseconds(n["latency_ps"]["prefill"]);
  r.total = picoseconds(n["latency_ps"]["total"]);
  if (n.has("step_latency_s")) {
    for (const Node& step : n["step_latency_s"].items()) r.steps.push_back(from_seconds(step));
  }
  r.system = n["system"].text();
  r.schedule.model = n["model"].text();
  r.schedule.dataflow = n["dataflow"].text();
  r.schedule.batch = n["workload"]["batch"].as<std::int32_t>();
  r.prompt_tokens = n["workload"]["prompt_tokens"].as<std::int32_t>();
  r.generated_tokens = n["workload"]["generated_tokens"].as<std::int32_t>();
  r.schedule.all_layers = n["simulation"]["layers"].text() == "all";
  r.schedule.layers = n["simulation"]["model_layers"].as<std::int32_t>();
  r.events = n["simulation"]["events"].as<std::int64_t>();
  r.wall_s = n["simulation"]["wall_s"].number();
}

void read_energy(const Node& n, Results& r) {
  r.energy_total = from_joules(n["total"]);
  r.energy = components(n["components"]);
  r.energy_estimated = from_joules(n["resting_on_estimates"]);
  r.typical_total = from_joules(n["typical"]["total"]);
  r.typical = components(n["typical"]["components"]);
  r.typical_estimated = from_joules(n["typical"]["resting_on_estimates"]);
  if (!n.has("rails")) return;
  for (const auto& [rail, value] : n["rails"].members()) {
    r.rails.push_back({rail, from_joules(value["maximum"]), from_joules(value["typical"])});
  }
}

void read_machine(const Node& n, Results& r) {
  for (const Node& channel : n["channels"].items()) {
    r.schedule.channels.push_back(channel["name"].text());
    r.channels.push_back(channel_result(channel));
  }
  for (const Node& executor : n["executors"].items()) r.executors.push_back(executor_result(executor, r.operators));
  r.npu = time_parts(n["npu"]);
  r.npu_prefill = time_parts(n["npu"]["prefill"]);
  r.npu_power = power(n["npu"]["power"]);
  if (n.has("activation")) r.activation = activation(n["activation"], n["channels"]);
  const Node peaks = n["peaks"];
  r.peaks = {peaks["npu_macs_per_s"].number(),
             peaks["nmp_macs_per_s"].number(),
             peaks["hb_bytes_per_s"].number(),
             peaks["bus_bytes_per_s"].number(),
             peaks.has("vector_ops_per_s") ? peaks["vector_ops_per_s"].number() : 0,
             peaks.has("nmp_vector_ops_per_s") ? peaks["nmp_vector_ops_per_s"].number() : 0};
  r.npu_peak_macs = r.peaks.npu_macs_per_s;
}

SpeculationResult speculation(const Node& n) {
  SpeculationResult s;
  s.draft = n["draft"].text();
  s.depth = n["depth"].as<std::int32_t>();
  for (const auto& [key, value] : std::vector<std::pair<const char*, std::int64_t*>>{{"rows", &s.rows},
                                                                                     {"rounds", &s.rounds},
                                                                                     {"verifications", &s.verifications},
                                                                                     {"tokens", &s.tokens},
                                                                                     {"dropped", &s.dropped},
                                                                                     {"drafted", &s.drafted},
                                                                                     {"unverified", &s.unverified},
                                                                                     {"accepted", &s.accepted},
                                                                                     {"copied", &s.copied},
                                                                                     {"scores", &s.scores},
                                                                                     {"masked_scores", &s.masked_scores}}) {
    *value = n[key].as<std::int64_t>();
  }
  s.expected_tokens = n["expected_tokens"].number();
  for (const Node& length : n["lengths"].items()) {
    s.lengths.emplace_back(length["tokens"].as<std::int64_t>(), length["verifications"].as<std::int64_t>());
  }
  if (!n.has("plain")) return s;
  s.plain_decode = Picoseconds(n["plain"]["decode_ps"].as<std::int64_t>());
  s.plain_energy = from_joules(n["plain"]["energy_j"]);
  return s;
}

}  // namespace

Results results_from_json(const std::string& text, const std::string& file) {
  const Json json = parse_json<Json>(text, file);
  const Node n(json, {text, file}, "");
  const std::string found =
      json.is_object() && json.contains("schema") && json["schema"].is_string() ? json["schema"].get<std::string>() : "";
  if (found != schema)
    throw ConfigError(fmt::format("{}:{}: schema: '{}' found, allowed: {}", file, line_of_path(text, "schema"), found, schema));
  Results r;
  read_run(n, r);
  read_energy(n["energy_j"], r);
  for (const Node& op : n["operators"].items()) r.operators.push_back(operator_result(op));
  read_machine(n, r);
  for (const Node& request : n["requests"].items()) {
    r.requests.push_back({request["request"].as<std::int32_t>(), request["tokens"].as<std::int64_t>(),
                          from_seconds(request["first_token_s"]), from_seconds(request["finish_s"])});
  }
  if (n.has("speculation")) r.speculation = speculation(n["speculation"]);
  r.config_digest = n["config"]["digest"].text();
  r.config_files = n["config"]["files"].as<std::vector<std::string>>();
  for (const Node& value : n["config"]["values"].items()) r.config_values.push_back(config_value(value));
  return r;
}

Results read_results(const std::string& file) { return results_from_json(read_input_file(file, "a JSON file", max_table_bytes), file); }

}  // namespace bondsim
