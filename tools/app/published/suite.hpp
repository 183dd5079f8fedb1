#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tools/app/experiment/target.hpp"

namespace bondsim::tools {

/// A figure simulated.
struct FigureResult {
  std::string target;
  PublishedFigure figure;
  double least = 0, most = 0;  ///< allowed ratios
  double ours = 0;

  double ratio() const { return ours / figure.published; }
  bool kept() const { return ratio() >= least && ratio() <= most; }
};

/// Simulates a figure of a target in processes of its own, in the figure's unit. @throws ConfigError, InfeasibleError
double measure(const Target& target, const PublishedFigure& figure);

/// All figures of a target. @param done called after each
std::vector<FigureResult> run_target(const Target& target, const std::function<void()>& done = {});

/// target, figure, unit, published, ours, ratio, least, most, kept, source, cause: a line a figure.
std::string published_csv(const std::vector<FigureResult>& results);

/// Ours beside theirs, what either contains, and why they differ.
std::string published_text(const Target& target, const std::vector<FigureResult>& results);

}  // namespace bondsim::tools
