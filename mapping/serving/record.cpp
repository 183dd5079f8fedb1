#include "mapping/serving/record.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim::serving {

double RequestRow::tpot_ps() const {
  return output_tokens > 1 ? static_cast<double>((end - first_token).value) / static_cast<double>(output_tokens - 1) : 0;
}

const char* name_of(Ending ending) {
  switch (ending) {
    case Ending::complete:
      return "complete";
    case Ending::truncated:
      return "truncated";
    case Ending::rejected:
      return "rejected";
  }
  return "";
}

void ServingRecord::arrived(const Request& request, Picoseconds now) {
  ++totals_.arrived;
  RequestRow& row = open_[request.id];
  row.id = request.id;
  row.prompt_tokens = request.prompt_tokens;
  row.asked_tokens = request.output_tokens;
  row.arrival = request.arrival;
  // It waited already while the iteration that has just ended ran.
  totals_.waiting.add(request.arrival.value, now.value, 1);
}

void ServingRecord::scheduled(const Sequence& sequence, Picoseconds now) { open_.at(sequence.request.id).scheduled = now; }

void ServingRecord::token(const Sequence& sequence, Picoseconds now) {
  RequestRow& row = open_.at(sequence.request.id);
  ++row.output_tokens;
  ++totals_.output_tokens;
  if (row.output_tokens == 1) {
    row.first_token = now;
  } else {
    row.gaps.push_back(now - last_token_.at(row.id));
    totals_.itl.add(row.gaps.back().value);
  }
  last_token_[row.id] = now;
}

void ServingRecord::preempted(const Sequence& sequence, Picoseconds) {
  ++open_.at(sequence.request.id).preemptions;
  ++totals_.preemptions;
  if (sequence.swapped > 0) ++totals_.swaps;
}

bool ServingRecord::good(const RequestRow& row) const {
  return slo_ && row.ending == Ending::complete && static_cast<double>(row.ttft().value) <= slo_->ttft_ms * 1e9 &&
         row.tpot_ps() <= slo_->tpot_ms * 1e9;
}

void ServingRecord::left(const Sequence& sequence, Ending ending, Picoseconds now) {
  const auto found = open_.find(sequence.request.id);
  RequestRow row = std::move(found->second);
  open_.erase(found);
  last_token_.erase(row.id);
  row.ending = ending;
  row.end = now;
  row.reused_tokens = sequence.reused;
  if (ending == Ending::rejected) {
    ++totals_.rejected;
    row.scheduled = row.first_token = now;
  } else {
    ++(ending == Ending::complete ? totals_.complete : totals_.truncated);
    totals_.prompt_tokens += row.prompt_tokens;
    totals_.reused_tokens += row.reused_tokens;
    totals_.ttft.add(row.ttft().value);
    totals_.latency.add(row.latency().value);
    totals_.queueing.add(row.queueing().value);
    if (row.output_tokens > 1) totals_.tpot.add(std::llround(row.tpot_ps()));
    if (good(row)) ++totals_.good;
  }
  if (sink_) sink_(row);
}

void ServingRecord::until(Picoseconds now) {
  const auto add = [&](TimeSeries& series, std::int64_t value) { series.add(since_.value, now.value, value); };
  add(totals_.running, load_.running);
  add(totals_.waiting, load_.waiting);
  add(totals_.kv_tokens, load_.kv_tokens);
  add(totals_.kv_pages, load_.kv_pages);
  add(totals_.batch_tokens, batch_tokens_);
  if (iterating_) totals_.busy += now - since_;
  since_ = now;
}

void ServingRecord::iteration(const Batch& batch, const std::vector<std::int64_t>& requests, const Load& load, Picoseconds now) {
  until(now);
  load_ = load;
  iterating_ = true;
  ++totals_.iterations;
  totals_.most_pages = std::max(totals_.most_pages, load.kv_pages);
  batch_tokens_ = batch.tokens();
  prefill_.clear();
  decode_.clear();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const BatchEntry& entry = batch.requests[i];
    (entry.phase == Phase::prefill ? prefill_ : decode_).emplace_back(requests[i], entry.tokens);
    if (entry.phase == Phase::prefill) totals_.computed_tokens += entry.tokens;
    if (entry.phase == Phase::prefill || entry.tokens == 1) continue;
    ++totals_.verifications;
    totals_.verified_tokens += entry.yields;
  }
}

void ServingRecord::finished(Picoseconds now) {
  idle(now);
  totals_.end = now;
}

void ServingRecord::idle(Picoseconds now) {
  until(now);
  load_ = {};
  batch_tokens_ = 0;
  iterating_ = false;
}

void ServingRecord::energy(Attojoules total, double of_decode) {
  totals_.energy += total;
  const auto share = [&](const std::vector<std::pair<std::int64_t, std::int64_t>>& part, Attojoules energy) {
    std::int64_t left = 0;
    for (const auto& entry : part) left += entry.second;
    for (const auto& [request, tokens] : part) {
      // Of what is left each takes its part, so that nothing remains.
      const Attojoules mine(energy.value * tokens / left);
      const auto row = open_.find(request);
      check(row != open_.end(), "request {} has left during its iteration", request);
      row->second.energy += mine;
      energy -= mine;
      left -= tokens;
    }
  };
  check(!prefill_.empty() || !decode_.empty(), "energy {} of an iteration without requests", to_joules(total));
  const double portion = prefill_.empty() ? 1 : decode_.empty() ? 0 : of_decode;
  const Attojoules decode(portion >= 1 ? total.value : static_cast<WideInt>(static_cast<long double>(total.value) * portion));
  if (!decode_.empty()) share(decode_, decode);
  if (!prefill_.empty()) share(prefill_, total - decode);
}

std::vector<RequestRow> ServingRecord::close() {
  std::vector<RequestRow> rows;
  for (auto& entry : open_) rows.push_back(std::move(entry.second));
  totals_.unfinished = static_cast<std::int64_t>(rows.size());
  open_.clear();
  return rows;
}

}  // namespace bondsim::serving
