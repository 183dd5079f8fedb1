#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/schedule/simulation_listener.hpp"
#include "models/system/system.hpp"
#include "sim/trace/hub.hpp"

namespace sc_core {
class sc_trace_file;
}

namespace bondsim {

/// Writes `waves.vcd` through SystemC's own tracing: mode, rows, bus, HB ports and PEs of each channel, and what the NPU does, inside the
/// window. Outside of it nothing changes. traces/README.md lists the signals.
class VcdWriter : public SimulationListener {
 public:
  /// @param directory exists already. System and window must outlive the writer.
  VcdWriter(const System& system, const std::string& directory, const TraceWindow& window);
  ~VcdWriter() override;

  void elaborated() override;
  void block_ended(const BlockTrace&) override {}
  void command(int channel, const CommandRecord& record) override;
  void nmp_changed(int channel, const NmpState& state) override;
  void npu_changed(const NpuState& state) override;

  /// Ends the file. @throws ConfigError when it could not be written.
  void finish();

 private:
  struct Bank {
    bool open = false;
    unsigned row = 0;
    bool hb_busy = false;
    int hb_accesses = 0;  ///< under way
  };
  struct Channel {
    unsigned mode = 0;
    bool bus_busy = false;
    int bursts = 0;  ///< under way
    bool pes_busy = false;
    std::deque<Bank> banks;
  };
  class Timer;

  void trace_signals(sc_core::sc_trace_file& file);
  /// `flag` is true from `start` to `end`; `count` keeps how many such spans overlap.
  void span(bool& flag, int& count, Picoseconds start, Picoseconds end);

  const System& system_;
  const TraceWindow& window_;
  std::string path_;
  std::deque<Channel> channels_;
  bool arrays_busy_ = false;
  unsigned vector_tasks_ = 0;
  unsigned dma_transfers_ = 0;
  sc_core::sc_trace_file* file_ = nullptr;
  std::unique_ptr<Timer> timer_;
};

}  // namespace bondsim
