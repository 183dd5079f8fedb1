#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "models/base/quantity.hpp"

namespace bondsim {

/// Exclusive times of one block: `waiting` and `by_operator` sum to the block's length.
struct BusyTimes {
  Picoseconds waiting;                   ///< no task runs
  std::vector<Picoseconds> by_operator;  ///< index: ScheduleHeader::operators

  Picoseconds sum() const;
};

/// Divides the time of one executor, or of the whole run, among operators: a moment in which tasks of n operators run is divided evenly
/// among them (a rest of less than n ps goes to the first ones), one in which no task runs is `waiting`.
class BusyMeter {
 public:
  /// @param operators how many the schedule has
  explicit BusyMeter(std::size_t operators) { times_.by_operator.resize(operators); }

  /// @param op -1: a task of no operator; its time counts as waiting
  void started(Picoseconds now, std::int32_t op);
  void ended(Picoseconds now, std::int32_t op);
  /// Times since the last call, or since time 0. Tasks that run go on.
  BusyTimes take(Picoseconds now);

 private:
  void account(Picoseconds now);

  std::map<std::int32_t, int> running_;  ///< operator: its tasks that run
  Picoseconds accounted_;
  BusyTimes times_;
};

}  // namespace bondsim
