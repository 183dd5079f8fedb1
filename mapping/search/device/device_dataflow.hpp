#pragma once
#include <string>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/search/dataflow/dataflow.hpp"
#include "models/energy/counts.hpp"
#include "models/system/system.hpp"

namespace bondsim::search {

/// Bandwidths a roofline takes for the HB ports, and channels from which the NPU reads its part of a split operator.
enum class Bandwidths {
  peak,      ///< the ports' peak; every channel that the operator is bound to: as published
  sustained  ///< as far as rows sustain it (sustained_device); the normal channels, which hold that part while the others compute
};

/// The layer of a model and a workload as the published evaluation knows it. @param file for errors. @throws ConfigError for what it does
/// not know: element widths other than 16 bit, prompts of different lengths, experts.
cost::Layer layer_of(const Model& model, const Workload& workload, std::int64_t longest_context, const std::string& file);

/// Bytes of the embedding and the LM head, in the elements' own widths.
double bytes_outside_layers(const Model& model);

/// The best dataflow of a model's layer on a system is asked for.
struct DeviceQuestion {
  const Model* model = nullptr;
  const Workload* workload = nullptr;
  std::int64_t longest_context = 0;  ///< KV tokens reserved for a request at least, as far as the model goes
  const System* system = nullptr;
  std::string cost_model = {};  ///< a name of make_cost_model(); `detailed` sees the system itself, its bandwidths are what rows sustain
  /// That form, where the caller keeps one for questions about the same machine; null: it is made for this question.
  const cost::CostModel* form = nullptr;
  Bandwidths bandwidths = Bandwidths::peak;
  BindingRule rule = BindingRule::data_centric;
  bool prefill_counts = true;  ///< see SearchProblem
  double utilization = 1;      ///< of the PEs: see NmpDevice
  double reserved_bytes = 0;   ///< kept free, evenly over all channels
  bool lm_head = false;        ///< time and count the LM head too
  double decode_steps = 0;     ///< 0: the workload's generated tokens; of drafts, their steps
};

/// Best dataflow found for a device, with its times in seconds.
struct DeviceDataflow {
  cost::LayerLatency latency;
  EnergyCounts counts;           ///< of one layer, without times
  cost::LayerLatency head = {};  ///< of the LM head, where it was asked for
  EnergyCounts head_counts = {};
  std::string text;   ///< one line
  Dataflow dataflow;  ///< as a run takes it
  bool optimal = false;
  FoundDataflow found = {};  ///< as the search knows it
};

/// The device as the question's bandwidths make the closed form see it.
cost::LayerDevice view_of(const System& system, Bandwidths bandwidths);

/// Text of everything of a system that find_dataflow() reads under a form and bandwidths: equal texts, equal answers.
std::string device_key(const System& system, const std::string& cost_model, Bandwidths bandwidths);

/// Exact, up to the shares that `detailed` is asked for (SearchProblem::most_shares). @throws InfeasibleError when no dataflow fits the
/// memory.
DeviceDataflow find_dataflow(const DeviceQuestion& question);

/// What a dataflow found for another question about the same model's operators and the same device gives for this one.
DeviceDataflow judge_dataflow(const DeviceQuestion& question, const DeviceDataflow& found);

}  // namespace bondsim::search
