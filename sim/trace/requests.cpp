#include "sim/trace/requests.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "models/base/error.hpp"
#include "sim/trace/text_lines.hpp"

namespace bondsim {
namespace {

constexpr const char* form = "'[arrival_ns] R|W 0x<hex byte address>'";

/// Takes the next word of `line` off it.
std::string_view word(std::string_view& line) {
  const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
  const std::string_view found = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return found;
}

Picoseconds arrival_of(std::string_view text, const TextLines& lines) {
  double ns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(ns) || ns < 0 || ns > 1e15) {
    lines.fail(fmt::format("'{}' is neither R, W nor an arrival time in ns, allowed: {}", text, form));
  }
  return Picoseconds(std::llround(ns * 1000.0));
}

std::int64_t address_of(std::string_view text, const DramOrganization& organization, const TextLines& lines) {
  std::int64_t address = 0;
  const bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  const auto [end, error] = std::from_chars(text.data() + (hex ? 2 : 0), text.data() + text.size(), address, 16);
  if (!hex || error != std::errc() || end != text.data() + text.size() || address < 0) {
    lines.fail(fmt::format("'{}' is not an address, allowed: 0x and hexadecimal digits", text));
  }
  if (address >= organization.channel_bytes()) {
    lines.fail(fmt::format("{} is outside the channel, allowed: below {:#x}", text, organization.channel_bytes()));
  }
  if (address % organization.access_bytes() != 0) {
    lines.fail(fmt::format("{} is not a whole burst, allowed: multiples of {} B", text, organization.access_bytes()));
  }
  return address;
}

}  // namespace

std::vector<ListedRequest> read_requests(const std::string& path, const AddressMap& map, const DramOrganization& organization) {
  TextLines lines(path);
  std::vector<ListedRequest> requests;
  Picoseconds latest;
  std::string_view line;
  while (lines.next(line)) {
    line = line.substr(0, line.find('#'));
    std::string_view kind = word(line);
    if (kind.empty()) continue;
    ListedRequest request;
    if (kind != "R" && kind != "W") {
      request.arrival = arrival_of(kind, lines);
      if (request.arrival < latest) lines.fail(fmt::format("arrival at {} ns goes back, the request before came later", kind));
      latest = request.arrival;
      kind = word(line);
    }
    if (kind != "R" && kind != "W") lines.fail(fmt::format("'{}' is not R or W, allowed: {}", kind, form));
    request.write = kind == "W";
    request.at = map.decode(address_of(word(line), organization, lines));
    if (const std::string_view rest = word(line); !rest.empty())
      lines.fail(fmt::format("'{}' follows the address, allowed: {}", rest, form));
    request.id = requests.size();
    requests.push_back(request);
  }
  return requests;
}

}  // namespace bondsim
