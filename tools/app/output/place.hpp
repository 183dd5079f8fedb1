#pragma once
#include <string>

namespace bondsim::tools {

/// Where an output directory will stand: absolute, without `.` and `..`, links of the folders above it resolved; its own name is not
/// followed. Folders above that are missing are made.
/// @throws ConfigError for `/`, the working directory, a folder above it, a link, and what is no directory; IoError when it cannot be made.
std::string place_of_directory(const std::string& asked);

/// Likewise of a single file. @throws ConfigError when something stands there that is no regular file; IoError.
std::string place_of_file(const std::string& asked);

/// A terminal, pipe or other device, which is written to and never replaced.
bool is_stream(const std::string& path);

/// `--out o: what: No space left on device`, by errno as it is now.
[[noreturn]] void io_error(const std::string& asked, const std::string& what);

/// Writes everything to a new file; another of that name, or a link, is an error. The data is on the disk when it returns. @throws IoError
void write_new_file(const std::string& path, const std::string& content);

/// Puts a file, or the entries of a directory, on the disk, where the file system can. @throws IoError
void sync_path(const std::string& path);

}  // namespace bondsim::tools
