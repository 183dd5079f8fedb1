#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bondsim::test {

/// The figures of one run that must not change unnoticed: `row` (`operator.decode.q.nmp`) to its cells (`macs` to `1234`), as text.
/// Times are whole picoseconds, energies every digit that results.json prints, traffic bytes. Wall time, digests and file names are left
/// out.
using Compact = std::map<std::string, std::map<std::string, std::string>>;

/// @param results a results.json
Compact compact_of(const nlohmann::json& results);

/// One row a line: `row cell=value cell=value`, below `heading` as a comment.
std::string to_text(const Compact& compact, const std::string& heading);
Compact parse_compact(const std::string& text);

/// The differing cells, one a line: `row cell: golden 12, now 13 (+8.3 %)`. At most `limit` lines, then how many more. Empty when equal.
std::string difference(const Compact& golden, const Compact& now, std::size_t limit = 20);

}  // namespace bondsim::test
