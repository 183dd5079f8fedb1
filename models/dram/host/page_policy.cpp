#include "models/dram/host/page_policy.hpp"

#include "models/base/error.hpp"

namespace bondsim {

void OpenPage::choose(const HostState&, Cycle, CommandChoice&) const {}

void ClosedPage::choose(const HostState& host, Cycle t, CommandChoice& choice) const {
  if (!host.row_timing) return;
  const std::uint64_t hits = host.queues.banks_with_hits(false) | host.queues.banks_with_hits(true);
  for (std::uint64_t mask = host.rows.open() & ~(host.rows.active() | hits); mask != 0; mask &= mask - 1) {
    const int b = __builtin_ctzll(mask);
    choice.consider(t, host.rows.at(b).act1, -1, b, DramCommand::pre, host.timing.ready(DramCommand::pre, b));
  }
}

std::shared_ptr<const RowClosing> make_row_closing(PagePolicy policy) {
  switch (policy) {
    case PagePolicy::open:
      return std::make_shared<const OpenPage>();
    case PagePolicy::closed:
      return std::make_shared<const ClosedPage>();
  }
  throw ConfigError("controller.page_policy: allowed: open, closed");
}

}  // namespace bondsim
