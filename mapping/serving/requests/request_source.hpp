#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "mapping/serving/requests/requests_config.hpp"
#include "models/base/quantity.hpp"

namespace bondsim::serving {

/// What a user asks for.
struct Request {
  std::int64_t id = 0;  ///< its number in the run, from 0
  Picoseconds arrival;  ///< from the run's start
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 0;      ///< the scheduler does not know it: a request ends when its last token comes
  std::vector<std::int64_t> prefixes;  ///< hash of each whole block of prefix_block_tokens of the prompt, the blocks before it included
};

/// Tokens of the blocks whose hashes Mooncake's traces have.
constexpr std::int64_t prefix_block_tokens = 512;

/// Requests in order of arrival.
class RequestSource {
 public:
  virtual ~RequestSource() = default;
  /// The next one, null when none is known: closed loops know more when a request has ended. Valid until take() or ended().
  virtual const Request* peek() = 0;
  /// Hands out what peek() shows. @pre it shows one
  virtual Request take() = 0;
  /// A request has ended: its user thinks, then asks again.
  virtual void ended(const Request& request, Picoseconds now) = 0;
};

/// @throws ConfigError, here or from peek(), for a file that is not a trace, with file and line
std::unique_ptr<RequestSource> make_request_source(const RequestsConfig& config);

}  // namespace bondsim::serving
