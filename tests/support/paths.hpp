#pragma once
#include <string>

namespace bondsim::tests {

/// The checkout, the build tree and the built command, absolute. One file knows them, so that all others compile to the same objects in any
/// directory.
const std::string& source_dir();
const std::string& build_dir();
const std::string& binary();

}  // namespace bondsim::tests
