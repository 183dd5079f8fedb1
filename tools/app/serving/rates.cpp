#include "tools/app/serving/rates.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mapping/serving/requests/request_source.hpp"
#include "models/base/io_error.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/processes/pool.hpp"

namespace bondsim::tools {
namespace {

/// Requests a second from the first to the last of a trace.
double mean_rate(const serving::RequestsConfig& config) {
  const auto source = serving::make_request_source(config);
  std::int64_t count = 0, first = 0, last = 0;
  for (; source->peek() != nullptr; ++count) {
    last = source->take().arrival.value;
    if (count == 0) first = last;
  }
  if (last == first) throw ConfigError(fmt::format("{}: the requests come all at once, a rate needs some time between them", config.file));
  return static_cast<double>(count - 1) / (static_cast<double>(last - first) * 1e-12);
}

RatePoint point_of(double rate, std::string text) {
  const auto json = nlohmann::json::parse(text);
  const auto latency = [&](const char* which, const char* value) { return json.at("latency").at(which).at(value).get<double>(); };
  RatePoint p;
  p.rate_per_s = rate;
  p.requests_per_s = json.at("throughput").at("requests_per_s");
  p.output_tokens_per_s = json.at("throughput").at("output_tokens_per_s");
  p.ttft_mean_ms = latency("ttft", "mean_ms");
  p.ttft_p50_ms = latency("ttft", "p50_ms");
  p.ttft_p99_ms = latency("ttft", "p99_ms");
  p.tpot_mean_ms = latency("tpot", "mean_ms");
  p.tpot_p50_ms = latency("tpot", "p50_ms");
  p.tpot_p99_ms = latency("tpot", "p99_ms");
  p.e2e_p99_ms = latency("e2e", "p99_ms");
  if (json.contains("goodput")) {
    p.goodput_per_s = json.at("goodput").at("requests_per_s");
    p.attainment = json.at("goodput").at("attainment");
  }
  p.json = std::move(text);
  return p;
}

}  // namespace

Experiment at_rate(const Experiment& experiment, double rate_per_s) {
  Experiment at = experiment;
  serving::RequestsConfig& requests = at.serving->requests;
  if (requests.source != serving::TraceFormat::made) {
    requests.rate_scale *= rate_per_s / mean_rate(requests);
  } else if (requests.arrivals == serving::ArrivalKind::closed_loop) {
    throw ConfigError("--rate: the requests of a closed loop come when their users ask (serving.requests.users), allowed: other arrivals");
  } else {
    requests.rate_per_s = rate_per_s;
    requests.rate_scale = 1;
  }
  return at;
}

RatePoint run_at_rate(const Experiment& experiment, double rate_per_s, ServingTier tier, const std::string& directory) {
  const Experiment at = at_rate(experiment, rate_per_s);
  return point_of(rate_per_s, run_isolated([&] {
                    ServeOptions options;
                    options.tier = tier;
                    ServingTables tables(directory, at.model.name);
                    tables.attach(options);
                    const ServingRun run = serve(at, options);
                    tables.close();
                    return serving_json(at, run, tier);
                  }));
}

namespace {

/// Of a worker: the serving.json of a rate, or why there is none.
struct RateAnswer {
  std::string json, config_error, infeasible;
};
template <class Visitor>
void members(Visitor& v, RateAnswer& a) {
  v("json", a.json);
  v("config_error", a.config_error);
  v("infeasible", a.infeasible);
}
const char* message_schema(const RateAnswer&) { return "bondsim.rate_answer/1"; }

/// @param task number of the rate, a blank, the directory for all rates
std::string answer_at_rate(const Experiment& experiment, const std::vector<double>& rates, ServingTier tier, const std::string& task) {
  const std::size_t blank = task.find(' ');
  const double rate = rates.at(std::stoul(task.substr(0, blank)));
  std::string directory = task.substr(blank + 1);
  if (!directory.empty()) {
    directory += fmt::format("/rate-{:g}", rate);
    std::filesystem::create_directories(directory);
  }
  RateAnswer answer;
  try {
    answer.json = run_at_rate(experiment, rate, tier, directory).json;
  } catch (const ConfigError& e) {
    answer.config_error = e.what();
  } catch (const InfeasibleError& e) {
    answer.infeasible = e.what();
  }
  return encode(answer);
}

RatePoint point_of_answer(double rate_per_s, const std::string& text) {
  auto answer = decode<RateAnswer>(text);
  if (!answer.config_error.empty()) throw ConfigError(answer.config_error);
  if (!answer.infeasible.empty()) throw InfeasibleError(answer.infeasible);
  return point_of(rate_per_s, std::move(answer.json));
}

}  // namespace

std::optional<std::vector<RatePoint>> run_at_rates(const Experiment& experiment, const std::vector<double>& rates, ServingTier tier,
                                                   int jobs, const std::function<std::string()>& begin,
                                                   const std::function<void(const RatePoint&)>& progress) {
  for (const double rate : rates) at_rate(experiment, rate);  // a closed loop is refused before anything runs
  std::optional<std::vector<RatePoint>> points;
  const auto work = [&](const std::string& task) { return answer_at_rate(experiment, rates, tier, task); };
  lead_or_serve(jobs, work, [&](TaskPool& pool) {
    const std::string directory = begin();
    std::vector<std::string> tasks;
    for (std::size_t i = 0; i < rates.size(); ++i) tasks.push_back(fmt::format("{} {}", i, directory));
    std::vector<RatePoint> found(rates.size());
    std::string given_up;
    TaskPool::Callbacks callbacks;
    callbacks.answered = [&](std::size_t i, const std::string& text) {
      found[i] = point_of_answer(rates[i], text);
      if (progress) progress(found[i]);
    };
    callbacks.gave_up = [&](std::size_t, const std::string& report) { given_up = report; };
    callbacks.stop = [&] { return !given_up.empty(); };
    pool.run(tasks, callbacks);
    if (!given_up.empty()) throw InternalError(given_up);
    points = std::move(found);
    return 0;
  });
  return points;
}

std::string curve_csv(const std::vector<RatePoint>& points) {
  std::string out =
      "rate_per_s,requests_per_s,output_tokens_per_s,ttft_mean_ms,ttft_p50_ms,ttft_p99_ms,tpot_mean_ms,tpot_p50_ms,tpot_p99_ms,e2e_p99_ms,"
      "goodput_per_s,attainment\n";
  for (const RatePoint& p : points) {
    out += fmt::format("{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g}\n", p.rate_per_s,
                       p.requests_per_s, p.output_tokens_per_s, p.ttft_mean_ms, p.ttft_p50_ms, p.ttft_p99_ms, p.tpot_mean_ms, p.tpot_p50_ms,
                       p.tpot_p99_ms, p.e2e_p99_ms, p.goodput_per_s, p.attainment);
  }
  return out;
}

std::string curve_text(const std::vector<RatePoint>& points) {
  std::string out = fmt::format("{:>9}{:>11}{:>12}{:>12}{:>12}{:>12}{:>12}{:>11}\n", "asked/s", "served/s", "tokens/s", "TTFT p50",
                                "TTFT p99", "TPOT p50", "TPOT p99", "keep SLO");
  for (const RatePoint& p : points) {
    out += fmt::format("{:>9.3f}{:>11.3f}{:>12.1f}{:>9.1f} ms{:>9.1f} ms{:>9.2f} ms{:>9.2f} ms{:>9.1f} %\n", p.rate_per_s, p.requests_per_s,
                       p.output_tokens_per_s, p.ttft_p50_ms, p.ttft_p99_ms, p.tpot_p50_ms, p.tpot_p99_ms, 100 * p.attainment);
  }
  return out;
}

FoundRate find_rate(const Experiment& experiment, double attainment, double first_per_s, ServingTier tier,
                    const std::function<void(const RatePoint&)>& progress) {
  FoundRate found;
  const auto keeps = [&](double rate) {
    found.points.push_back(run_at_rate(experiment, rate, tier, ""));
    if (progress) progress(found.points.back());
    return found.points.back().attainment >= attainment;
  };
  double low = first_per_s, high = first_per_s;
  if (keeps(first_per_s)) {
    do {
      low = high;
      high *= 2;
      found.at_least = high > 1024 * first_per_s;
    } while (!found.at_least && keeps(high));
    if (found.at_least) high = low;
  } else {
    for (low /= 2; !keeps(low); low /= 2) {
      high = low;
      if (low < first_per_s / 1024) return found;
    }
  }
  while (high - low > 0.02 * low) {
    const double middle = (low + high) / 2;
    (keeps(middle) ? low : high) = middle;
  }
  found.rate_per_s = low;
  return found;
}

ServingTables::ServingTables(const std::string& directory, const std::string& model, bool form_times) : model_(model) {
  if (directory.empty()) return;
  requests_.open(directory + "/requests.csv");
  iterations_.open(directory + "/iterations.csv");
  requests_ << requests_csv_header();
  iterations_ << iterations_csv_header(form_times);
}

void ServingTables::attach(ServeOptions& options) {
  if (!requests_.is_open()) return;
  options.requests = [this](const serving::RequestRow& row) { requests_ << requests_csv_row(row, model_); };
  options.iterations = &iterations_;
}

void ServingTables::close() {
  if (!requests_.is_open()) return;
  errno = 0;
  requests_.close();
  iterations_.close();
  if (!requests_ || !iterations_) throw_unwritable("requests.csv, iterations.csv");
}

}  // namespace bondsim::tools
