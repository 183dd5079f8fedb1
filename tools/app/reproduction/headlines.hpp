#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/base/csv_table.hpp"
#include "tools/app/reproduction/findings.hpp"

namespace bondsim::tools {

/// One factor, or the least and the largest share in percent; empty without runs.
struct Figure {
  std::vector<double> values;
  int runs = 0;
};

/// A change that brings a figure nearer to the published one.
struct Cause {
  std::string change;  ///< row policy or change
  Figure moved;        ///< the figure with the change
  int runs = 0;        ///< that show it
};

/// A headline at a tier and, of the cycle tier, under a row policy.
struct HeadlineRow {
  Headline headline;
  std::string tier;
  std::size_t policy = 0;
  Figure found;
  std::optional<Cause> cause;  ///< of a difference of more than 10 %; none: no change that was tried shows it

  /// Published values, as `found`; empty: not in print.
  std::vector<double> published() const;
  bool differs() const;
};

/// Headlines computed from findings, the causes of differences sought among the changes.
class Headlines {
 public:
  /// @param splits worst over best transfers, of the headline channel_split
  Headlines(const Reproduction& reproduction, const Inputs& inputs, const Findings& findings, std::vector<double> splits);

  std::vector<HeadlineRow> rows() const;
  Figure figure(const Headline& headline, const std::string& tier, std::size_t variant, const RunSelection& part) const;

 private:
  Figure factor(const Headline& headline, const std::string& tier, std::size_t variant, const RunSelection& part) const;
  Figure share(const Headline& headline, const std::string& tier, std::size_t variant, const RunSelection& part) const;
  std::optional<Cause> cause(const HeadlineRow& row) const;
  std::optional<Cause> moved_by(const HeadlineRow& row, std::size_t variant) const;

  const Reproduction& r_;
  const Inputs& inputs_;
  const Findings& findings_;
  std::vector<double> splits_;
};

/// headlines.csv: headline, tier, rows, published, published_most, found, found_most, ratio, ratio_most, within_10_percent, cause,
/// with_cause, with_cause_most, cause_runs, runs.
CsvTable headline_table(const Reproduction& reproduction, const std::vector<HeadlineRow>& rows);

/// changes.csv: what every change makes of every headline, on the part that changes are made on.
CsvTable change_table(const Reproduction& reproduction, const Headlines& headlines);

/// The table of a sweep: value, system, batch, runs, speedup, decode_speedup, decode_energy, decode_energy_paper_table of `of` over it.
CsvTable sweep_table(const Reproduction& reproduction, const Sweep& sweep, const Headlines& headlines);

}  // namespace bondsim::tools
