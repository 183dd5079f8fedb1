#pragma once
#include <string_view>

/// Files of tools/report/ and the chart library, as they were when bondsim was built.
namespace bondsim::tools::report {

std::string_view page_template();
std::string_view style();
std::string_view script();
/// Empty when the library could not be fetched at build time.
std::string_view chart_library();

}  // namespace bondsim::tools::report
