#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/schedule/simulation_listener.hpp"
#include "models/system/system.hpp"
#include "sim/trace/gzip_writer.hpp"
#include "sim/trace/window.hpp"

namespace bondsim {

/// Command traces of other people's DRAM power models.
enum class PowerTraceFormat {
  drampower,  ///< DRAMPower 6: timestamp,command,rank,bank group,bank,row,column[,data]; no header; ends with END. The data of RD and WR
              ///< are zeros
  hbmpower    ///< HBM-Power: timestamp,command,channel_id,pseudochannel_id,bankgroup_id,bank_id,row_id,column_id; ends with NOP
};

/// Writes the commands of each channel to `<its name>.drampower.csv` or `.hbmpower.csv`, in cycles of CK. An access through a port (NRD,
/// NWR) is a RD or WR there, whose pins those models price as well; ACT2, CAS, mode changes and bursts past the banks have no like and are
/// left out. For DRAMPower a `.memspec.json` of the part lies beside it.
class PowerTraceWriter : public SimulationListener {
 public:
  /// @param directory exists already. @param system and @param window must outlive the writer.
  PowerTraceWriter(PowerTraceFormat format, std::string directory, const System& system, bool gzip, const TraceWindow& window);

  void command(int channel, const CommandRecord& record) override;
  /// Ends the files. @throws ConfigError when one could not be written.
  void finish();

 private:
  struct File {
    File(const std::string& path, bool gzip) : out(path, gzip) {}
    GzipWriter out;
    std::int64_t last = 0;  ///< cycle
  };
  std::int64_t cycle_of(int channel, Picoseconds time) const;
  void put(File& file, int channel, const char* command, std::int64_t cycle, const CommandRecord& record) const;

  PowerTraceFormat format_;
  std::string directory_;
  const System& system_;
  bool gzip_;
  const TraceWindow& window_;
  std::map<int, File> files_;  ///< by channel
};

/// The part as DRAMPower 6 reads it: organisation, timing and, where the energy table has them, currents by rail.
std::string memspec_json(const System& system, int channel);

/// Commands of one pseudo channel of an HBM-Power trace, in its cycles.
struct PowerCommand {
  std::int64_t cycle = 0;
  DramCommand command = DramCommand::act1;
  std::int32_t bank = -1;
  std::int32_t row = -1;
  std::int32_t column = -1;
  bool closes = false;  ///< RDA, WRA
  bool marks = false;   ///< NOP: the time alone
};

/// Reads a trace of HBM-Power, plain or gzipped. @param banks_per_group of the part. @param take is called with number of the pseudo
/// channel (channel x 2 + pseudo channel) and command. @throws ConfigError `file:line: ...`
void read_hbm_power_trace(const std::string& path, int banks_per_group, const std::function<void(int, const PowerCommand&)>& take);

}  // namespace bondsim
