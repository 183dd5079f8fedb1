#include "tools/app/experiment/found_dataflow.hpp"

#include "mapping/plan/plan.hpp"

namespace bondsim::tools {
namespace {

/// Shares of all channels' bytes that the search leaves free beyond embedding and LM head.
constexpr double free_shares[] = {0, 0.005, 0.02, 0.06, 0.15};

}  // namespace

search::DeviceDataflow find_fitting_dataflow(search::DeviceQuestion question, const TilingOverrides& tiling) {
  const System& system = *question.system;
  const double outside = search::bytes_outside_layers(*question.model);
  const double memory = static_cast<double>(system.dram.organization.channel_bytes()) * system.channel_count();
  std::string reason;
  for (const double share : free_shares) {
    question.reserved_bytes = outside + share * memory;
    search::DeviceDataflow found;
    try {
      found = search::find_dataflow(question);
    } catch (const InfeasibleError&) {
      if (reason.empty()) throw;
      break;  // for what is left free, not for what the memory lacks
    }
    try {
      make_plan(system, *question.model, *question.workload, found.dataflow, tiling);
      return found;
    } catch (const InfeasibleError& error) {
      reason = error.what();
    }
  }
  throw InfeasibleError(reason);
}

}  // namespace bondsim::tools
