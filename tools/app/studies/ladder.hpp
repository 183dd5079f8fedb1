#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {

/// An experiment with some of its fidelity switches on.
struct LadderStep {
  std::string name;  ///< `all off`, then `+ refresh`: the switch that is on in addition to those of the steps before
  double prefill_s = 0;
  double token_s = 0;  ///< mean of the decode steps
  double total_s = 0;
};
template <class Visitor>
void members(Visitor& v, LadderStep& s) {
  v("name", s.name);
  v("prefill_s", s.prefill_s);
  v("token_s", s.token_s);
  v("total_s", s.total_s);
}
inline const char* message_schema(const LadderStep&) { return "bondsim.ladder_step/1"; }

/// Simulates the experiment with every fidelity switch off, then with one more on at a time, each in a process of its own.
/// @param progress called before each with how many are done and how many there are. @throws InfeasibleError
std::vector<LadderStep> fidelity_ladder(const Experiment& experiment, const std::function<void(std::size_t, std::size_t)>& progress);

/// By step: `total_s` over that of the step before, less one; 0 in the first.
double change_at(const std::vector<LadderStep>& steps, std::size_t step);

/// rung, prefill_s, token_s, total_s, change.
std::string ladder_csv(const std::vector<LadderStep>& steps);

}  // namespace bondsim::tools
