#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <systemc>
#include <vector>

#include "models/dram/channel/channel.hpp"

namespace bondsim::test {

/// A channel without DRAM: each transfer, and each change of mode, ends a fixed time after it was asked for. It notes what it is asked.
class FakeChannel : public sc_core::sc_module, public ChannelPort {
 public:
  struct Asked {
    Picoseconds at;
    std::int64_t bytes = 0;
    bool write = false;
  };

  FakeChannel(sc_core::sc_module_name name, Picoseconds transfer, Picoseconds mode_change)
      : sc_module(name), transfer_(transfer), mode_change_(mode_change) {
    SC_HAS_PROCESS(FakeChannel);
    SC_METHOD(answer);
    sensitive << due_;
    dont_initialize();
  }

  std::function<void(std::uint64_t)> host_done, hb_done;
  std::function<void(ChannelMode)> mode_done;
  std::vector<Asked> host, hb;
  std::vector<ChannelMode> modes;

  void submit(const HostTransfer& t) override {
    host.push_back({now(), t.extent.bytes(), t.write});
    after(transfer_, [this, tag = t.tag] { host_done(tag); });
  }
  void submit(const HbTransfer& t) override {
    hb.push_back({now(), t.extent.bytes(), t.write});
    after(transfer_, [this, tag = t.tag] { hb_done(tag); });
  }
  void request_mode(ChannelMode mode) override {
    modes.push_back(mode);
    after(mode_change_, [this, mode] { mode_done(mode); });
  }
  ChannelTimes times_until_now() override {
    ChannelTimes times;
    times.free = now();
    return times;
  }
  ChannelCounts counts_until_now(int) override { return {}; }

  static Picoseconds now() { return Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }

 private:
  void after(Picoseconds delay, std::function<void()> call) {
    calls_.emplace((now() + delay).value, std::move(call));
    due_.cancel();
    wait_for_next();
  }
  void wait_for_next() {
    if (!calls_.empty()) due_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>(calls_.begin()->first - now().value)));
  }
  void answer() {
    while (!calls_.empty() && calls_.begin()->first <= now().value) {
      const auto call = std::move(calls_.begin()->second);
      calls_.erase(calls_.begin());
      call();
    }
    wait_for_next();
  }

  Picoseconds transfer_, mode_change_;
  std::multimap<std::int64_t, std::function<void()>> calls_;
  sc_core::sc_event due_;
};

}  // namespace bondsim::test
