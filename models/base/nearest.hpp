#pragma once
#include <string>
#include <vector>

namespace bondsim {

/// The name that differs least from what was written: at most three letters added, left out or changed, and fewer than it is long. The
/// first of several; empty when none is that near.
std::string nearest_name(const std::string& written, const std::vector<std::string>& names);

/// `, did you mean 'NAME'?`, or nothing.
std::string did_you_mean(const std::string& written, const std::vector<std::string>& names);

}  // namespace bondsim
