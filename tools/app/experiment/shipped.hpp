#pragma once
#include <string>
#include <vector>

#include "models/base/schema.hpp"

namespace bondsim::tools {

/// Finds a file that comes with bondsim, by its path in the source tree (`tools/plot_validate.py`): below `share/bondsim` in a
/// folder above an installed program or Python module, in the source tree of one that was just built. @throws ConfigError naming both when
/// it is in neither.
std::string shipped(const std::string& path);
/// The directory of the configurations that come with bondsim. @throws ConfigError
std::string shipped_configs();

/// A file the user names: as it is when it exists; else the shipped one of that name, with or without `configs/`, the folder of its kind
/// and `.yaml` (`experiment/h2llm-llama3-8b-sharegpt`, `h2llm-llama3-8b-sharegpt`). What is found nowhere is returned as it is, for the
/// reader's message.
/// @param kinds folders of configs/ that the name may stand in alone, in the order they are looked into
/// @throws ConfigError when nothing is found and a shipped name is near
std::string find_input(const std::string& name, const std::vector<std::string>& kinds);

/// Kinds of configuration files, in the order a newcomer meets them.
const std::vector<std::string>& schema_names();

/// Folder of configs/ that has the files of a kind.
std::string config_folder(const std::string& kind);

/// @throws ConfigError listing the kinds.
Schema schema_of(const std::string& name);

/// The comment at the top of a file, its first sentence on one line.
std::string first_comment(const std::string& file);

}  // namespace bondsim::tools
