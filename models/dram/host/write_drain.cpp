#include "models/dram/host/write_drain.hpp"

namespace bondsim {

WriteDrain::WriteDrain(const ControllerConfig& controller, double ck_mhz)
    : high_percent_(controller.write_high_percent),
      low_percent_(controller.write_low_percent),
      longest_wait_(cycles_of_ns(controller.write_wait_ns, ck_mhz)) {}

bool WriteDrain::overdue_among(std::uint64_t banks, Cycle t, const RowBuffers& rows, const RequestQueues& queues) const {
  for (std::uint64_t mask = banks; mask != 0; mask &= mask - 1) {
    const RowBuffers::Buffer& buffer = rows.at(__builtin_ctzll(mask));
    if (queues.at(buffer.active).write && t - buffer.act1 >= longest_wait_) return true;
  }
  return false;
}

}  // namespace bondsim
