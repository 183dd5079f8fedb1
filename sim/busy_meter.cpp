#include "sim/busy_meter.hpp"

#include <utility>

#include "models/base/error.hpp"

namespace bondsim {

Picoseconds BusyTimes::sum() const {
  Picoseconds sum = waiting;
  for (const Picoseconds busy : by_operator) sum += busy;
  return sum;
}

void BusyMeter::account(Picoseconds now) {
  const Picoseconds elapsed = now - std::exchange(accounted_, now);
  if (running_.empty()) {
    times_.waiting += elapsed;
    return;
  }
  const auto sharing = static_cast<std::int64_t>(running_.size());
  std::int64_t rest = elapsed.value % sharing;
  for (const auto& entry : running_) {
    times_.by_operator.at(static_cast<std::size_t>(entry.first)) += Picoseconds(elapsed.value / sharing + (rest-- > 0 ? 1 : 0));
  }
}

void BusyMeter::started(Picoseconds now, std::int32_t op) {
  account(now);
  if (op >= 0) ++running_[op];
}

void BusyMeter::ended(Picoseconds now, std::int32_t op) {
  account(now);
  if (op < 0) return;
  const auto running = running_.find(op);
  check(running != running_.end(), "a task of operator {} ended, none runs", op);
  if (--running->second == 0) running_.erase(running);
}

BusyTimes BusyMeter::take(Picoseconds now) {
  account(now);
  BusyTimes fresh;
  fresh.by_operator.resize(times_.by_operator.size());
  return std::exchange(times_, std::move(fresh));
}

}  // namespace bondsim
