#pragma once
#include <boost/random/mersenne_twister.hpp>
#include <cstdint>
#include <memory>

#include "mapping/serving/requests/requests_config.hpp"
#include "mapping/serving/requests/trace_reader.hpp"

namespace bondsim::serving {

using Random = boost::random::mt19937_64;

/// Tokens of made requests, one request after the other.
class Lengths {
 public:
  struct Pair {
    std::int64_t prompt = 0;
    std::int64_t output = 0;
  };
  explicit Lengths(const RequestsConfig& config) : config_(config) {}
  /// @throws ConfigError for a file of lengths that is no trace, or has no rows
  Pair next(Random& random);

 private:
  Pair of_file();

  RequestsConfig config_;
  std::unique_ptr<TraceReader> trace_;
};

}  // namespace bondsim::serving
