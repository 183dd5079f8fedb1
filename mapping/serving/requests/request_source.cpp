#include "mapping/serving/requests/request_source.hpp"

#include <boost/random/exponential_distribution.hpp>
#include <boost/random/gamma_distribution.hpp>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "mapping/serving/requests/lengths.hpp"

namespace bondsim::serving {
namespace {

/// 2^63 ps less a reserve for the run that follows the last arrival.
constexpr double longest_run_s = 9e6;

Picoseconds picoseconds(double seconds, const std::string& what) {
  if (!(seconds <= longest_run_s)) {
    throw ConfigError(
        fmt::format("{}: a request at {:.0f} s, allowed: to {:.0f} s; window_begin_s moves time 0", what, seconds, longest_run_s));
  }
  return Picoseconds(std::llround(seconds * 1e12));
}

/// Requests whose times do not depend on the run.
class OpenSource : public RequestSource {
 public:
  explicit OpenSource(const RequestsConfig& config) : config_(config) {}

  const Request* peek() override {
    if (!next_ && !complete_) {
      next_ = config_.limit > 0 && made_ == config_.limit ? std::nullopt : make();
      complete_ = !next_;
      if (next_) next_->id = made_++;
    }
    return next_ ? &*next_ : nullptr;
  }
  Request take() override {
    check(peek() != nullptr, "no request to take");
    return *std::exchange(next_, std::nullopt);
  }
  void ended(const Request&, Picoseconds) override {}

 protected:
  virtual std::optional<Request> make() = 0;
  RequestsConfig config_;

 private:
  std::optional<Request> next_;
  std::int64_t made_ = 0;
  bool complete_ = false;
};

class DrawnRequests : public OpenSource {
 public:
  explicit DrawnRequests(const RequestsConfig& config)
      : OpenSource(config), random_(static_cast<std::uint64_t>(config.seed)), lengths_(config) {}

 protected:
  std::optional<Request> make() override {
    Request request;
    seconds_ += gap() / (config_.rate_per_s * config_.rate_scale);
    request.arrival = picoseconds(seconds_, "requests");
    const Lengths::Pair lengths = lengths_.next(random_);
    request.prompt_tokens = lengths.prompt;
    request.output_tokens = lengths.output;
    return request;
  }

 private:
  /// Time to the next request, on average 1.
  double gap() {
    if (config_.arrivals == ArrivalKind::uniform) return 1;
    if (config_.arrivals == ArrivalKind::poisson) return boost::random::exponential_distribution<double>(1)(random_);
    const double shape = 1 / (config_.cv * config_.cv);
    return boost::random::gamma_distribution<double>(shape, 1 / shape)(random_);
  }

  Random random_;
  Lengths lengths_;
  double seconds_ = 0;
};

class TraceRequests : public OpenSource {
 public:
  explicit TraceRequests(const RequestsConfig& config) : OpenSource(config), trace_(open_trace(config.source, config.file)) {}

 protected:
  std::optional<Request> make() override {
    for (;;) {
      std::optional<TraceRow> row = trace_->next();
      if (!row || (config_.window_end_s > 0 && row->seconds >= config_.window_end_s)) return std::nullopt;
      if (row->seconds < config_.window_begin_s) continue;
      Request request;
      request.arrival = picoseconds((row->seconds - config_.window_begin_s) / config_.rate_scale, config_.file);
      request.prompt_tokens = row->prompt_tokens;
      request.output_tokens = row->output_tokens;
      request.prefixes = std::move(row->prefixes);
      return request;
    }
  }

 private:
  std::unique_ptr<TraceReader> trace_;
};

/// Users with one request each at a time. The first requests come together at time 0.
class ClosedLoop : public RequestSource {
 public:
  explicit ClosedLoop(const RequestsConfig& config) : config_(config), random_(static_cast<std::uint64_t>(config.seed)), lengths_(config) {
    for (int user = 0; user < config.users; ++user) ask(Picoseconds());
  }

  const Request* peek() override { return coming_.empty() ? nullptr : &coming_.begin()->second; }
  Request take() override {
    check(!coming_.empty(), "no request to take");
    Request request = std::move(coming_.begin()->second);
    coming_.erase(coming_.begin());
    return request;
  }
  void ended(const Request&, Picoseconds now) override { ask(now + picoseconds(config_.think_s / config_.rate_scale, "think_s")); }

 private:
  void ask(Picoseconds arrival) {
    if (config_.limit > 0 && made_ == config_.limit) return;
    Request request;
    request.id = made_++;
    request.arrival = arrival;
    const Lengths::Pair lengths = lengths_.next(random_);
    request.prompt_tokens = lengths.prompt;
    request.output_tokens = lengths.output;
    coming_.emplace(std::make_pair(arrival.value, request.id), std::move(request));
  }

  RequestsConfig config_;
  Random random_;
  Lengths lengths_;
  std::int64_t made_ = 0;
  std::map<std::pair<std::int64_t, std::int64_t>, Request> coming_;  ///< by arrival and number
};

}  // namespace

std::unique_ptr<RequestSource> make_request_source(const RequestsConfig& config) {
  if (config.source != TraceFormat::made) return std::make_unique<TraceRequests>(config);
  if (config.arrivals == ArrivalKind::closed_loop) return std::make_unique<ClosedLoop>(config);
  return std::make_unique<DrawnRequests>(config);
}

}  // namespace bondsim::serving
