#include <gtest/gtest.h>

#include <tlm_utils/simple_initiator_socket.h>

#include <cstring>

#include "models/dram/channel/tlm_target_module.hpp"
#include "tests/support/dram_setup.hpp"

/// Another SystemC model uses a channel as its memory through the TLM-2.0 socket.
#if defined(__SANITIZE_ADDRESS__)
/// The stack of an SC_THREAD has a page that nobody may read; the search for leaks at the end reads it, depending on where it lies.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

namespace bondsim {
namespace {

struct Initiator : sc_core::sc_module {
  tlm_utils::simple_initiator_socket<Initiator> socket;
  std::function<void(Initiator&)> program;
  std::vector<std::int64_t> responses;  ///< times of BEGIN_RESP

  Initiator(sc_core::sc_module_name name, std::function<void(Initiator&)> p) : sc_module(name), socket("socket"), program(std::move(p)) {
    SC_HAS_PROCESS(Initiator);
    SC_THREAD(run);
    socket.register_nb_transport_bw(this, &Initiator::nb_transport_bw);
  }
  void run() { program(*this); }

  tlm::tlm_response_status blocking(bool write, std::uint64_t address, void* data, unsigned length) {
    tlm::tlm_generic_payload payload;
    fill(payload, write, address, data, length);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(payload, delay);
    return payload.get_response_status();
  }
  static void fill(tlm::tlm_generic_payload& payload, bool write, std::uint64_t address, void* data, unsigned length) {
    payload.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    payload.set_address(address);
    payload.set_data_ptr(static_cast<unsigned char*>(data));
    payload.set_data_length(length);
    payload.set_streaming_width(length);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  }
  tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload&, tlm::tlm_phase& phase, sc_core::sc_time&) {
    responses.push_back(static_cast<std::int64_t>(sc_core::sc_time_stamp().value()));
    phase = tlm::END_RESP;
    return tlm::TLM_UPDATED;
  }
};

struct Bench {
  DramConfig dram = test::dram_part();
  ControllerConfig controller;
  DramChannel channel{"channel", 0, dram, controller, nullptr, ChannelSwitches{}, nullptr};
  TlmTarget target{"target", channel, dram, controller};
  Initiator initiator;
  explicit Bench(std::function<void(Initiator&)> program) : initiator("initiator", std::move(program)) {
    initiator.socket.bind(target.socket);
    sc_core::sc_start(sc_core::sc_time(100, sc_core::SC_US));
  }
};

std::int64_t now_ps() { return static_cast<std::int64_t>(sc_core::sc_time_stamp().value()); }

TEST(TlmTarget, blocking_read_takes_the_time_of_a_closed_bank_and_reads_back_what_was_written) {
  bool finished = false;
  Bench bench([&](Initiator& i) {
    std::uint32_t word = 0;
    EXPECT_EQ(i.blocking(false, 0x1000, &word, 4), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(now_ps(), (1 + 15 + 17 + 2) * 1250);  // next edge, tRCD, CL, burst
    EXPECT_EQ(word, 0U);
    std::vector<std::uint8_t> out(300), in(300);
    for (std::size_t b = 0; b < out.size(); ++b) out[b] = static_cast<std::uint8_t>(7 * b + 1);
    EXPECT_EQ(i.blocking(true, 4000, out.data(), 300), tlm::TLM_OK_RESPONSE);  // crosses bursts and pages, not aligned
    EXPECT_EQ(i.blocking(false, 4000, in.data(), 300), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(in, out);
    finished = true;
  });
  EXPECT_TRUE(finished);
  EXPECT_EQ(bench.channel.counts_until_now(-1).reads, 1 + 10);
  EXPECT_EQ(bench.channel.counts_until_now(-1).writes, 10);
}

TEST(TlmTarget, outstanding_requests_reach_the_bandwidth_of_the_bus) {
  std::vector<tlm::tlm_generic_payload> payloads(256);
  std::vector<std::uint8_t> data(32 * payloads.size());
  Bench bench([&](Initiator& i) {
    for (std::size_t n = 0; n < payloads.size(); ++n) {
      Initiator::fill(payloads[n], false, 32 * n, &data[32 * n], 32);
      tlm::tlm_phase phase = tlm::BEGIN_REQ;
      sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
      EXPECT_EQ(i.socket->nb_transport_fw(payloads[n], phase, delay), tlm::TLM_UPDATED);
      EXPECT_EQ(phase, tlm::END_REQ);
    }
  });
  ASSERT_EQ(bench.initiator.responses.size(), payloads.size());
  for (const auto& payload : payloads) EXPECT_EQ(payload.get_response_status(), tlm::TLM_OK_RESPONSE);
  EXPECT_LT(bench.initiator.responses.back(), (256 * 2 + 60) * 1250) << "2 CK a burst, and the latency of the first";
}

TEST(TlmTarget, answers_what_it_cannot_serve_with_an_error) {
  Bench bench([&](Initiator& i) {
    std::uint32_t word = 0;
    EXPECT_EQ(i.blocking(false, std::uint64_t{1} << 40, &word, 4), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    tlm::tlm_generic_payload payload;
    Initiator::fill(payload, false, 0, &word, 4);
    std::uint8_t enable[4] = {0xff, 0, 0, 0xff};
    payload.set_byte_enable_ptr(enable);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    i.socket->b_transport(payload, delay);
    EXPECT_EQ(payload.get_response_status(), tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    Initiator::fill(payload, true, 64, &word, 4);
    payload.set_byte_enable_ptr(nullptr);
    word = 0xdeadbeef;
    EXPECT_EQ(i.socket->transport_dbg(payload), 4U);
    word = 0;
    payload.set_command(tlm::TLM_READ_COMMAND);
    EXPECT_EQ(i.socket->transport_dbg(payload), 4U);
    EXPECT_EQ(word, 0xdeadbeefU);
  });
}

}  // namespace
}  // namespace bondsim
