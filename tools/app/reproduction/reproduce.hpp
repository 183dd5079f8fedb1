#pragma once
#include <optional>
#include <string>

#include "tools/app/reproduction/headlines.hpp"
#include "tools/app/reproduction/tables.hpp"

namespace bondsim::tools {

/// The experiments of a paper, or a part of them.
struct ReproductionRequest {
  std::string config;         ///< file (bondsim.reproduction/1)
  std::string tier = "both";  ///< analytical, cycle, both
  std::string out;            ///< directory for the tables
  bool quick = false;         ///< the part that the file calls quick
  RunSelection part;          ///< only these; empty lists are all
  int jobs = 0;               ///< worker processes; 0: one a processor
};

/// Hears of a reproduction while it goes on.
class ReproductionListener {
 public:
  virtual ~ReproductionListener() = default;
  virtual void progress(std::int64_t /*done*/, std::int64_t /*all*/) {}
  virtual void stage_ended() {}
  /// A worker that died.
  virtual void report(const std::string& /*text*/) {}
};

/// Outcome of a reproduction: its findings, and the tables beside the paper's figures.
struct ReproductionResult {
  Reproduction reproduction;
  Findings findings;
  std::vector<HeadlineRow> headlines;  ///< of `reproduction`
  std::vector<CsvTable> sweeps;        ///< a table each
  CsvTable splits;                     ///< channel_split.csv
  std::string files;                   ///< written, as a list
};

/// Judges all runs and devices with worker processes, or with those of all ranks of an MPI job, and writes the tables. Answers are kept
/// beside `out` until then, so that a reproduction that was ended goes on.
/// @return nullopt in a rank that worked for another. @throws ConfigError, IoError
std::optional<ReproductionResult> reproduce(const ReproductionRequest& request, ReproductionListener& listener);

}  // namespace bondsim::tools
