#pragma once
#include <algorithm>

#include "models/dram/spec/config.hpp"
#include "models/dram/spec/timing_rules.hpp"

namespace bondsim {

/// WCK, the data clock of LPDDR5: it runs until n_wckpst after the last data, and a RD or WR that finds it stopped needs a CAS one CK
/// before (nCAS 0: the next CK). JESD209-5B, WCK2CK synchronisation.
class WckSync {
 public:
  explicit WckSync(const DramTiming& timing)
      : always_(timing.n_wckpst < 0),
        read_(timing.n_cl + timing.n_bl_min + timing.n_wckpst),
        write_(timing.n_cwl + timing.n_bl_min + timing.n_wckpst) {}

  /// Whether a RD or WR may come at cycle `t` without CAS.
  bool runs(Cycle t) const { return always_ || t < until_; }
  void accessed(bool write, Cycle t) { until_ = std::max(until_, t + (write ? write_ : read_)); }
  /// First cycle at which it is stopped.
  Cycle until() const { return until_; }
  void restore(Cycle until) { until_ = until; }

 private:
  bool always_;
  Cycle read_;
  Cycle write_;
  Cycle until_ = 0;
};

}  // namespace bondsim
