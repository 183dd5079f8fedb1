#include "mapping/tiling/port_stream.hpp"

#include <gtest/gtest.h>

namespace bondsim {
namespace {

/// 100 B are 4 bursts: on the edge after 5.5 ns, 3 times 2 ns, and 20 ns from the last command to the end of its data.
TEST(PortStream, bursts_over_the_bus_without_refresh_follow_one_another) {
  PortTiming timing;
  timing.ck = 1000;
  timing.bus_bytes = 32;
  timing.bus_burst = 2000;
  timing.bus_read = 20000;
  timing.bus_write = 12000;
  PortStream port(timing, 0, 0);
  EXPECT_EQ(port.move_over_bus(100, false, 5500), 6000 + 3 * 2000 + 20000);
  EXPECT_EQ(port.move_over_bus(32, true, 10000), 32000 + 12000) << "behind the bursts before";
}

}  // namespace
}  // namespace bondsim
