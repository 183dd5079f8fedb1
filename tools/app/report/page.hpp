#pragma once
#include <string>

#include "tools/app/report/inputs.hpp"

namespace bondsim::tools::report {

/// One HTML file with everything in it: style, charts, data. Opens no connection.
std::string page(const Json& inputs, const std::string& version);

}  // namespace bondsim::tools::report
