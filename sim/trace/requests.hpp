#pragma once
#include <string>
#include <vector>

#include "models/dram/host/host_controller.hpp"
#include "models/dram/spec/address_map.hpp"

namespace bondsim {

/// Reads memory requests, one a line: `[arrival_ns] R|W 0x<hex byte address>`, one burst each; `#` begins a comment. Without an arrival
/// time a request comes as fast as the queue accepts it. Plain or gzipped.
/// @throws ConfigError `file:line: ...` for a line that is not one, an address outside the channel or not of a whole burst, or a time that
/// goes back.
std::vector<ListedRequest> read_requests(const std::string& path, const AddressMap& map, const DramOrganization& organization);

}  // namespace bondsim
