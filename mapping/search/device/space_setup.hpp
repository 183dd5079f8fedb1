#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/search/dataflow/problem.hpp"
#include "mapping/search/device/design_space.hpp"
#include "models/base/config_node.hpp"
#include "models/system/system.hpp"

namespace bondsim::search {

/// A model and a workload that a device is judged on.
struct SpaceJob {
  Model model;
  Workload workload;
  std::optional<Model> draft;  ///< of a workload whose drafts a model makes

  bool drafts() const { return workload.speculation && workload.speculation->depth > 0; }
};

/// What a candidate of a space stands for.
struct SpaceSetup {
  System system;
  BindingRule rule = BindingRule::data_centric;
  std::shared_ptr<const std::vector<SpaceJob>> jobs;  ///< one for each workload of the space
  std::string key;                                    ///< settings beside the system: equal keys, equal rule and jobs
};

/// The files of a space, and what candidates make of them.
class SpaceInputs {
 public:
  /// @throws ConfigError for files the space names
  explicit SpaceInputs(const DesignSpace& space);

  /// Decoded and checked. @throws ConfigError for settings that no system, model or workload can have
  SpaceSetup setup(const Candidate& candidate) const;
  /// Canonical text of all files and of the space.
  const std::string& text() const { return text_; }

 private:
  using Settings = std::vector<std::pair<std::string, std::string>>;
  std::vector<SpaceJob> make_jobs(const Settings& settings) const;

  DesignSpace space_;
  ConfigNode system_;
  std::vector<std::pair<ConfigNode, ConfigNode>> jobs_;  ///< model, workload
  std::string text_;
  mutable std::map<std::string, std::shared_ptr<const std::vector<SpaceJob>>> known_;  ///< by key
};

}  // namespace bondsim::search
