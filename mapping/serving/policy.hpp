#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mapping/serving/sequence.hpp"
#include "mapping/serving/serving_config.hpp"

namespace bondsim::serving {

/// An iteration in the making, as a policy sees it. What the policy adds it gets, as far as places, tokens and pages reach.
class Turn {
 public:
  virtual ~Turn() = default;
  virtual const BatchingConfig& config() const = 0;
  /// Requests with a place, in the order in which they got it. Changes with admit(), and with add(), which may take a place away.
  virtual const std::vector<Sequence*>& running() const = 0;
  /// The request that waits longest; null when none waits.
  virtual const Sequence* waiting() const = 0;
  /// Gives the longest waiting request a place; null when none waits, or there is no place or no room for it.
  virtual Sequence* admit() = 0;
  /// Its next tokens become part of the iteration. Where pages are missing, requests that got their place later lose it.
  /// @return false when it has lost its own
  virtual bool add(Sequence& sequence, std::int64_t tokens) = 0;
  /// New tokens in the iteration so far.
  virtual std::int64_t tokens() const = 0;
};

/// Chooses what each iteration takes. Knows no length of an answer in advance.
class Policy {
 public:
  virtual ~Policy() = default;
  /// Adds to the turn. Leaves it empty only when nothing runs and nothing can be admitted.
  virtual void choose(Turn& turn) = 0;
};

/// In the order of documentation.
const std::vector<std::string>& policy_names();
bool is_policy(const std::string& name);
/// @pre is_policy(config.policy)
std::unique_ptr<Policy> make_policy(const BatchingConfig& config);

/// Adds all requests that decode, the longest running first.
void add_decodes(Turn& turn);
/// Adds whole texts of requests that have a place and do not decode yet, as far as max_batched_tokens reach; one that is longer goes alone.
void add_prompts(Turn& turn);
/// Whether the longest waiting request's text fits the turn as a whole.
bool prompt_fits(const Turn& turn);
/// Adds at most `budget` tokens of texts, those of running requests first, then of waiting ones.
void add_chunks(Turn& turn, std::int64_t budget);

std::unique_ptr<Policy> make_static();
std::unique_ptr<Policy> make_prefill_first();
std::unique_ptr<Policy> make_decode_first();
std::unique_ptr<Policy> make_chunked_prefill();
std::unique_ptr<Policy> make_co_processing();

}  // namespace bondsim::serving
