#pragma once
#include <algorithm>
#include <cstdint>

#include "models/dram/host/request.hpp"
#include "models/dram/spec/command.hpp"
#include "models/dram/spec/timing_rules.hpp"

namespace bondsim {

/// The best command found so far for one cycle: of those that may be issued, the one of the lowest order.
struct CommandChoice {
  bool found = false;
  std::int64_t order = INT64_MAX;
  std::int32_t request = -1;  ///< number in the queues; -1: for no request
  std::int32_t bank = -1;     ///< -1: all banks
  DramCommand command = DramCommand::rd;
  Cycle earliest = never;  ///< of those that may not be issued yet: when the first may
  CommandBuses taken;      ///< by other pseudo channels at this cycle

  static bool to_column(DramCommand command) { return command == DramCommand::rd || command == DramCommand::wr; }
  /// Takes a command into account that may be issued from cycle `ready` on.
  void consider(Cycle t, std::int64_t its_order, std::int32_t its_request, std::int32_t its_bank, DramCommand its_command, Cycle ready) {
    if (ready > t) {
      earliest = std::min(earliest, ready);
    } else if (to_column(its_command) ? taken.column : taken.row) {
      earliest = std::min(earliest, t + 1);
    } else if (its_order < order) {
      found = true;
      order = its_order;
      request = its_request;
      bank = its_bank;
      command = its_command;
    }
  }
};

}  // namespace bondsim
