#pragma once
#include <string>

#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/search/dataflow/problem.hpp"
#include "models/energy/table.hpp"
#include "models/system/system.hpp"

namespace bondsim::search {

/// What a closed form takes for the bandwidth of the HB ports, and of the channels that the NPU reads its part of a split operator from.
enum class Bandwidths {
  peak,      ///< the ports' peak; every channel that the operator is bound to: as published
  sustained  ///< what rows sustain (sustained_device); the normal channels, which hold that part while the others compute
};

/// The layer of a model and a workload as the closed forms know it. @param file for errors. @throws ConfigError for what they do not know.
cost::Layer layer_of(const Model& model, const Workload& workload, std::int64_t longest_context, const std::string& file);

/// Of the embedding and the LM head.
double bytes_outside_layers(const Model& model);

/// The best dataflow of a layer on a system is asked for.
struct DeviceQuestion {
  const cost::Layer* layer = nullptr;
  const System* system = nullptr;
  std::string cost_model = {};
  Bandwidths bandwidths = Bandwidths::peak;
  BindingRule rule = BindingRule::data_centric;
  double utilization = 1;     ///< of the PEs: see NmpDevice
  double reserved_bytes = 0;  ///< kept free, evenly over all channels
};

struct DeviceDataflow {
  cost::LayerLatency latency;
  EnergyCounts counts;  ///< of one layer, without times
  std::string text;     ///< one line
  std::string file;     ///< of configs/dataflow's schema
};

/// The device as the question's bandwidths make the closed form see it.
cost::LayerDevice view_of(const System& system, Bandwidths bandwidths);

/// Exact. @throws InfeasibleError when no dataflow fits the memory.
DeviceDataflow find_dataflow(const DeviceQuestion& question);

}  // namespace bondsim::search
