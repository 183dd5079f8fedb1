#pragma once
#include <memory>

#include "models/dram/host/scheduler.hpp"

namespace bondsim {

/// Chooses rows to close when no request needs a command. Has no state.
class RowClosing {
 public:
  virtual ~RowClosing() = default;
  virtual void choose(const HostState& host, Cycle t, CommandChoice& choice) const = 0;
  /// Whether the time at which a row was opened decides what comes.
  virtual bool needs_row_age() const = 0;
};

/// Rows stay open until another row of the bank is needed, or refresh.
class OpenPage final : public RowClosing {
 public:
  void choose(const HostState& host, Cycle t, CommandChoice& choice) const override;
  bool needs_row_age() const override { return false; }
};

/// A row that no queued request hits is closed; the one opened first comes first.
class ClosedPage final : public RowClosing {
 public:
  void choose(const HostState& host, Cycle t, CommandChoice& choice) const override;
  bool needs_row_age() const override { return true; }
};

/// @throws ConfigError naming the policies there are.
std::shared_ptr<const RowClosing> make_row_closing(PagePolicy policy);

}  // namespace bondsim
