#include "tools/app/serving/request_trace.hpp"

#include <fmt/format.h>

#include "mapping/serving/record.hpp"

namespace bondsim::tools {
namespace {

constexpr int iterations_process = 1, requests_process = 2;
constexpr Track iterations_track{iterations_process, 1};

/// Lanes of viewers count from 1.
Track track_of(std::int64_t request) { return {requests_process, static_cast<int>(request) + 1}; }

}  // namespace

RequestTrace::RequestTrace(const std::string& path) : events_(path, false, "{\"of\":\"requests that bondsim served\"}") {
  events_.name_process(iterations_process, "iterations");
  events_.name_thread(iterations_track, "iterations");
  events_.name_process(requests_process, "requests");
}

void RequestTrace::arrived(const serving::Request& request, Picoseconds) {
  waiting_since_[request.id] = request.arrival;
  events_.name_thread(track_of(request.id),
                      fmt::format("request {}: {} + {} tokens", request.id, request.prompt_tokens, request.output_tokens));
}

void RequestTrace::preempted(const serving::Sequence& sequence, Picoseconds now) {
  waiting_since_.try_emplace(sequence.request.id, now);  // one that has not run since it began to wait waits on
  events_.instant(track_of(sequence.request.id), now, "makes room", fmt::format("\"known_tokens\":{}", sequence.known()));
}

void RequestTrace::left(const serving::Sequence& sequence, serving::Ending ending, Picoseconds now) {
  // Told before the iteration's own end: the slice that ends here is written then.
  events_.instant(track_of(sequence.request.id), now, serving::name_of(ending), fmt::format("\"output_tokens\":{}", sequence.produced));
  waiting_since_.erase(sequence.request.id);
}

void RequestTrace::iteration(const Batch& batch, const std::vector<std::int64_t>& requests, const serving::Load& load, Picoseconds now) {
  end_iteration(now);
  for (const std::int64_t request : requests) {
    const auto waiting = waiting_since_.find(request);
    if (waiting == waiting_since_.end()) continue;
    if (waiting->second < now) events_.slice(track_of(request), waiting->second, now, "waits", "queue", "");
    waiting_since_.erase(waiting);
  }
  batch_ = batch;
  requests_ = requests;
  began_ = now;
  events_.counter(iterations_process, now, "requests",
                  {{"running", static_cast<double>(load.running)}, {"waiting", static_cast<double>(load.waiting)}});
  events_.counter(iterations_process, now, "KV pages", {{"held", static_cast<double>(load.kv_pages)}});
}

void RequestTrace::end_iteration(Picoseconds now) {
  if (batch_.requests.empty()) return;
  std::int64_t prompt = 0, decodes = 0;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    const BatchEntry& entry = batch_.requests[i];
    const bool prefill = entry.phase == Phase::prefill;
    prompt += prefill ? entry.tokens : 0;
    decodes += prefill ? 0 : 1;
    events_.slice(track_of(requests_[i]), began_, now, prefill ? fmt::format("prompt, {} tokens", entry.tokens) : "token",
                  prefill ? "prefill" : "decode", fmt::format("\"iteration\":{},\"context\":{}", batch_.step, entry.context));
  }
  events_.slice(iterations_track, began_, now, fmt::format("{} prompt tokens, {} requests decode", prompt, decodes),
                decodes == 0  ? "prefill"
                : prompt == 0 ? "decode"
                              : "both",
                fmt::format("\"iteration\":{}", batch_.step));
  batch_.requests.clear();
}

void RequestTrace::idle(Picoseconds now) { end_iteration(now); }

void RequestTrace::finished(Picoseconds now) { end_iteration(now); }

}  // namespace bondsim::tools
