#pragma once
#include <memory>
#include <vector>

#include "models/dram/channel/channel_module.hpp"
#include "models/schedule/simulation_listener.hpp"
#include "models/system/system.hpp"
#include "sim/construction_order.hpp"
#include "sim/replay_module.hpp"
#include "sim/trace/hub.hpp"

namespace bondsim {

/// Constructs and binds every module of a system: the only place that does.
class SystemBuilder {
 public:
  SystemBuilder(const System& system, TaskListener& listener, SimulationListener* sink, ConstructionOrder order);
  ~SystemBuilder();

  Executors executors() const;
  std::vector<DramChannel*> channels() const;
  /// Lets those who listen hear of changes in the NMP side of the channels and in the NPU.
  void observe(TraceHub& traces);
  std::int64_t events() const;

 private:
  struct Events;
  void build_channels(const System& system, TaskListener& listener, SimulationListener* sink, bool backwards);
  void build_npu(const System& system, TaskListener& listener);

  std::vector<std::unique_ptr<DramChannel>> channels_;
  std::vector<std::unique_ptr<NmpController>> nmp_;
  std::unique_ptr<Npu> npu_;
  std::vector<std::unique_ptr<Events>> events_;
};

}  // namespace bondsim
