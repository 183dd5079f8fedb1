#include <benchmark/benchmark.h>

#include <cstdlib>
#include <ctime>

#include "models/dram/channel/channel_module.hpp"
#include "models/system/load.hpp"
#include "tests/support/paths.hpp"
#include "tools/app/processes/isolate.hpp"

/// Speed of a channel in the kernel: memory requests a second, and GB through HB ports a second of wall time, with trains off and on.
/// Each measurement simulates in a process of its own (SystemC elaborates once a process) and times what comes after elaboration.
namespace bondsim {
namespace {

enum Pattern { sequential, random_reads, mixed };

System channel_system() {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  ConfigNode node = load_yaml_file(bondsim::tests::source_dir() + "/configs/system/lpddr5-8gb-channel.yaml");
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  return decode_system(node, "system");
}

std::vector<ListedRequest> requests_of(Pattern pattern, const System& system, std::int64_t count) {
  const AddressMap map(system.controller.address_map, system.dram.organization);
  std::vector<ListedRequest> requests;
  std::uint32_t x = 12345;
  const auto next = [&x] { return x = 1664525U * x + 1013904223U; };
  for (std::int64_t i = 0; i < count; ++i) {
    ListedRequest request;
    const std::int64_t address = pattern == sequential ? 32 * i : static_cast<std::int64_t>(next() >> 7) * 32;
    request.at = map.decode(address % system.dram.organization.channel_bytes());
    request.write = pattern == mixed && (next() >> 16) % 10 < 3;
    requests.push_back(request);
  }
  return requests;
}

struct Driver : sc_core::sc_module, ChannelListener {
  std::function<void()> begin_work;
  std::function<void()> in_nmp_mode;
  explicit Driver(sc_core::sc_module_name name) : sc_module(name) {
    SC_HAS_PROCESS(Driver);
    SC_METHOD(begin);
  }
  void begin() { begin_work(); }
  void host_transfer_done(int, std::uint64_t) override {}
  void hb_transfer_done(int, std::uint64_t) override {}
  void mode_reached(int, ChannelMode) override { in_nmp_mode(); }
};

/// Seconds of CPU time that sc_start takes, measured in a child process; a busy machine does not change them much.
double seconds_of_run(const std::function<void(DramChannel&, Driver&)>& prepare, const NmpConfig* nmp, bool trains) {
  const std::string text = run_isolated([&] {
    const System system = channel_system();
    ChannelSwitches switches;
    switches.column_trains = trains;
    DramChannel channel("channel", 0, system.dram, system.controller, nmp, switches, nullptr);
    Driver driver("driver");
    channel.bind_listener(driver, &driver);
    prepare(channel, driver);
    const std::clock_t began = std::clock();
    sc_core::sc_start();
    channel.flush();
    return std::to_string(static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC);
  });
  return std::stod(text);
}

void requests(benchmark::State& state) {
  const auto pattern = static_cast<Pattern>(state.range(0));
  const std::int64_t count = 1'000'000;
  const auto list = requests_of(pattern, channel_system(), count);
  for (auto _ : state) {
    state.SetIterationTime(seconds_of_run(
        [&](DramChannel& channel, Driver& driver) { driver.begin_work = [&] {
                                                      channel.submit({list.data(), list.size()}, 0, 0);
                                                    }; },
        nullptr, state.range(1) != 0));
  }
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(requests)
    ->ArgNames({"pattern", "trains"})
    ->ArgsProduct({{sequential, random_reads, mixed}, {0, 1}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

/// An extent of 64 MiB read by the host, as weights are.
void host_extent(benchmark::State& state) {
  const std::int64_t bytes = 64LL << 20;
  for (auto _ : state) {
    state.SetIterationTime(seconds_of_run(
        [&](DramChannel& channel, Driver& driver) {
          driver.begin_work = [&] {
            HostTransfer transfer;
            transfer.extent.banks = 16;
            transfer.extent.bytes_per_bank = bytes / 16;
            channel.submit(transfer);
          };
        },
        nullptr, state.range(0) != 0));
  }
  state.SetItemsProcessed(state.iterations() * bytes / 32);
  state.SetBytesProcessed(state.iterations() * bytes);
}
BENCHMARK(host_extent)->ArgName("trains")->Arg(0)->Arg(1)->UseManualTime()->Unit(benchmark::kMillisecond);

/// 16 banks streaming through their HB ports.
void hb_stream(benchmark::State& state) {
  NmpConfig nmp = channel_system().nmp;
  const std::int64_t bytes = state.range(0) != 0 ? 1LL << 30 : 64LL << 20;
  for (auto _ : state) {
    state.SetIterationTime(seconds_of_run(
        [&](DramChannel& channel, Driver& driver) {
          driver.begin_work = [&] { channel.request_mode(ChannelMode::nmp); };
          driver.in_nmp_mode = [&] {
            HbTransfer transfer;
            transfer.extent.banks = 16;
            transfer.extent.bytes_per_bank = bytes / 16;
            channel.submit(transfer);
          };
        },
        &nmp, state.range(0) != 0));
  }
  state.SetBytesProcessed(state.iterations() * bytes);
}
BENCHMARK(hb_stream)->ArgName("trains")->Arg(0)->Arg(1)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bondsim

BENCHMARK_MAIN();
