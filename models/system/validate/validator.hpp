#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// A fault of a schedule and its place. A field that does not apply is -1.
struct ScheduleFault {
  std::int32_t step = -1;
  std::int32_t layer = -1;
  std::int32_t task = -1;
  std::string what;       ///< one sentence, with the values
  std::string task_name;  ///< `nmp_gemm of q on nmp.channel3`

  /// `step 3, layer 0, task 17 (nmp_gemm of q on nmp.channel3): ...`
  std::string text() const;
};

/// Checks a schedule against the system it is for, block by block, and stops at the first fault:
///  - fields: kinds, operators, channels, shapes, extents inside the banks and in whole accesses, bytes that hold the operands, each PE's
///  in its bank;
///  - buffers: weight tile, input tile and accumulators fit;
///  - order: dependencies point back (so there is no cycle), operators wait for those they need, an nmp_gemm for the scatter of its input,
///  a
///    load of its output follows it, the NPU reads a cache after the append to it;
///  - modes: a channel that stays in NMP mode goes on with an nmp_gemm that waits for nothing else;
///  - coverage: the parts of each GEMM cover its output and K exactly once, and partial sums are added up;
///  - sequence: every step, every layer once, by itself or by one that stands for it. Of a schedule with drafts the layers of the model;
///  those of the draft, copies, and blocks in which both run side by side may come as they like.
class ScheduleValidator {
 public:
  ScheduleValidator(const System& system, const ScheduleHeader& header);

  /// The header alone.
  std::optional<ScheduleFault> check_header() const;
  /// The next block of the run.
  std::optional<ScheduleFault> check(const Block& block);
  /// That nothing is missing at the end.
  std::optional<ScheduleFault> check_end() const;

 private:
  std::optional<ScheduleFault> check_sequence(const Block& block);
  /// Phase, begin and yields. @return the fault's sentence
  std::optional<std::string> check_requests(const Block& block) const;
  /// Whether a block has work of a draft or copies of accepted tokens (`of_draft`), or work of the model.
  bool is_of_draft(const Block& block, bool of_draft) const;
  bool has_decode(const Block& block) const;
  /// Where a block's tokens are appended to caches.
  static std::string appended(const Block& block);

  const System& system_;
  const ScheduleHeader& header_;
  std::int32_t step_ = 0;        ///< of the block before
  bool beside_ = false;          ///< the step has a block in which model and draft run side by side
  std::int64_t stands_for_ = 1;  ///< steps that its step stands for
  std::int64_t steps_done_ = 0;  ///< decode steps that the blocks so far stand for, those of `step_` included
  std::int64_t layers_in_step_ = 0;
  std::int64_t last_layer_ = -1;  ///< first layer of the last block in the layers
  std::int64_t last_layers_ = 0;  ///< how many it stands for
  std::string appended_;          ///< where it appends to caches
};

/// Runs a source to its end. @return the first fault
std::optional<ScheduleFault> validate_schedule(const System& system, ScheduleSource& source);

/// Hands a schedule on and checks it on the way. @throws ConfigError from the constructor's call or next() at the first fault.
std::unique_ptr<ScheduleSource> validated(const System& system, std::unique_ptr<ScheduleSource> source);

}  // namespace bondsim
