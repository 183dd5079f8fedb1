#include "models/dram/channel/tlm_target_module.hpp"

#include <algorithm>
#include <cstring>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

constexpr std::uint64_t page_bytes = 4096;

}  // namespace

TlmTarget::TlmTarget(sc_core::sc_module_name name, DramChannel& channel, const DramConfig& dram, const ControllerConfig& controller,
                     std::int32_t op)
    : sc_module(name),
      socket("socket"),
      channel_(channel),
      shape_(dram.organization),
      map_(controller.address_map, dram.organization),
      op_(op),
      requests_("requests") {
  SC_HAS_PROCESS(TlmTarget);
  SC_METHOD(take_requests);
  sensitive << requests_.get_event();
  dont_initialize();
  SC_METHOD(respond);
  sensitive << response_wakeup_;
  dont_initialize();
  socket.register_b_transport(this, &TlmTarget::b_transport);
  socket.register_nb_transport_fw(this, &TlmTarget::nb_transport_fw);
  socket.register_transport_dbg(this, &TlmTarget::transport_dbg);
  channel.bind_listener(*this, nullptr);
}

/// Sets the payload's error response when it cannot be served.
bool TlmTarget::acceptable(tlm::tlm_generic_payload& payload) const {
  const std::uint64_t size = static_cast<std::uint64_t>(shape_.channel_bytes());
  if (payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
    payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
  } else if (payload.get_byte_enable_ptr() != nullptr) {
    payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
  } else if (payload.get_data_length() == 0 || payload.get_streaming_width() < payload.get_data_length()) {
    payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
  } else if (payload.get_address() >= size || payload.get_data_length() > size - payload.get_address()) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
  } else {
    return true;
  }
  return false;
}

/// Queues the bursts a payload touches in the channel.
void TlmTarget::start(tlm::tlm_generic_payload& payload, sc_core::sc_event* done) {
  const std::uint64_t tag = next_tag_++;
  Access& access = accesses_[tag];
  access.payload = &payload;
  access.done = done;
  const auto burst = static_cast<std::uint64_t>(shape_.access_bytes());
  const std::uint64_t end = payload.get_address() + payload.get_data_length();
  for (std::uint64_t at = payload.get_address() / burst * burst; at < end; at += burst) {
    ListedRequest request;
    request.at = map_.decode(static_cast<std::int64_t>(at));
    request.write = payload.is_write();
    request.id = tag;
    access.bursts.push_back(request);
  }
  if (payload.is_write()) copy(payload);
  channel_.submit({access.bursts.data(), access.bursts.size()}, op_, tag);
}

void TlmTarget::host_transfer_done(int, std::uint64_t tag) {
  const auto found = accesses_.find(tag);
  check(found != accesses_.end(), "{}: no access has tag {}", name(), tag);
  tlm::tlm_generic_payload& payload = *found->second.payload;
  sc_core::sc_event* done = found->second.done;
  accesses_.erase(found);
  if (payload.is_read()) copy(payload);
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  if (done != nullptr) {
    done->notify();
    return;
  }
  responses_.push_back(&payload);
  response_wakeup_.notify(sc_core::SC_ZERO_TIME);
}

// ---- Loosely timed --------------------------------------------------------------------------------------------------------

/// Called from a thread of the initiator, which waits here until the last data beat.
void TlmTarget::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (!acceptable(payload)) return;
  if (delay != sc_core::SC_ZERO_TIME) sc_core::wait(delay);
  delay = sc_core::SC_ZERO_TIME;
  sc_core::sc_event done;
  start(payload, &done);
  sc_core::wait(done);
}

// ---- Approximately timed --------------------------------------------------------------------------------------------------

tlm::tlm_sync_enum TlmTarget::nb_transport_fw(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) {
  if (phase == tlm::END_RESP) {
    if (payload.has_mm()) payload.release();
    response_open_ = false;
    response_wakeup_.notify(delay);
    return tlm::TLM_COMPLETED;
  }
  check(phase == tlm::BEGIN_REQ, "{}: phase {} is not of a target", name(), phase.get_name());
  if (!acceptable(payload)) return tlm::TLM_COMPLETED;
  if (payload.has_mm()) payload.acquire();
  requests_.notify(payload, delay);
  phase = tlm::END_REQ;
  return tlm::TLM_UPDATED;
}

void TlmTarget::take_requests() {
  while (tlm::tlm_generic_payload* payload = requests_.get_next_transaction()) start(*payload, nullptr);
}

/// One response at a time, as the base protocol wants it.
void TlmTarget::respond() {
  while (!response_open_ && !responses_.empty()) {
    tlm::tlm_generic_payload& payload = *responses_.front();
    responses_.pop_front();
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    response_open_ = true;
    const tlm::tlm_sync_enum answer = socket->nb_transport_bw(payload, phase, delay);
    if (answer == tlm::TLM_COMPLETED || (answer == tlm::TLM_UPDATED && phase == tlm::END_RESP)) {
      if (payload.has_mm()) payload.release();
      response_open_ = false;
    }
  }
}

// ---- Data -----------------------------------------------------------------------------------------------------------------

std::uint8_t* TlmTarget::page_of(std::uint64_t address) {
  auto& page = pages_[address / page_bytes];
  if (page.empty()) page.resize(page_bytes);
  return page.data() + address % page_bytes;
}

void TlmTarget::copy(tlm::tlm_generic_payload& payload) {
  std::uint64_t at = payload.get_address();
  std::uint8_t* data = payload.get_data_ptr();
  for (std::uint64_t left = payload.get_data_length(); left > 0;) {
    const std::uint64_t now = std::min(left, page_bytes - at % page_bytes);
    if (payload.is_read()) {
      std::memcpy(data, page_of(at), now);
    } else {
      std::memcpy(page_of(at), data, now);
    }
    at += now;
    data += now;
    left -= now;
  }
}

unsigned TlmTarget::transport_dbg(tlm::tlm_generic_payload& payload) {
  if (!acceptable(payload)) return 0;
  copy(payload);
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  return payload.get_data_length();
}

}  // namespace bondsim
