#include "models/results/results.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/base/fields.hpp"
#include "models/base/percentile.hpp"
#include "models/results/expert_balance.hpp"
#include "models/results/phases.hpp"
#include "models/results/speed_of_light.hpp"

namespace bondsim {

using Json = nlohmann::ordered_json;

Picoseconds TimeParts::sum() const {
  return compute + vector + column + row + refresh + mode_switch + buffer_wait + host_transfer + dependency + idle;
}

void TimeParts::add_scaled(const TimeParts& o, std::int64_t factor) {
  compute += o.compute * factor;
  vector += o.vector * factor;
  column += o.column * factor;
  row += o.row * factor;
  refresh += o.refresh * factor;
  mode_switch += o.mode_switch * factor;
  buffer_wait += o.buffer_wait * factor;
  host_transfer += o.host_transfer * factor;
  dependency += o.dependency * factor;
  idle += o.idle * factor;
}

std::vector<std::pair<const char*, Picoseconds>> named_parts(const TimeParts& p) {
  return {{"compute", p.compute},         {"vector", p.vector},
          {"column", p.column},           {"row", p.row},
          {"refresh", p.refresh},         {"mode_switch", p.mode_switch},
          {"buffer_wait", p.buffer_wait}, {"host_transfer", p.host_transfer},
          {"dependency", p.dependency},   {"idle", p.idle}};
}

Picoseconds Results::step_percentile(double p) const {
  if (steps.empty()) return Picoseconds();
  std::vector<Picoseconds> all = steps;
  return nearest_rank(all, p);
}

void PowerResult::add(Attojoules block, Picoseconds length, std::int64_t repeat) {
  energy += Attojoules(block.value * repeat);
  // block / length > block_energy / block_length, in whole numbers
  if (length.value > 0 && block.value * std::max<std::int64_t>(block_length.value, 1) > block_energy.value * length.value) {
    block_energy = block;
    block_length = length;
  }
}

namespace {

double joules(const EnergyByComponent& energy) { return to_joules(total_of(energy)); }

Json components_json(const EnergyByComponent& energy) {
  Json out = Json::object();
  for (const auto& entry : enum_names<EnergyComponent>) out[entry.first] = to_joules(energy[static_cast<std::size_t>(entry.second)]);
  return out;
}

/// The same parts twice: as seconds, and as the exact picoseconds that sum to the run's length.
void put_times(Json& out, const TimeParts& parts) {
  for (const auto& part : named_parts(parts)) {
    out["time_s"][part.first] = to_seconds(part.second);
    out["time_ps"][part.first] = part.second.value;
  }
}

Json latency_json(const Results& r) {
  const auto steps = static_cast<double>(r.steps.size());
  Json out;
  out["prefill"] = to_seconds(r.prefill);
  out["decode"] = to_seconds(r.decode());
  out["total"] = to_seconds(r.total);
  // With drafts, prompts pass through the draft's model too, after the first token.
  out["ttft"] = to_seconds(r.speculation && !r.requests.empty() ? r.requests.front().first_token : r.prefill);
  out["tbt_mean"] = r.speculation ? cost_of_token(r).seconds : r.steps.empty() ? 0.0 : to_seconds(r.decode()) / steps;
  out["tbt_p99"] = to_seconds(r.step_percentile(0.99));
  return out;
}

Json operators_json(const Results& r) {
  Json rows = Json::array();
  for (const OperatorResult& op : r.operators) {
    rows.push_back({{"name", op.name},
                    {"phase", op.phase},
                    {"executor", op.executor},
                    {"count", op.count},
                    {"busy_s", to_seconds(op.busy)},
                    {"busy_ps", op.busy.value},
                    {"span_s", to_seconds(op.span)},
                    {"energy_j", joules(op.energy)},
                    {"macs", op.macs},
                    {"npu_macs", op.counts.npu_macs},
                    {"bytes", op.bytes},
                    {"hb_bytes", op.counts.hb_bits() / 8},
                    {"vector_ops", op.counts.vector_ops},
                    {"energy_components_j", components_json(op.energy)}});
    if (op.counts.nmp_vector_ops > 0) rows.back()["nmp_vector_ops"] = op.counts.nmp_vector_ops;
  }
  return rows;
}

/// @param parts of which this is the power of one; the energies are those of all
Json power_json(const PowerResult& p, Picoseconds run, int parts = 1) {
  return {{"average_w", p.average_w(run) / parts},       {"peak_w", p.highest_w() / parts},
          {"peak_window_s", to_seconds(p.block_length)}, {"parts", parts},
          {"energy_of_all_j", to_joules(p.energy)},      {"peak_energy_of_all_j", to_joules(p.block_energy)}};
}

Json energy_json(const Results& r) {
  Json out = {{"total", to_joules(r.energy_total)},
              {"components", components_json(r.energy)},
              {"resting_on_estimates", to_joules(r.energy_estimated)},
              {"typical",
               {{"total", to_joules(r.typical_total)},
                {"components", components_json(r.typical)},
                {"resting_on_estimates", to_joules(r.typical_estimated)}}}};
  for (const RailResult& rail : r.rails) {
    out["rails"][rail.rail] = {{"maximum", to_joules(rail.maximum)}, {"typical", to_joules(rail.typical)}};
  }
  return out;
}

Json activation_json(const ActivationCurrent& a) {
  Json out = {{"policy", a.staggered ? "staggered" : "all_bank"},
              {"activates_in_t_faw", a.in_window},
              {"allowed_in_t_faw", 4},
              {"t_faw_ns", a.window_ns},
              {"staggered_last_bank_ns", a.last_bank_ns}};
  if (a.charge_pc > 0) {
    out["rail"] = a.rail;
    out["charge_pc"] = a.charge_pc;
    out["current_ma"] = a.window_ma(a.in_window);
    out["allowed_current_ma"] = a.window_ma(4);
  }
  return out;
}

Json channels_json(const Results& r) {
  Json rows = Json::array();
  for (const ChannelResult& ch : r.channels) {
    Json row = {{"id", ch.id},
                {"name", ch.name},
                {"kind", ch.kind},
                {"bytes_read", ch.bytes_read},
                {"bytes_written", ch.bytes_written},
                {"hb_bytes_read", ch.hb_bytes_read},
                {"hb_bytes_written", ch.hb_bytes_written}};
    put_times(row, ch.time);
    put_times(row["prefill"], ch.prefill);
    row["energy_j"] = to_joules(ch.power.energy);
    row["power"] = {{"channel", power_json(ch.power, r.total)},
                    {"bank_group", power_json(ch.banks, r.total, std::max(1, r.activation.bank_groups))}};
    if (ch.kind == "nmp") row["power"]["pe"] = power_json(ch.pes, r.total, std::max(1, r.activation.pes));
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Times of operators that are not zero, by phase and name; what belongs to no operator as `(waiting)`.
Json executors_json(const Results& r) {
  Json rows = Json::array();
  for (const ExecutorResult& executor : r.executors) {
    Json busy = Json::object();
    for (std::size_t i = 0; i < executor.busy.size(); ++i) {
      const OperatorResult& op = r.operators[i];
      if (executor.busy[i].value != 0) busy[op.phase][op.executor == "system" ? "(waiting)" : op.name] = executor.busy[i].value;
    }
    rows.push_back({{"id", executor.id}, {"busy_ps", std::move(busy)}});
  }
  return rows;
}

Json requests_json(const Results& r) {
  Json rows = Json::array();
  for (const RequestResult& request : r.requests) {
    rows.push_back({{"request", request.request},
                    {"tokens", request.tokens},
                    {"first_token_s", to_seconds(request.first_token)},
                    {"finish_s", to_seconds(request.finish)}});
  }
  return rows;
}

Json config_json(const Results& r) {
  Json values = Json::array();
  for (const ConfigValue& v : r.config_values) {
    Json row = {{"key", v.key}, {"value", v.value}};
    for (const auto& [name, text] : {std::pair{"unit", &v.unit}, std::pair{"meaning", &v.meaning}, std::pair{"where", &v.where},
                                     std::pair{"source", &v.source}, std::pair{"confidence", &v.confidence}}) {
      if (!text->empty()) row[name] = *text;
    }
    values.push_back(std::move(row));
  }
  return {{"digest", r.config_digest}, {"files", r.config_files}, {"values", std::move(values)}};
}

Json peaks_json(const MachinePeaks& p) {
  Json out = {{"npu_macs_per_s", p.npu_macs_per_s},
              {"nmp_macs_per_s", p.nmp_macs_per_s},
              {"hb_bytes_per_s", p.hb_bytes_per_s},
              {"bus_bytes_per_s", p.bus_bytes_per_s},
              {"vector_ops_per_s", p.vector_ops_per_s}};
  if (p.nmp_vector_ops_per_s > 0) out["nmp_vector_ops_per_s"] = p.nmp_vector_ops_per_s;
  return out;
}

Json speed_of_light_json(const Results& r, const std::string& phase) {
  Json rows = Json::array();
  for (const UnitUse& use : speed_of_light(r, phase)) {
    rows.push_back(
        {{"unit", use.unit}, {"done", use.done}, {"of", use.what}, {"peak_per_s", use.peak_per_s}, {"share_of_peak", use.share}});
  }
  return rows;
}

Json slowest_json(const SlowestChannel& s) {
  return {{"name", s.name},         {"busy_s", to_seconds(s.busy)}, {"busy_ps", s.busy.value},
          {"channels", s.channels}, {"mean_busy_s", s.mean_busy_s}, {"over_mean", s.over_mean()}};
}

Json experts_json(const ExpertBalance& balance) {
  Json out = {{"busiest", balance.experts[balance.busiest].expert},
              {"share_of_macs", balance.share_of_macs},
              {"macs_over_mean", balance.macs_over_mean},
              {"busy_over_mean", balance.busy_over_mean},
              {"loads", Json::array()}};
  for (const ExpertLoad& load : balance.experts) {
    out["loads"].push_back({{"expert", load.expert}, {"macs", load.macs}, {"busy_s", to_seconds(load.busy)}});
  }
  return out;
}

Json phase_json(const Results& r, const std::string& phase) {
  const PhaseFigures p = phase_figures(r, phase);
  Json out = {{"time_s", to_seconds(p.time)},
              {"tokens", p.tokens},
              {"tokens_per_s", p.tokens_per_s()},
              {"energy_j", to_joules(p.energy)},
              {"energy_per_token_j", p.joules_per_token()},
              {"bound", {{"executor", p.executor}, {"busy_share", p.busy_share}, {"part", p.part}, {"part_share", p.part_share}}}};
  out["speed_of_light"] = speed_of_light_json(r, phase);
  out["limiter"] = limiter_sentence(r, phase);
  if (const auto slowest = slowest_channel(r, phase)) out["slowest_channel"] = slowest_json(*slowest);
  if (const auto balance = expert_balance(r, phase)) out["experts"] = experts_json(*balance);
  return out;
}

/// The five operators with the most busy time, most first.
Json busiest_json(const Results& r) {
  Json rows = Json::array();
  for (const OperatorResult* op : busiest_operators(r, 5)) {
    rows.push_back({{"name", op->name},
                    {"phase", op->phase},
                    {"executor", op->executor},
                    {"busy_s", to_seconds(op->busy)},
                    {"share_of_run", static_cast<double>(op->busy.value) / static_cast<double>(std::max<std::int64_t>(1, r.total.value))}});
  }
  return rows;
}

Json speculation_json(const Results& r) {
  const SpeculationResult& s = *r.speculation;
  const TokenCost token = cost_of_token(r);
  Json out = {{"draft", s.draft},
              {"depth", s.depth},
              {"rows", s.rows},
              {"rounds", s.rounds},
              {"verifications", s.verifications},
              {"tokens", s.tokens},
              {"dropped", s.dropped},
              {"drafted", s.drafted},
              {"unverified", s.unverified},
              {"accepted", s.accepted},
              {"copied", s.copied},
              {"scores", s.scores},
              {"masked_scores", s.masked_scores},
              {"mean_tokens", s.mean_tokens()},
              {"expected_tokens", s.expected_tokens},
              {"token_s", token.seconds},
              {"token_energy_j", token.joules}};
  for (const auto& [tokens, count] : s.lengths) out["lengths"].push_back({{"tokens", tokens}, {"verifications", count}});
  for (const DecodePart& part : decode_parts(r)) {
    out["parts"].push_back(
        {{"name", part.name}, {"time_s", to_seconds(part.time)}, {"time_ps", part.time.value}, {"energy_j", to_joules(part.energy)}});
  }
  if (s.plain_decode.value > 0) {
    out["plain"] = {{"decode_s", to_seconds(s.plain_decode)},
                    {"decode_ps", s.plain_decode.value},
                    {"energy_j", to_joules(s.plain_energy)},
                    {"speed_up", speed_up(r)}};
  }
  return out;
}

/// Generated tokens over the whole run, prefill included; the rates of the phases stand beside it.
double tokens_per_second(const Results& r) {
  const double tokens = static_cast<double>(r.generated_tokens) * r.schedule.batch;
  return r.total.value > 0 ? tokens / to_seconds(r.total) : 0.0;
}

}  // namespace

double Results::npu_prefill_utilization() const {
  std::int64_t macs = 0;
  for (const OperatorResult& op : operators) {
    if (op.phase == "prefill") macs += op.counts.npu_macs;
  }
  return prefill.value > 0 ? static_cast<double>(macs) / (npu_peak_macs * to_seconds(prefill)) : 0.0;
}

const char* Results::npu_prefill_bound() const {
  const std::vector<std::pair<Picoseconds, const char*>> parts = {{npu_prefill.compute, "compute"},
                                                                  {npu_prefill.vector, "vector"},
                                                                  {npu_prefill.host_transfer, "channels"},
                                                                  {npu_prefill.dependency, "dependency"}};
  const auto longest = [](const auto& a, const auto& b) { return a.first < b.first; };
  return std::max_element(parts.begin(), parts.end(), longest)->second;
}

std::string results_json(const Results& r) {
  Json out;
  out["schema"] = "bondsim.results/2";
  out["system"] = r.system;
  out["model"] = r.schedule.model;
  out["dataflow"] = r.schedule.dataflow;
  out["workload"] = {{"batch", r.schedule.batch}, {"prompt_tokens", r.prompt_tokens}, {"generated_tokens", r.generated_tokens}};
  out["latency_s"] = latency_json(r);
  out["latency_ps"] = {{"prefill", r.prefill.value}, {"total", r.total.value}};
  for (const Picoseconds step : r.steps) out["step_latency_s"].push_back(to_seconds(step));
  out["energy_j"] = energy_json(r);
  if (r.activation.pes > 0) out["activation"] = activation_json(r.activation);
  out["throughput"] = {{"tokens_per_s", tokens_per_second(r)},
                       {"prefill_tokens_per_s", phase_figures(r, "prefill").tokens_per_s()},
                       {"decode_tokens_per_s", phase_figures(r, "decode").tokens_per_s()}};
  out["phases"] = {{"prefill", phase_json(r, "prefill")}, {"decode", phase_json(r, "decode")}};
  if (r.speculation) out["speculation"] = speculation_json(r);
  out["busiest_operators"] = busiest_json(r);
  out["operators"] = operators_json(r);
  out["channels"] = channels_json(r);
  out["executors"] = executors_json(r);
  out["requests"] = requests_json(r);
  put_times(out["npu"], r.npu);
  out["npu"]["power"] = power_json(r.npu_power, r.total);
  out["npu"]["prefill"] = {{"share_of_peak", r.npu_prefill_utilization()}, {"bound", r.npu_prefill_bound()}};
  put_times(out["npu"]["prefill"], r.npu_prefill);
  out["peaks"] = peaks_json(r.peaks);
  out["config"] = config_json(r);
  out["simulation"] = {
      {"events", r.events}, {"wall_s", r.wall_s}, {"layers", r.schedule.all_layers ? "all" : "one"}, {"model_layers", r.schedule.layers}};
  return out.dump(2) + "\n";
}

std::string operators_csv(const Results& r) {
  std::string out = "name,phase,executor,count,busy_s,span_s,energy_j,macs,bytes\n";
  for (const OperatorResult& op : r.operators) {
    out += fmt::format("{},{},{},{},{:.12f},{:.12f},{:.9e},{},{}\n", op.name, op.phase, op.executor, op.count, to_seconds(op.busy),
                       to_seconds(op.span), joules(op.energy), op.macs, op.bytes);
  }
  return out;
}

std::string channels_csv(const Results& r) {
  std::string out = "id,kind,bytes_read,bytes_written,hb_bytes_read,hb_bytes_written";
  for (const auto& part : named_parts(TimeParts{})) out += fmt::format(",{}_s", part.first);
  out += "\n";
  for (const ChannelResult& ch : r.channels) {
    out += fmt::format("{},{},{},{},{},{}", ch.id, ch.kind, ch.bytes_read, ch.bytes_written, ch.hb_bytes_read, ch.hb_bytes_written);
    for (const auto& part : named_parts(ch.time)) out += fmt::format(",{:.12f}", to_seconds(part.second));
    out += "\n";
  }
  return out;
}

}  // namespace bondsim
