#include "tools/app/thermal/heat_time.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bondsim::tools {
namespace {

/// A run's prefill and decode, over and over. The pace is that of the present state; what is done of a phase stays done when it changes.
class Load {
 public:
  /// Advances by `seconds`: adds the joules of each cell, and returns the tokens.
  double advance(HeatModel& model, const HeatState& state, double seconds, std::vector<double>& joules) {
    const HeatSample& run = model.sample(state);
    const double decode_s = run.decode_s / model.duty(state), per_run = static_cast<double>(model.tokens());
    const std::vector<double> prefill_w = run.prefill_w(), decode_w = model.decode_w(state);
    double tokens = 0, left = seconds;
    while (left > 1e-12) {
      if (const double whole = std::floor(left / (run.prefill_s + decode_s)); whole > 0 && !decoding_ && done_ == 0) {
        for (std::size_t i = 0; i < joules.size(); ++i) joules[i] += whole * (prefill_w[i] * run.prefill_s + decode_w[i] * decode_s);
        tokens += whole * per_run;
        left -= whole * (run.prefill_s + decode_s);
        continue;
      }
      const double length = decoding_ ? decode_s : run.prefill_s;
      const double spent = std::min(left, (1 - done_) * length);
      const std::vector<double>& watts = decoding_ ? decode_w : prefill_w;
      for (std::size_t i = 0; i < joules.size(); ++i) joules[i] += watts[i] * spent;
      const double part = length > 0 ? spent / length : 1;
      if (decoding_) tokens += part * per_run;
      done_ += part;
      left -= spent;
      if (done_ < 1 - 1e-9) continue;
      done_ = 0;
      decoding_ = !decoding_;
    }
    return tokens;
  }

 private:
  bool decoding_ = false;
  double done_ = 0;  ///< of the phase
};

int above(const std::vector<std::size_t>& now, const std::vector<std::size_t>& first) {
  int count = 0;
  for (std::size_t i = 0; i < now.size(); ++i) count += now[i] > first[i] ? 1 : 0;
  return count;
}

double mean_tokens(std::vector<HeatMoment>::const_iterator begin, std::vector<HeatMoment>::const_iterator end) {
  double tokens = 0;
  for (auto at = begin; at != end; ++at) tokens += at->tokens_per_s;
  return begin == end ? 0 : tokens / static_cast<double>(end - begin);
}

bool cool(const HeatMoment& moment) { return moment.level == 0 && moment.faster_refresh == 0; }

}  // namespace

double HeatCourse::burst_tokens_per_s() const {
  const auto end = std::find_if_not(moments.begin(), moments.end(), cool);
  return mean_tokens(moments.begin(), end == moments.begin() && end != moments.end() ? end + 1 : end);
}

double HeatCourse::burst_s() const {
  const auto end = std::find_if_not(moments.begin(), moments.end(), cool);
  return end == moments.begin() ? 0 : std::prev(end)->time_s;
}

double HeatCourse::sustained_tokens_per_s() const {
  return mean_tokens(moments.begin() + static_cast<std::ptrdiff_t>(moments.size() * 2 / 3), moments.end());
}

HeatCourse heat_course(HeatModel& model, double ambient_c, double duration_s, double step_s) {
  HeatCourse course;
  course.ambient_c = ambient_c;
  if (model.policy() != nullptr) course.policy = model.policy()->name;
  const HeatState first = model.first_state();
  HeatState state = first;
  Load load;
  model.solver().set_step(step_s);
  HeatMap map = model.map_of(std::vector<double>(model.solver().nodes()), ambient_c);
  const auto steps = static_cast<std::int64_t>(std::ceil(duration_s / step_s - 1e-9));
  for (std::int64_t i = 1; i <= steps; ++i) {
    std::vector<double> joules(model.floorplan().cells().size());
    const double tokens = load.advance(model, state, step_s, joules);
    for (double& j : joules) j /= step_s;
    const std::vector<double> watts = model.power(joules, map.blocks);
    const double total_w = std::accumulate(watts.begin(), watts.end(), 0.0);
    map = model.map_of(model.solver().step(map.nodes, model.floorplan().by_node(watts)), ambient_c);
    course.energy_in_j += total_w * step_s;
    course.energy_out_j += model.solver().outflow_w(map.nodes) * step_s;
    course.moments.push_back({static_cast<double>(i) * step_s, map.bank_c, map.pe_c, map.npu_c, state.level,
                              above(state.refresh, first.refresh), total_w, tokens / step_s});
    state = model.next(state, map);
  }
  course.energy_stored_j = model.solver().stored_j(map.nodes);
  return course;
}

}  // namespace bondsim::tools
