#pragma once
#include <string>

namespace bondsim::tools {

enum class Plotting { off, where_possible, required };

/// Draws validate.svg and validate.png from the validate.csv in `directory` with tools/plot_validate.py.
/// @return why there are none, in brackets; empty when they are drawn. @throws ConfigError when `required` and not possible
std::string plot_validation(const std::string& directory, Plotting plotting);

/// published.svg and published.png from published.csv with tools/plot_published.py, likewise.
std::string plot_published(const std::string& directory, Plotting plotting);

}  // namespace bondsim::tools
