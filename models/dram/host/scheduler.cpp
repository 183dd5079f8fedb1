#include "models/dram/host/scheduler.hpp"

#include "models/base/error.hpp"

namespace bondsim {
namespace {

/// tRCD counts from ACT1, so an ACT2 before its deadline may wait for any other command.
void consider_act2(const HostState& host, Cycle t, Act2Order act2, CommandChoice& choice) {
  if (choice.found && act2 == Act2Order::last) return;
  for (std::uint64_t mask = host.rows.opening(); mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    const std::int32_t owner = host.rows.at(b).owner;
    choice.consider(t, act2 == Act2Order::last ? host.rows.at(b).act1 : host.queues.at(owner).order, owner, b, DramCommand::act2,
                    host.timing.ready(DramCommand::act2, b));
  }
}

/// A command to `bank` for one of its requests; the request itself is looked at only if the command may be issued.
[[gnu::always_inline]] inline void consider_request(const HostState& host, Cycle t, std::int32_t request, std::int32_t bank,
                                                    DramCommand command, CommandChoice& choice) {
  const Cycle ready = host.timing.ready(command, bank);
  if (ready > t) {
    choice.earliest = std::min(choice.earliest, ready);
  } else {
    choice.consider(t, host.queues.at(request).order, request, bank, command, ready);
  }
}

}  // namespace

void choose_opened(const HostState& host, Cycle t, bool all_opening, CommandChoice& choice) {
  for (std::uint64_t mask = host.rows.opening(); mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    const RowBuffers::Buffer& buffer = host.rows.at(b);
    const Cycle last = buffer.act1 + host.timing.act2_deadline();
    if (all_opening || t >= last) {
      choice.consider(t, t >= last ? -1 : host.queues.at(buffer.owner).order, buffer.owner, b, DramCommand::act2,
                      host.timing.ready(DramCommand::act2, b));
    } else {
      choice.earliest = std::min(choice.earliest, last);
    }
  }
  for (std::uint64_t mask = host.rows.active(); mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    const std::int32_t active = host.rows.at(b).active;
    consider_request(host, t, active, b, host.queues.at(active).write ? DramCommand::wr : DramCommand::rd, choice);
  }
}

void FrFcfs::choose(const HostState& host, Cycle t, bool write, std::uint64_t blocked, CommandChoice& choice) const {
  choose_request(host, t, write, blocked, choice);
  consider_act2(host, t, act2_, choice);
}

void Fcfs::choose(const HostState& host, Cycle t, bool write, std::uint64_t blocked, CommandChoice& choice) const {
  choose_request(host, t, write, blocked, choice);
  consider_act2(host, t, act2_, choice);
}

void FrFcfs::choose_request(const HostState& host, Cycle t, bool write, std::uint64_t blocked, CommandChoice& choice) {
  const RequestQueues& queues = host.queues;
  const DramCommand column = write ? DramCommand::wr : DramCommand::rd;
  const bool bus_ready = host.timing.ready(column) <= t;  // else no bank needs to be asked for a column
  if (!bus_ready) choice.earliest = std::min(choice.earliest, host.timing.ready(column));
  const std::uint64_t banks = queues.banks_waiting(write) & ~(blocked | host.rows.opening());
  if (!host.row_timing) {
    for (std::uint64_t mask = banks; mask != 0; mask &= mask - 1) {
      const int b = __builtin_ctzll(mask);
      consider_request(host, t, queues.chain(b, write).head, b, column, choice);
    }
    return;
  }
  for (std::uint64_t mask = banks & ~host.rows.open(); mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    consider_request(host, t, queues.chain(b, write).head, b, DramCommand::act1, choice);
  }
  for (std::uint64_t mask = bus_ready ? banks & queues.banks_with_hits(write) : 0; mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    consider_request(host, t, queues.chain(b, write).hit, b, column, choice);
  }
  for (std::uint64_t mask = banks & queues.banks_with_misses(write) & ~host.rows.active(); mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    consider_request(host, t, queues.chain(b, write).miss, b, DramCommand::pre, choice);
  }
}

void Fcfs::choose_request(const HostState& host, Cycle t, bool write, std::uint64_t blocked, CommandChoice& choice) {
  std::int32_t oldest = -1;
  for (std::uint64_t mask = host.queues.banks_waiting(write); mask != 0; mask &= mask - 1) {
    const std::int32_t head = host.queues.chain(__builtin_ctzll(mask), write).head;
    if (oldest < 0 || host.queues.at(head).order < host.queues.at(oldest).order) oldest = head;
  }
  if (oldest < 0) return;
  const Request& request = host.queues.at(oldest);
  const std::uint64_t bank = std::uint64_t{1} << request.at.bank;
  if (((blocked | host.rows.opening()) & bank) != 0) return;
  const RowBuffers::Buffer& buffer = host.rows.at(request.at.bank);
  if (!host.row_timing || buffer.open_row() == request.at.row) {
    consider_request(host, t, oldest, request.at.bank, write ? DramCommand::wr : DramCommand::rd, choice);
  } else if (buffer.state == RowBuffers::State::closed) {
    consider_request(host, t, oldest, request.at.bank, DramCommand::act1, choice);
  } else if (buffer.active < 0) {
    consider_request(host, t, oldest, request.at.bank, DramCommand::pre, choice);
  }
}

std::shared_ptr<const Scheduler> make_scheduler(const ControllerConfig& controller) {
  switch (controller.scheduler) {
    case SchedulerKind::fr_fcfs:
      return std::make_shared<const FrFcfs>(controller.act2);
    case SchedulerKind::fcfs:
      return std::make_shared<const Fcfs>(controller.act2);
  }
  throw ConfigError("controller.scheduler: allowed: fr_fcfs, fcfs");
}

}  // namespace bondsim
