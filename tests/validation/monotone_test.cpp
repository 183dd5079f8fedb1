#include <gtest/gtest.h>

#include "tests/support/inputs.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/scale.hpp"

/// More of a resource never makes a run slower by more than 1 %, over random systems and models.
namespace bondsim::test {
namespace {

constexpr std::uint64_t first_seed = 5200;
constexpr int cases = 15;

std::int64_t total_ps(const Case& c) {
  return std::stoll(simulate_isolated(c, {}, [](const Results& r) { return std::to_string(r.total.value); }));
}

void as_drawn(System&) {}

/// @param on what every case is set to, @param change what makes it faster, @param most of the time before
template <class Change, class Setting = void (*)(System&)>
void expect_no_slower(Change change, Setting on = as_drawn, double most = 1.01) {
  for (int i = 0; i < scaled(cases); ++i) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(i);
    Case before = random_case(seed);
    before.workload.layers = LayerMode::all;  // a refresh that falls into the one simulated layer would be multiplied
    on(before.system);
    Case after = before;
    change(after.system);
    const auto slow = static_cast<double>(total_ps(before)), fast = static_cast<double>(total_ps(after));
    EXPECT_LE(fast, slow * most) << "seed " << seed << ": " << describe(before);
  }
}

TEST(Monotone, twice_the_hb_bandwidth) {
  // Faster accesses of the same size: a wider port would also make the padding of small operands larger.
  expect_no_slower([](System& s) { s.nmp.hb.bandwidth_gbps *= 2; });
}
TEST(Monotone, twice_the_bus_bandwidth) {
  expect_no_slower([](System& s) {
    s.dram.organization.device_width_bits *= 2;
    s.dram.organization.columns /= 2;
  });
}
TEST(Monotone, two_pseudo_channels_of_half_the_banks_instead_of_one) {
  expect_no_slower(
      [](System& s) {
        s.dram.organization.pseudo_channels = 2;
        s.dram.organization.bank_groups /= 2;
      },
      [](System& s) {
        s.nmp.activate_policy = ActivatePolicy::all_bank;
        s.controller.refresh = RefreshKind::all_bank;
        s.dram.timing.n_wckpst = -1;
      });
}
TEST(Monotone, twice_the_weight_buffer) {
  expect_no_slower([](System& s) { s.nmp.pe.weight_buffer_kib *= 2; });
}
TEST(Monotone, twice_the_output_buffer) {
  expect_no_slower([](System& s) { s.nmp.pe.output_buffer_kib *= 2; });
}
TEST(Monotone, twice_the_input_buffer) {
  expect_no_slower([](System& s) { s.nmp.input_buffer_kib *= 2; });
}
TEST(Monotone, buffers_that_hold_everything) {
  expect_no_slower([](System& s) { s.fidelity.finite_buffers = false; }, [](System& s) { s.fidelity.finite_buffers = true; });
}
/// Attention of 16 requests streams K and V from the same channels side by side: small pieces of each would close the others' rows.
TEST(Monotone, buffers_that_hold_everything_beside_many_streams) {
  Case c;
  c.system = shipped_system("h2llm");
  c.model = shipped_model("llama-3-8b");
  c.model.layers = 1;
  c.workload = testing::lengths(16, 700, 1);
  c.dataflow = testing::dataflow("fc_offloading");
  const auto decode = [&c](bool finite) {
    c.system.fidelity.finite_buffers = finite;
    return std::stoll(simulate_isolated(c, {}, [](const Results& r) { return std::to_string(r.decode().value); }));
  };
  EXPECT_LE(decode(false), decode(true));
}
TEST(Monotone, twice_the_fpus) {
  expect_no_slower([](System& s) { s.nmp.pe.fpus *= 2; });
}
TEST(Monotone, twice_the_pe_clock) {
  expect_no_slower([](System& s) { s.nmp.pe.clock_mhz *= 2; });
}
TEST(Monotone, twice_the_nmp_channels) {
  expect_no_slower([](System& s) { s.set_channels(2 * s.nmp_channel_count(), static_cast<int>(s.normal_channels().size())); });
}
/// Cases on in-die PEs.
template <class Change>
void expect_in_die_no_slower(Change change) {
  expect_no_slower(change, [](System& s) {
    s.nmp.placement = NmpPlacement::in_die;
    s.nmp.pe.double_buffered_weights = false;
    s.nmp.pe.rows_per_read = 1;
  });
}

TEST(Monotone, access_and_macs_pipelined) {
  expect_in_die_no_slower([](System& s) { s.nmp.pe.pipelined_access = true; });
}
TEST(Monotone, more_rows_of_activations_a_read) {
  expect_in_die_no_slower([](System& s) { s.nmp.pe.rows_per_read = 2; });
  expect_in_die_no_slower([](System& s) { s.nmp.pe.rows_per_read = 0; });
}
TEST(Monotone, below_85_c_instead_of_above) {
  expect_no_slower([](System& s) { s.dram.temperature_c = 85; }, [](System& s) { s.dram.temperature_c = 95; });
}
TEST(Monotone, all_banks_opened_at_once_instead_of_staggered) {
  expect_no_slower([](System& s) { s.nmp.activate_policy = ActivatePolicy::all_bank; },
                   [](System& s) { s.nmp.activate_policy = ActivatePolicy::staggered; });
}
TEST(Monotone, no_refresh_instead_of_either_kind) {
  for (const RefreshKind kind : {RefreshKind::all_bank, RefreshKind::per_bank}) {
    expect_no_slower([](System& s) { s.controller.refresh = RefreshKind::none; }, [&](System& s) { s.controller.refresh = kind; });
  }
}
/// REFpb keeps a bank away for half as long as REFab, and streams gain by it (HbRefresh,
/// banks_refreshed_in_turns_lose_their_own_time_and_no_more). It is no rule for every case: PEs that wait for one another after each piece
/// (a single weight buffer, or operators of a few pieces) meet the refreshes of all banks one after the other, so there it may cost more.
/// By how much is bounded here.
TEST(Monotone, banks_refreshed_in_turns_cost_little_more_where_they_hide_nothing) {
  expect_no_slower([](System& s) { s.controller.refresh = RefreshKind::per_bank; }, as_drawn, 1.06);
}
TEST(Monotone, blocks_of_tokens_as_the_mapper_chooses_instead_of_all_at_once) {
  // The mapper compares by an estimate, which is within 5 % of the tasks' times.
  expect_no_slower([](System& s) { s.npu.prefill_block_tokens = 0; }, [](System& s) { s.npu.prefill_block_tokens = 1 << 20; }, 1.05);
}
TEST(Monotone, twice_the_scratchpad) {
  expect_no_slower([](System& s) { s.npu.scratchpad_mib *= 2; }, [](System& s) { s.npu.scratchpad_mib = 4 * s.npu.dma_chunk_kib / 64; },
                   1.05);
}
/// Weights ahead hide the bus behind other work. GEMMs then come in pieces, each of which fills and drains the arrays, and a piece of 128
/// columns may leave some of many arrays without a tile: where arrays bound the prefill, that may cost what is bounded here.
TEST(Monotone, weights_of_prefill_ahead) {
  expect_no_slower([](System& s) { s.npu.prefetch = true; }, as_drawn, 1.03);
}
/// Copies spread the weights' stream over more buses. Decode does not read them; prefill may read an access more where columns are cut.
TEST(Monotone, copies_of_weights_on_the_normal_channels) {
  for (int i = 0; i < scaled(cases); ++i) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(i);
    Case before = random_case(seed);
    before.workload.layers = LayerMode::all;
    const auto normal = static_cast<double>(before.system.normal_channels().size());
    if (normal == 0) continue;
    Case after = before;
    after.dataflow.prefill_copies = normal / before.system.channel_count();
    EXPECT_LE(static_cast<double>(total_ps(after)), 1.01 * static_cast<double>(total_ps(before)))
        << "seed " << seed << ": " << describe(before);
  }
}
TEST(Monotone, twice_the_systolic_arrays) {
  expect_no_slower([](System& s) { s.npu.arrays *= 2; });
}

}  // namespace
}  // namespace bondsim::test
