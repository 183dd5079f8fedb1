#include "tools/app/serving/attention_load.hpp"

#include <algorithm>

namespace bondsim::tools {

AttentionLoad::AttentionLoad(const Plan& plan) : channels_(static_cast<std::size_t>(plan.system.channel_count())) {
  for (const auto& entry : plan.attention) {
    Places places(static_cast<std::size_t>(plan.workload.batch));
    for (const HeadRun& run : entry.second.runs) {
      // The heads of a run are side by side, each over PEs of its own.
      const double of_token = 1.0 / (static_cast<double>(run.pes_per_gemm) * run.parts);
      places.at(static_cast<std::size_t>(run.request)).push_back({static_cast<std::size_t>(run.channel), of_token});
    }
    if (!entry.second.runs.empty()) operators_.push_back(std::move(places));
  }
}

double AttentionLoad::of(const Batch& batch) const {
  double sum = 0;
  std::vector<double> tokens(channels_);
  for (const Places& places : operators_) {
    std::fill(tokens.begin(), tokens.end(), 0);
    for (const BatchEntry& r : batch.requests) {
      for (const Share& share : places[static_cast<std::size_t>(r.request)])
        tokens[share.channel] += share.of_token * static_cast<double>(r.context);
    }
    sum += *std::max_element(tokens.begin(), tokens.end());
  }
  return sum;
}

}  // namespace bondsim::tools
