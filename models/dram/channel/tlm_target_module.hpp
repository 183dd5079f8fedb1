#pragma once
#include <tlm_utils/peq_with_get.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <deque>
#include <map>
#include <systemc>
#include <tlm>
#include <vector>

#include "models/dram/channel/channel_module.hpp"

namespace bondsim {

/// A TLM-2.0 target in front of a channel, so that other SystemC models can use it as their memory: generic payload, loosely timed
/// (b_transport) and approximately timed (nb_transport, four phases, any number of requests outstanding). Byte addresses go through the
/// controller's address map; a payload takes the bursts it touches. Data are kept, so what was written is read back; memory never written
/// reads as zero. No DMI; byte enables are not supported.
class TlmTarget : public sc_core::sc_module, public ChannelListener {
 public:
  tlm_utils::simple_target_socket<TlmTarget> socket;

  /// @param channel its host side answers to this target alone. @param op charged for the commands.
  TlmTarget(sc_core::sc_module_name name, DramChannel& channel, const DramConfig& dram, const ControllerConfig& controller,
            std::int32_t op = -1);

  void host_transfer_done(int channel, std::uint64_t tag) override;
  void hb_transfer_done(int, std::uint64_t) override {}
  void mode_reached(int, ChannelMode) override {}

 private:
  struct Access {
    std::vector<ListedRequest> bursts;
    tlm::tlm_generic_payload* payload = nullptr;
    sc_core::sc_event* done = nullptr;  ///< blocking: who waits; else null
  };

  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay);
  unsigned transport_dbg(tlm::tlm_generic_payload& payload);
  void take_requests();
  void respond();
  bool acceptable(tlm::tlm_generic_payload& payload) const;
  void start(tlm::tlm_generic_payload& payload, sc_core::sc_event* done);
  void copy(tlm::tlm_generic_payload& payload);
  std::uint8_t* page_of(std::uint64_t address);

  DramChannel& channel_;
  DramOrganization shape_;
  AddressMap map_;
  std::int32_t op_;
  std::uint64_t next_tag_ = 0;
  std::map<std::uint64_t, Access> accesses_;
  std::map<std::uint64_t, std::vector<std::uint8_t>> pages_;
  tlm_utils::peq_with_get<tlm::tlm_generic_payload> requests_;
  std::deque<tlm::tlm_generic_payload*> responses_;
  bool response_open_ = false;  ///< BEGIN_RESP was sent, END_RESP has not come
  sc_core::sc_event response_wakeup_;
};

}  // namespace bondsim
