#include "tools/app/serving/confirmation.hpp"

#include <boost/random/uniform_int_distribution.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

/// The batches of the samples in turn; notes when each has ended.
class SampleBatches : public BatchSource {
 public:
  SampleBatches(const std::vector<Stratum>& strata, std::vector<std::int64_t>& ends) : ends_(ends) {
    for (const Stratum& stratum : strata) batches_.insert(batches_.end(), stratum.sample.begin(), stratum.sample.end());
  }
  std::optional<BatchStep> next(Picoseconds now) override {
    if (at_ > 0) ends_.push_back(now.value);
    if (at_ == batches_.size()) return std::nullopt;
    return BatchStep{batches_[at_++], 1, Picoseconds()};
  }

 private:
  std::vector<Batch> batches_;
  std::size_t at_ = 0;
  std::vector<std::int64_t>& ends_;
};

}  // namespace

StratifiedSample::StratifiedSample(int max_batch, std::size_t each) : max_batch_(max_batch), each_(each) {
  strata_.resize(6);
  strata_[0].name = "prompts";
  strata_[1].name = "prompts beside decode";
  for (int quarter = 0; quarter < 4; ++quarter) {
    strata_[static_cast<std::size_t>(2 + quarter)].name = fmt::format("decode, to {} requests", std::max(1, (quarter + 1) * max_batch / 4));
  }
}

std::size_t StratifiedSample::stratum_of(const Batch& batch) const {
  if (!batch.has(Phase::decode)) return 0;
  if (batch.has(Phase::prefill)) return 1;
  const auto n = static_cast<int>(batch.requests.size());
  for (int quarter = 0; quarter < 3; ++quarter) {
    if (n <= std::max(1, (quarter + 1) * max_batch_ / 4)) return static_cast<std::size_t>(2 + quarter);
  }
  return 5;
}

void StratifiedSample::add(const Batch& batch) {
  Stratum& stratum = strata_[stratum_of(batch)];
  ++stratum.iterations;
  if (stratum.sample.size() < each_) {
    stratum.sample.push_back(batch);
    return;
  }
  // Reservoir sampling (Vitter, algorithm R): each iteration so far is in the sample with the same probability.
  const auto place = boost::random::uniform_int_distribution<std::int64_t>(0, stratum.iterations - 1)(random_);
  if (place < static_cast<std::int64_t>(each_)) stratum.sample[static_cast<std::size_t>(place)] = batch;
}

void simulate_samples(const System& system, const speculation::Plans& plans, std::vector<Stratum>& strata) {
  const std::string answer = run_isolated([&] {
    std::vector<std::int64_t> ends;
    speculation::Plans in_turn = plans;
    in_turn.lay_pages_in_turn();  // samples are no history of pages
    const auto schedule = schedule_batches(std::move(in_turn), std::make_unique<SampleBatches>(strata, ends));
    simulate(system, *schedule);
    return nlohmann::json(ends).dump();
  });
  const auto ends = nlohmann::json::parse(answer).get<std::vector<std::int64_t>>();
  std::size_t at = 0;
  std::int64_t began = 0;
  for (Stratum& stratum : strata) {
    for (std::size_t i = 0; i < stratum.sample.size(); ++i) {
      stratum.cycle_s += static_cast<double>(ends.at(at) - began) * 1e-12;
      began = ends[at++];
    }
  }
}

}  // namespace bondsim::tools
