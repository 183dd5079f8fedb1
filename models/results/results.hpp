#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/base/quantity.hpp"
#include "models/energy/counts.hpp"
#include "models/results/peaks.hpp"
#include "models/results/speculation.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// Exclusive parts of an executor's time, as reported; they sum to the run's length exactly.
struct TimeParts {
  Picoseconds compute;  ///< PEs or systolic arrays busy
  Picoseconds vector;   ///< NPU: only vector units busy
  Picoseconds column;   ///< HB column accesses that nothing hides
  Picoseconds row;      ///< activate, precharge, turnaround
  Picoseconds refresh;
  Picoseconds mode_switch;
  Picoseconds buffer_wait;    ///< buffers full or empty
  Picoseconds host_transfer;  ///< data on the channel bus; NPU: only DMA busy
  Picoseconds dependency;     ///< waits for other executors
  Picoseconds idle;           ///< nothing left to do in the block

  Picoseconds sum() const;
  void add_scaled(const TimeParts& other, std::int64_t factor);
};

/// The parts with their names, in the order of every output.
std::vector<std::pair<const char*, Picoseconds>> named_parts(const TimeParts& parts);

/// One row of operators.csv: all executions of an operator in a phase on an executor. The last two rows, one a phase, are named
/// `(background)`: what belongs to no operator.
struct OperatorResult {
  std::string name;
  std::string phase;     ///< prefill, decode
  std::string executor;  ///< nmp, npu, nmp+npu, vector, system
  std::int64_t count = 0;
  Picoseconds busy;  ///< exclusive time: of n operators that run at a moment each has an n-th of it; (background): no task runs.
                     ///< The rows of a phase sum to the phase's time exactly
  Picoseconds span;  ///< first start to last end of each execution, summed; spans of operators that run side by side overlap
  EnergyCounts counts;
  EnergyByComponent energy{};
  std::int64_t macs = 0;
  std::int64_t bytes = 0;  ///< moved by DRAM commands
};

/// Average and highest power of a part of the machine. The highest is the mean over one block of the schedule (the tasks of a layer in a
/// step), the block in which it is highest.
struct PowerResult {
  Attojoules energy;        ///< of the whole run
  Attojoules block_energy;  ///< of that block
  Picoseconds block_length;

  double average_w(Picoseconds run) const { return run.value > 0 ? to_joules(energy) / to_seconds(run) : 0; }
  double highest_w() const { return block_length.value > 0 ? to_joules(block_energy) / to_seconds(block_length) : 0; }
  /// A block of `energy`, `repeat` times.
  void add(Attojoules block, Picoseconds length, std::int64_t repeat);
};

/// Energy from one supply rail of all DRAM channels, at both columns of the currents.
struct RailResult {
  std::string rail;
  Attojoules maximum, typical;
};

/// One row of channels.csv: a channel over the whole run.
struct ChannelResult {
  int id = 0;        ///< number, as in extents and names of trace files
  std::string name;  ///< as an executor, e.g. nmp.channel0
  std::string kind;  ///< nmp, normal
  std::int64_t bytes_read = 0;
  std::int64_t bytes_written = 0;
  std::int64_t hb_bytes_read = 0;  ///< the part of bytes_read that went through the HB ports
  std::int64_t hb_bytes_written = 0;
  TimeParts time;
  TimeParts prefill;  ///< the part of it before the first token
  PowerResult power;  ///< DRAM, I/O and PEs of the channel
  PowerResult banks;  ///< of it: rows, array and refresh in the banks
  PowerResult pes;    ///< of it: PEs, their buffers and ports
};

/// Busy times of one executor.
struct ExecutorResult {
  std::string id;                 ///< npu.arrays, npu.vector, nmp.channel3, ...
  std::vector<Picoseconds> busy;  ///< by row of Results::operators, exclusive; (background): no task ran. A phase's rows sum to its time
};

/// Tokens of a request and when they came. Times are from the run's start.
struct RequestResult {
  std::int32_t request = 0;
  std::int64_t tokens = 0;  ///< output tokens, that of the prefill included
  Picoseconds first_token;
  Picoseconds finish;  ///< of the last token
};

/// One value of the configuration that a run had, with where it comes from.
struct ConfigValue {
  std::string key;  ///< dotted path with its section, e.g. `system.nmp.pe.fpus`
  std::string value;
  std::string unit;
  std::string meaning;     ///< as the schema says
  std::string where;       ///< `file:line`, `--set ...` or `default`
  std::string source;      ///< as the file says: the comment beside the value, or the entry's own `source`
  std::string confidence;  ///< energy entries: measured, paper, estimate
};

/// Everything a run produces.
struct Results {
  ScheduleHeader schedule;
  std::string system;
  std::int32_t prompt_tokens = 0;
  std::int32_t generated_tokens = 0;
  std::string config_digest;
  std::vector<std::string> config_files;
  std::vector<ConfigValue> config_values;  ///< all of them, in the order of the schema
  MachinePeaks peaks;

  Picoseconds prefill;
  Picoseconds total;
  std::vector<Picoseconds> steps;  ///< decode steps
  std::vector<OperatorResult> operators;
  std::vector<ChannelResult> channels;
  std::vector<ExecutorResult> executors;  ///< empty in an estimate
  std::vector<RequestResult> requests;    ///< in the order of their first tokens
  TimeParts npu;
  TimeParts npu_prefill;       ///< the part of it before the first token
  double npu_peak_macs = 0;    ///< MACs a second
  EnergyByComponent energy{};  ///< at the maximum currents of the DRAM
  Attojoules energy_total;
  Attojoules energy_estimated;  ///< the part of the total that rests on estimates
  Attojoules typical_total;     ///< the same actions at typical currents; without currents, energy_total
  EnergyByComponent typical{};
  Attojoules typical_estimated;
  std::vector<RailResult> rails;  ///< empty when the energy table has no currents
  PowerResult npu_power;          ///< what no channel takes
  ActivationCurrent activation;
  std::optional<SpeculationResult> speculation;  ///< of a run with drafts
  std::int64_t events = 0;
  double wall_s = 0;

  Picoseconds decode() const { return total - prefill; }
  /// MACs of the NPU in prefill, over what the arrays could do in that time at their peak.
  double npu_prefill_utilization() const;
  /// Where most of the NPU's time in prefill goes: compute (arrays busy), vector (only vector units), channels (only DMA), dependency.
  const char* npu_prefill_bound() const;
  Picoseconds step_percentile(double p) const;
};

/// results.json, schema bondsim.results/2.
std::string results_json(const Results& results);
std::string operators_csv(const Results& results);
std::string channels_csv(const Results& results);

/// Power of the NPU, of channels, bank groups and PEs, and what the activation policy asks of the supply.
std::string power_text(const Results& results);
/// The compact summary for the terminal.
std::string results_summary(const Results& results);
/// Its parts that do not need a simulation: what was run, how long it takes, its energy; and the shares of the energy.
/// @param done what was done to the layers
std::string results_headline(const Results& results, const std::string& done = "simulated");
std::string energy_shares(const Results& results);

}  // namespace bondsim
