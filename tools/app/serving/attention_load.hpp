#pragma once
#include <vector>

#include "mapping/llm/batch.hpp"
#include "mapping/plan/plan.hpp"

namespace bondsim::tools {

/// How much attention the PEs of the fullest channel have in a step of decode: heads of unequal contexts lie on unequal channels, and all
/// wait for the last one. In tokens a PE walks through, by operator one after the other; 0 where the PEs have none.
class AttentionLoad {
 public:
  explicit AttentionLoad(const Plan& plan);
  double of(const Batch& batch) const;

 private:
  struct Share {
    std::size_t channel = 0;
    double of_token = 0;  ///< that a PE has of each token of the context
  };
  using Places = std::vector<std::vector<Share>>;  ///< by place

  std::size_t channels_;
  std::vector<Places> operators_;
};

}  // namespace bondsim::tools
