#include "tools/app/thermal/heat_model.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>
#include <set>

#include "mapping/dataflow/dataflow.hpp"

namespace bondsim::tools {
namespace {

constexpr double settled_k = 1e-3;
constexpr double none = -std::numeric_limits<double>::infinity();

bool leaks(const PowerCell& cell) { return cell.component == EnergyComponent::static_power; }

/// What is drawn whether work is done or not: standby, refresh, static power.
bool drawn_at_rest(const PowerCell& cell) {
  return leaks(cell) || cell.component == EnergyComponent::dram_background || cell.component == EnergyComponent::dram_refresh;
}

bool starts_with(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

}  // namespace

double HeatMap::junction_c() const { return std::max({bank_c, pe_c, npu_c}); }

double HeatMap::watched(HeatWatch watch) const {
  return watch == HeatWatch::dram ? bank_c : watch == HeatWatch::logic ? std::max(pe_c, npu_c) : junction_c();
}

HeatModel::HeatModel(const Experiment& experiment, const Stack& stack, const HeatOptions& options, const ThrottlePolicy* policy)
    : experiment_(experiment),
      stack_(stack),
      options_(options),
      policy_(policy),
      floorplan_(experiment.system, stack),
      solver_(floorplan_.grid()) {}

HeatState HeatModel::first_state() const { return {refresh_steps(experiment_.system), 0}; }

HeatState HeatModel::next(const HeatState& now, const HeatMap& map) const {
  HeatState state = now;
  for (std::size_t channel = 0; channel < state.refresh.size(); ++channel) {
    state.refresh[channel] = next_refresh_step(experiment_.system.dram_of(static_cast<int>(channel)), now.refresh[channel],
                                               map.channels[channel], stack_.refresh_hysteresis_c);
  }
  if (policy_ != nullptr) {
    // A step at a time: what one step does shows before the next is taken.
    const std::size_t level = throttle_level(*policy_, now.level, map.watched(policy_->watch));
    state.level = level > now.level ? now.level + 1 : level < now.level ? now.level - 1 : level;
  }
  return state;
}

Experiment HeatModel::experiment_in(const HeatState& state) const {
  Experiment experiment = experiment_;
  experiment.system = at_refresh_steps(experiment.system, state.refresh);
  if (state.level == 0) return experiment;
  const ThrottleStep& step = policy_->steps[state.level - 1];
  const auto slowed = [&](NmpConfig& nmp) {
    nmp.pe.clock_mhz = std::max(1, static_cast<int>(std::lround(nmp.pe.clock_mhz * step.pe_clock)));
  };
  slowed(experiment.system.nmp);
  for (ChannelGroup& group : experiment.system.channels) {
    if (group.nmp) slowed(*group.nmp);
  }
  if (!step.dataflow.empty()) {
    const auto file = (std::filesystem::path(stack_.file).parent_path() / step.dataflow).lexically_normal().string();
    experiment.dataflow = decode_dataflow(load_yaml_file(file));
  }
  return experiment;
}

const HeatSample& HeatModel::sample(const HeatState& state) {
  const auto known = samples_.find(state);
  if (known != samples_.end()) return known->second;
  ++simulations_;
  return samples_[state] = sample_heat(experiment_in(state), options_.decode_samples, options_.column);
}

double HeatModel::duty(const HeatState& state) const { return state.level == 0 ? 1 : policy_->steps[state.level - 1].nmp_duty; }

std::vector<double> HeatModel::decode_w(const HeatState& state) {
  std::vector<double> watts = sample(state).decode_w();
  const double runs = duty(state);
  for (std::size_t i = 0; i < watts.size(); ++i) {
    if (!drawn_at_rest(floorplan_.cells()[i])) watts[i] *= runs;
  }
  return watts;
}

std::vector<double> HeatModel::mean_w(const HeatState& state) {
  const HeatSample& run = sample(state);
  const double decode_s = run.decode_s / duty(state), all = run.prefill_s + decode_s;
  std::vector<double> watts = decode_w(state);
  const std::vector<double> prefill = run.prefill_w();
  for (std::size_t i = 0; i < watts.size(); ++i) watts[i] = (watts[i] * decode_s + prefill[i] * run.prefill_s) / all;
  return watts;
}

std::vector<double> HeatModel::power(const std::vector<double>& by_cell, const std::vector<double>& block_c) const {
  const std::vector<double> cell_c = floorplan_.mean_over_cells(block_c);
  std::vector<double> watts = by_cell;
  for (std::size_t i = 0; i < watts.size(); ++i) {
    if (leaks(floorplan_.cells()[i])) watts[i] *= stack_.leakage.factor(cell_c[i]);
  }
  return floorplan_.by_block(watts);
}

HeatMap HeatModel::map_of(std::vector<double> rise, double ambient_c) const {
  HeatMap map;
  map.nodes = std::move(rise);
  map.blocks = floorplan_.mean_over_blocks(map.nodes);
  map.channels.assign(static_cast<std::size_t>(experiment_.system.channel_count()), none);
  map.bank_c = map.pe_c = map.npu_c = none;
  for (std::size_t i = 0; i < map.blocks.size(); ++i) {
    const HeatBlock& block = floorplan_.blocks()[i];
    const double c = map.blocks[i] += ambient_c;
    if (block.executor == 0) {
      map.npu_c = std::max(map.npu_c, c);
    } else if (starts_with(block.unit, "bank")) {
      map.channels[block.executor - 1] = std::max(map.channels[block.executor - 1], c);
    } else if (starts_with(block.unit, "pe")) {
      map.pe_c = std::max(map.pe_c, c);
    }
  }
  map.bank_c = *std::max_element(map.channels.begin(), map.channels.end());
  return map;
}

std::optional<HeatMap> HeatModel::steady(const std::vector<double>& by_cell, double ambient_c) const {
  HeatMap map = map_of(std::vector<double>(solver_.nodes()), ambient_c);
  for (int i = 0; i < 200; ++i) {
    HeatMap hotter = map_of(solver_.steady(floorplan_.by_node(power(by_cell, map.blocks))), ambient_c);
    double change = 0;
    for (std::size_t b = 0; b < map.blocks.size(); ++b) change = std::max(change, std::abs(hotter.blocks[b] - map.blocks[b]));
    map = std::move(hotter);
    if (map.junction_c() > runaway_c) return std::nullopt;
    if (change < settled_k) return map;
  }
  return std::nullopt;
}

namespace {

/// Static power of some cells at the map's temperatures over that at the reference.
double leakage_factor(const HeatModel& model, const HeatMap& map, const std::vector<double>& watts, bool npu) {
  const std::vector<double> cell_c = model.floorplan().mean_over_cells(map.blocks);
  double at_reference = 0, now = 0;
  for (std::size_t i = 0; i < watts.size(); ++i) {
    const PowerCell& cell = model.floorplan().cells()[i];
    if (!leaks(cell) || (cell.executor == 0) != npu) continue;
    at_reference += watts[i];
    now += watts[i] * model.stack().leakage.factor(cell_c[i]);
  }
  return at_reference > 0 ? now / at_reference : 1;
}

double leakage_w(const HeatModel& model, const std::vector<double>& watts, bool npu) {
  double all = 0;
  for (std::size_t i = 0; i < watts.size(); ++i) {
    const PowerCell& cell = model.floorplan().cells()[i];
    if (leaks(cell) && (cell.executor == 0) == npu) all += watts[i];
  }
  return all;
}

void fill(HeatPoint& point, HeatModel& model, const HeatState& state, HeatMap map) {
  const HeatSample& run = model.sample(state);
  const std::vector<double> watts = model.mean_w(state);
  const double steps = static_cast<double>(std::max<std::int64_t>(1, model.decode_steps()));
  point.state = state;
  point.block_w = model.power(watts, map.blocks);
  point.power_w = std::accumulate(point.block_w.begin(), point.block_w.end(), 0.0);
  point.npu_leakage = leakage_factor(model, map, watts, true);
  point.pe_leakage = leakage_factor(model, map, watts, false);
  point.leakage_w = leakage_w(model, watts, true) * point.npu_leakage + leakage_w(model, watts, false) * point.pe_leakage;
  point.prefill_s = run.prefill_s;
  point.token_s = run.decode_s / model.duty(state) / steps;
  point.tokens_per_s = static_cast<double>(model.tokens()) / (run.prefill_s + run.decode_s / model.duty(state));
  point.map = std::move(map);
}

}  // namespace

HeatPoint steady_point(HeatModel& model, double ambient_c) {
  HeatPoint point;
  point.ambient_c = ambient_c;
  if (model.policy() != nullptr) point.policy = model.policy()->name;
  HeatState state = model.first_state();
  std::set<HeatState> seen;
  while (point.iterations < model.options().most_iterations) {
    ++point.iterations;
    auto map = model.steady(model.mean_w(state), ambient_c);
    if (!map) {
      // Without a steady state every part is as hot as it gets: the last step of every ladder.
      HeatMap hottest = model.map_of(std::vector<double>(model.solver().nodes(), runaway_c), ambient_c);
      const HeatState last = model.next(state, hottest);
      point.runaway = last == state;
      if (!point.runaway) {
        state = last;
        continue;
      }
      fill(point, model, state, std::move(hottest));
      return point;
    }
    const HeatState after = model.next(state, *map);
    point.settled = after == state;
    fill(point, model, state, std::move(*map));
    if (point.settled) return point;
    // A state that comes back would come back for ever: the throttled, refreshed one of the cycle holds.
    if (!seen.insert(after).second && after < state) return point;
    state = after;
  }
  return point;
}

}  // namespace bondsim::tools
