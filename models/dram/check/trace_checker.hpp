#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/dram/spec/config.hpp"
#include "models/dram/spec/hb_config.hpp"

namespace bondsim {

/// One broken rule, with the command that broke it and the one it came too close to (or the one that makes it wrong).
struct TraceViolation {
  std::string rule;
  std::string detail;
  CommandRecord command;
  CommandRecord earlier;
  bool has_earlier = false;
};

/// What the system of a trace models.
struct TraceCheckerOptions {
  bool refresh = true;      ///< refresh comes in time
  bool mode_switch = true;  ///< a mode change takes its time, with all banks precharged
  /// When a trace begins that leaves out what came before. The mode and the open rows at that time are those that the first commands need;
  /// distances to commands before it are not judged, and refresh counts from then on.
  std::optional<Picoseconds> window_from = {};
};

/// Says whether a command trace obeys the datasheet, bank states, bus occupation, refresh and the two modes. It reads the datasheet
/// values itself, command by command, and shares no code with the controller.
///
/// Times are compared exactly for whole-picosecond clocks, and to within the picosecond of rounding for others.
class TraceChecker {
 public:
  /// @param nmp null when the channel has no NMP side.
  TraceChecker(const DramConfig& dram, const ControllerConfig& controller, const BankPorts* nmp, const TraceCheckerOptions& options = {});

  /// Commands in the order of the trace.
  void command(const CommandRecord& record);
  /// The trace ends at `t`: refresh must not be overdue.
  void finish(Picoseconds t);

  /// For so long after the begin of a window distances to commands before it may be missed.
  Picoseconds longest_distance() const;

  std::int64_t commands() const { return commands_; }
  std::int64_t violations() const { return violations_; }
  const std::map<std::string, std::int64_t>& by_rule() const { return by_rule_; }
  /// The first few.
  const std::vector<TraceViolation>& first() const { return first_; }

 private:
  using C = DramCommand;
  static constexpr std::int64_t long_ago = INT64_MIN / 2;
  struct Seen {
    CommandRecord record;
    bool any = false;
  };
  using Last = std::array<Seen, dram_commands>;
  struct Row {
    std::int32_t row = -1;
    bool half_open = false;  ///< ACT1 came, ACT2 did not
    bool unknown = false;    ///< of a window: no command has told yet
    CommandRecord opened;
  };
  struct Bank {
    std::array<Row, 2> rows;  ///< by subarray
    std::array<Last, 2> last;
    std::int64_t access_end = long_ago;  ///< behind the HB port
    std::int64_t write_end = long_ago;
    CommandRecord access;
  };

  void judge(const CommandRecord& record);
  void await_mode(const CommandRecord& record);
  void judge_held();
  void learn_row(Row& row);
  void learn_all_closed();
  void act1();
  void act2();
  bool cas_served() const;
  void column(bool after_cas);
  void precharge();
  void precharge_all();
  void refresh_all();
  void refresh_bank();
  void hb_access();
  void buffer_burst();
  void mode_change();
  void close(Bank& bank, std::size_t sub);
  void half_open_too_long();
  void refresh_in_time();
  void refreshed(double interval_ns);
  void count_activate();
  void lower_counts(int first_bank, int step, bool by_rfm);

  void fail(const std::string& rule, const std::string& detail, const Seen* earlier = nullptr);
  void need(const char* rule, const Seen& earlier, std::int64_t cycles);
  void need_ps(const char* rule, const Seen& earlier, std::int64_t from, std::int64_t ps);
  void need_bank(const char* rule, C earlier, std::int64_t cycles);
  void need_group(const char* rule, C earlier, std::int64_t cycles);
  void need_rank(const char* rule, C earlier, std::int64_t cycles);
  std::int64_t span(std::int64_t cycles) const;
  std::int64_t cycles_of(double ns) const;
  bool on_edge(std::int64_t t) const;
  std::size_t sub_of(std::int32_t row) const { return overlap_ && in_nmp_ && row >= 0 ? static_cast<std::size_t>(row % 2) : 0; }
  Bank& bank() { return banks_[static_cast<std::size_t>(now_.bank)]; }
  bool all_closed() const;  ///< of the rank
  void note();

  DramConfig dram_;
  ControllerConfig controller_;
  BankPorts nmp_;
  bool has_nmp_;
  bool overlap_ = false;
  bool refresh_checked_;
  bool switch_timed_;
  std::int64_t mode_change_ps_ = 0;
  std::int64_t period_numerator_ = 0;  ///< CK period in picoseconds, as a fraction
  std::int64_t period_denominator_ = 1;

  bool mode_known_ = true;
  std::vector<CommandRecord> held_;  ///< of a window, until one tells the mode

  CommandRecord now_;
  std::int64_t commands_ = 0;
  std::int64_t violations_ = 0;
  std::map<std::string, std::int64_t> by_rule_;
  std::vector<TraceViolation> first_;

  bool in_nmp_ = false;
  Seen previous_;
  std::array<Seen, 2> previous_on_;  ///< of pseudo channels: by their bus for commands to rows, and that to columns
  Seen mode_;
  /// A rank's commands, its last four ACT1, oldest first, and how far it is refreshed.
  struct Rank {
    Last last;
    std::array<Seen, 4> acts;
    std::int64_t refreshed_until_ps = 0;
  };
  Rank& rank() { return ranks_[rank_index()]; }
  /// Of the present command; the first one's where it goes to all.
  std::size_t rank_index() const {
    return now_.bank < 0 ? 0 : static_cast<std::size_t>(now_.bank / (dram_.organization.bank_groups * dram_.organization.banks_per_group));
  }
  std::int32_t rank_banks() const { return static_cast<std::int32_t>(banks_.size() / ranks_.size()); }
  /// A pseudo channel's data bus: until when it is taken, and by which command.
  struct DataBus {
    std::int64_t free = long_ago;
    Seen user;
  };
  DataBus& data_bus() { return buses_[now_.bank < 0 ? 0 : static_cast<std::size_t>(now_.bank) / (banks_.size() / buses_.size())]; }
  void command_bus();
  bool in_rank(std::size_t bank) const { return ranks_.size() == 1 || bank / (banks_.size() / ranks_.size()) == rank_index(); }

  std::vector<DataBus> buses_;  ///< by pseudo channel
  std::vector<Rank> ranks_;     ///< of all pseudo channels
  std::vector<Last> groups_;
  std::vector<Bank> banks_;
  std::int64_t wck_until_ = 0;     ///< WCK has stopped from then on
  Seen cas_;                       ///< the command before, if it was a CAS
  double refresh_rate_ = 1;        ///< refresh commands in tREFI at the part's temperature
  bool from_begin_ = true;         ///< the trace has all commands from time 0 on
  std::vector<std::int64_t> raa_;  ///< activates of each bank, less what REF and RFM made up for; empty: not judged
};

}  // namespace bondsim
