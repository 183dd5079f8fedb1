#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/base/csv_table.hpp"
#include "models/results/phases.hpp"
#include "tools/app/serving/serve.hpp"

namespace bondsim::tools {
namespace {

using Json = nlohmann::ordered_json;
using serving::Distribution;
using serving::ServingTotals;
using serving::TimeSeries;

std::int64_t ns(Picoseconds t) { return (t.value + 500) / 1000; }

struct Latency {
  const char* key;
  const char* name;
  const Distribution* values;
};

std::vector<Latency> latencies_of(const ServingTotals& t) {
  return {{"ttft", "first token (TTFT)", &t.ttft},
          {"tpot", "later tokens (TPOT)", &t.tpot},
          {"itl", "between tokens (ITL)", &t.itl},
          {"e2e", "whole request", &t.latency},
          {"queueing", "waiting for its start", &t.queueing}};
}

constexpr std::pair<const char*, double> percentiles[] = {{"p50", 0.5}, {"p75", 0.75}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}};

Json distribution_json(const Distribution& d) {
  Json out = {{"count", d.count()},
              {"mean_ms", d.mean() * 1e-9},
              {"std_ms", d.deviation() * 1e-9},
              {"min_ms", static_cast<double>(d.least()) * 1e-9}};
  for (const auto& [name, p] : percentiles) out[std::string(name) + "_ms"] = d.percentile(p) * 1e-9;
  out["max_ms"] = static_cast<double>(d.greatest()) * 1e-9;
  return out;
}

Json series_json(const TimeSeries& series) {
  return {{"interval_s", static_cast<double>(series.width()) * 1e-12}, {"mean", series.means()}};
}

double per_second(std::int64_t count, const ServingTotals& t) {
  return t.end.value > 0 ? static_cast<double>(count) / to_seconds(t.end) : 0;
}

/// Mean over the whole run.
double mean_of(const TimeSeries& series, const ServingTotals& t) {
  return t.end.value > 0 ? static_cast<double>(series.area()) / static_cast<double>(t.end.value) : 0;
}

Json energy_json(const ServingRun& run) {
  const ServingTotals& t = run.totals;
  const double requests = static_cast<double>(std::max<std::int64_t>(1, t.complete + t.truncated));
  const double tokens = static_cast<double>(std::max<std::int64_t>(1, t.output_tokens));
  return {{"total_j", to_joules(t.energy + t.idle_energy)},
          {"of_requests_j", to_joules(t.energy)},
          {"idle_j", to_joules(t.idle_energy)},
          {"per_request_j", to_joules(t.energy) / requests},
          {"per_output_token_j", to_joules(t.energy) / tokens}};
}

Json time_json(const Results& results) {
  Json out;
  for (const char* phase : {"prefill", "decode"}) {
    const PhaseFigures figures = phase_figures(results, phase);
    Json part = {{"time_s", to_seconds(figures.time)}, {"bound_by", figures.bound()}};
    const bool prefill = std::string(phase) == "prefill";
    Json npu, channels;
    for (const auto& [name, value] : named_parts(prefill ? results.npu_prefill : results.npu)) npu[name] = to_seconds(value);
    if (!prefill) {
      for (const auto& [name, value] : named_parts(results.npu_prefill)) npu[name] = npu[name].get<double>() - to_seconds(value);
    }
    for (const ChannelResult& channel : results.channels) {
      TimeParts parts = prefill ? channel.prefill : channel.time;
      if (!prefill) parts.add_scaled(channel.prefill, -1);
      Json row;
      for (const auto& [name, value] : named_parts(parts)) row[name] = to_seconds(value);
      channels[channel.name] = std::move(row);
    }
    part["npu_s"] = std::move(npu);
    part["channels_s"] = std::move(channels);
    out[phase] = std::move(part);
  }
  return out;
}

Json confirmation_json(const Confirmation& c) {
  Json strata = Json::array(), metrics = Json::array();
  for (const Stratum& s : c.strata) {
    strata.push_back({{"iterations_of", s.name},
                      {"iterations", s.iterations},
                      {"simulated", s.sample.size()},
                      {"form_s", s.form_s},
                      {"cycle_s", s.cycle_s},
                      {"error", 1 / s.ratio() - 1}});
  }
  for (const ConfirmedMetric& m : c.metrics) {
    metrics.push_back({{"name", m.name}, {"form_ms", m.form_ms}, {"corrected_ms", m.corrected_ms}, {"error", m.error()}});
  }
  return {{"strata", strata}, {"metrics", metrics}};
}

std::string confirmation_text(const Confirmation& c) {
  std::string out = "  iterations confirmed by cycles, and the error of the closed form\n";
  for (const Stratum& s : c.strata) {
    if (s.sample.empty()) continue;
    out += fmt::format("    {:<28}{:>8} iterations, {:>2} simulated, error {:+.2f} %\n", s.name, s.iterations, s.sample.size(),
                       100 * (1 / s.ratio() - 1));
  }
  out += "  estimated error of the figures above:";
  for (const ConfirmedMetric& m : c.metrics) {
    out += fmt::format("{} {} {:+.2f} %", &m == &c.metrics.front() ? "" : ",", m.name, 100 * m.error());
  }
  return out + "\n";
}

}  // namespace

std::string requests_csv_header() {
  return "instance id,request id,model,input,output,arrival,end_time,latency,queuing_delay,TTFT,TPOT,ITL,ending,asked_output,reused_input,"
         "preemptions,energy_j\n";
}

std::string requests_csv_row(const serving::RequestRow& row, const std::string& model) {
  std::string gaps;
  for (const Picoseconds gap : row.gaps) gaps += fmt::format("{}{}", gaps.empty() ? "" : ", ", ns(gap));
  const bool came = row.output_tokens > 0;
  return fmt::format("0,{},{},{},{},{},{},{},{},{},{},\"[{}]\",{},{},{},{},{:.9g}\n", row.id, csv_cell(model), row.prompt_tokens,
                     row.output_tokens, ns(row.arrival), ns(row.end), ns(row.end) - ns(row.arrival),
                     came ? ns(row.scheduled) - ns(row.arrival) : 0, came ? ns(row.first_token) - ns(row.arrival) : 0,
                     std::llround(row.tpot_ps() / 1000), gaps, serving::name_of(row.ending), row.asked_tokens, row.reused_tokens,
                     row.preemptions, to_joules(row.energy));
}

std::string iterations_csv_header(bool form_times) {
  return std::string("iteration,start_ns,end_ns,prompts,prompt_tokens,decodes,running,waiting,kv_tokens,kv_pages") +
         (form_times ? ",form_ns\n" : "\n");
}

std::string serving_json(const Experiment& e, const ServingRun& run, ServingTier tier) {
  const ServingTotals& t = run.totals;
  const serving::ServingConfig& config = *e.serving;
  Json out = {{"schema", "bondsim.served/1"}, {"partial", run.partial},        {"tier", name_of(tier)},
              {"system", e.system.name},      {"model", e.model.name},         {"dataflow", e.dataflow.name},
              {"serving", config.name},       {"policy", config.batch.policy}, {"config_digest", e.digest},
              {"time_s", to_seconds(t.end)},  {"busy_s", to_seconds(t.busy)},  {"iterations", t.iterations}};
  out["requests"] = {{"arrived", t.arrived},       {"complete", t.complete},       {"truncated", t.truncated}, {"rejected", t.rejected},
                     {"unfinished", t.unfinished}, {"preemptions", t.preemptions}, {"swaps", t.swaps}};
  out["tokens"] = {
      {"prompt", t.prompt_tokens}, {"prompt_computed", t.computed_tokens}, {"prompt_reused", t.reused_tokens}, {"output", t.output_tokens}};
  out["throughput"] = {{"requests_per_s", per_second(t.complete + t.truncated, t)},
                       {"output_tokens_per_s", per_second(t.output_tokens, t)},
                       {"prompt_tokens_per_s", per_second(t.prompt_tokens, t)}};
  if (config.speculation) {
    out["speculation"] = {{"depth", config.speculation->depth}, {"verifications", t.verifications}, {"tokens", t.verified_tokens}};
  }
  if (config.slo) {
    out["slo"] = {{"ttft_ms", config.slo->ttft_ms}, {"tpot_ms", config.slo->tpot_ms}};
    out["goodput"] = {{"requests_per_s", per_second(t.good, t)},
                      {"attainment", static_cast<double>(t.good) / static_cast<double>(std::max<std::int64_t>(1, t.arrived))}};
  }
  for (const Latency& latency : latencies_of(t)) out["latency"][latency.key] = distribution_json(*latency.values);
  out["load"] = {{"mean_running", mean_of(t.running, t)}, {"mean_waiting", mean_of(t.waiting, t)}};
  out["kv"] = {{"page_tokens", config.kv.page_tokens},
               {"pages", config.pages()},
               {"most_pages", t.most_pages},
               {"mean_pages", mean_of(t.kv_pages, t)},
               {"mean_tokens", mean_of(t.kv_tokens, t)}};
  out["over_time"] = {{"running", series_json(t.running)},
                      {"waiting", series_json(t.waiting)},
                      {"kv_tokens", series_json(t.kv_tokens)},
                      {"kv_pages", series_json(t.kv_pages)},
                      {"batch_tokens", series_json(t.batch_tokens)}};
  if (run.has_energy) out["energy"] = energy_json(run);
  if (run.results) out["time"] = time_json(*run.results);
  if (run.reuse) {
    out["reuse"] = {{"simulated", run.reuse->simulated},
                    {"reused", run.reuse->reused},
                    {"checked", run.reuse->checked},
                    {"mean_error", run.reuse->mean_error()},
                    {"worst_error", run.reuse->worst_error}};
  }
  if (run.confirmation) out["confirmation"] = confirmation_json(*run.confirmation);
  return out.dump(1) + "\n";
}

std::string serving_summary(const Experiment& e, const ServingRun& run, ServingTier tier) {
  const ServingTotals& t = run.totals;
  const serving::ServingConfig& config = *e.serving;
  std::string out;
  if (run.partial)
    out += fmt::format("PARTIAL: stopped with {} requests in the system; the figures are of those that left\n", t.unfinished);
  out += fmt::format("{} on {}, dataflow {}; {}, policy {}, {} of at most {} requests at a time\n", e.model.name, e.system.name,
                     e.dataflow.name, config.name, config.batch.policy, tier == ServingTier::cycle ? "cycles" : "closed form",
                     config.batch.max_batch);
  out += fmt::format("  {} requests in {}: {} complete", t.arrived, time_text(to_seconds(t.end)), t.complete);
  if (t.truncated > 0) out += fmt::format(", {} truncated at {} tokens", t.truncated, config.longest_context());
  if (t.rejected > 0) out += fmt::format(", {} rejected (prompt above {} tokens)", t.rejected, config.longest_context());
  if (t.preemptions > 0) out += fmt::format("; {} times one made room", t.preemptions);
  if (t.swaps > 0) out += fmt::format(" ({} by moving to the normal channels)", t.swaps);
  out += fmt::format("\n  {:.3f} requests/s, {:.1f} output tokens/s, {:.1f} prompt tokens/s; busy {:.1f} % of the time, {} iterations\n",
                     per_second(t.complete + t.truncated, t), per_second(t.output_tokens, t), per_second(t.prompt_tokens, t),
                     100 * to_seconds(t.busy) / std::max(1e-30, to_seconds(t.end)), t.iterations);
  if (t.verifications > 0) {
    out += fmt::format("  drafts of {}: {} verifications, {:.3f} tokens each\n", config.speculation->depth, t.verifications,
                       static_cast<double>(t.verified_tokens) / static_cast<double>(t.verifications));
  }
  out += fmt::format("  {:<24}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}   ms\n", "", "mean", "p50", "p75", "p90", "p95", "p99", "max");
  for (const Latency& latency : latencies_of(t)) {
    const Distribution& d = *latency.values;
    out += fmt::format("  {:<24}{:>11.3f}", latency.name, d.mean() * 1e-9);
    for (const auto& entry : percentiles) out += fmt::format("{:>11.3f}", d.percentile(entry.second) * 1e-9);
    out += fmt::format("{:>11.3f}\n", static_cast<double>(d.greatest()) * 1e-9);
  }
  if (config.slo) {
    out += fmt::format("  goodput {:.3f} requests/s: {:.1f} % of the requests keep TTFT {:g} ms and TPOT {:g} ms\n", per_second(t.good, t),
                       100.0 * static_cast<double>(t.good) / static_cast<double>(std::max<std::int64_t>(1, t.arrived)), config.slo->ttft_ms,
                       config.slo->tpot_ms);
  }
  const auto pages = static_cast<double>(config.pages());
  out += fmt::format("  running {:.2f}, waiting {:.2f} on average; KV pages {:.1f} % on average, {:.1f} % at most", mean_of(t.running, t),
                     mean_of(t.waiting, t), 100 * mean_of(t.kv_pages, t) / pages, 100 * static_cast<double>(t.most_pages) / pages);
  if (t.reused_tokens > 0) {
    out += fmt::format("; {:.1f} % of prompt tokens reused",
                       100.0 * static_cast<double>(t.reused_tokens) / static_cast<double>(t.prompt_tokens));
  }
  out += "\n";
  if (run.has_energy) {
    const Json energy = energy_json(run);
    out += fmt::format("  energy {:.4f} J, {:.4f} J of it idle; {:.4f} J a request, {:.3f} mJ an output token\n",
                       energy["total_j"].get<double>(), energy["idle_j"].get<double>(), energy["per_request_j"].get<double>(),
                       1e3 * energy["per_output_token_j"].get<double>());
  }
  if (run.results) {
    for (const char* phase : {"prefill", "decode"}) {
      const PhaseFigures figures = phase_figures(*run.results, phase);
      out += fmt::format("  {:<8} {:>12}: {}\n", phase, time_text(to_seconds(figures.time)), figures.bound());
    }
  }
  if (run.reuse) {
    out += fmt::format("  {} iterations simulated, {} reused by pages: error {:+.3f} % on average, {:.3f} % at most ({} checked)\n",
                       run.reuse->simulated, run.reuse->reused, 100 * run.reuse->mean_error(), 100 * run.reuse->worst_error,
                       run.reuse->checked);
  }
  if (run.confirmation) out += confirmation_text(*run.confirmation);
  if (tier == ServingTier::cycle) return out + fmt::format("configuration {}, simulated in {:.2f} s\n", e.digest, run.wall_s);
  return out + fmt::format("configuration {}, iterations by the closed form `detailed` ({} evaluations) in {:.2f} s; {}\n", e.digest,
                           run.evaluations, run.wall_s, run.confirmation ? "a sample is simulated" : "nothing is simulated");
}

}  // namespace bondsim::tools
