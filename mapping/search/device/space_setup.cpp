#include "mapping/search/device/space_setup.hpp"

#include <filesystem>

#include "models/base/digest.hpp"
#include "models/system/load.hpp"

namespace bondsim::search {
namespace {

std::string beside(const std::string& directory, const std::string& file) {
  return (std::filesystem::path(directory) / file).lexically_normal().string();
}

/// The rest of a key behind `section.`; nullopt: it is of another section.
std::optional<std::string> within(const std::string& key, const std::string& section) {
  if (key.compare(0, section.size() + 1, section + ".") != 0) return std::nullopt;
  return key.substr(section.size() + 1);
}

bool is_of_system(const std::string& key) { return key != "dataflow" && !within(key, "model") && !within(key, "workload"); }

BindingRule rule_named(const std::string& name, const std::string& where) {
  if (name == "data_centric") return BindingRule::data_centric;
  if (name == "compute_centric") return BindingRule::compute_centric;
  throw ConfigError(fmt::format("{}: '{}' is not known, allowed: data_centric, compute_centric", where, name));
}

/// Drafts that the search knows how to judge.
void require_judged(const ConfigNode& workload, const SpeculationConfig& speculation) {
  if (speculation.draft == DraftKind::heads || speculation.schedule == DraftSchedule::parallel) {
    config_error(*workload.find("speculation"), "workload.speculation",
                 "draft heads or a parallel schedule in a design space, allowed: drafts by ngram, layers or model, one after the other "
                 "(bondsim dataflows judges the others on one device)");
  }
}

}  // namespace

SpaceInputs::SpaceInputs(const DesignSpace& space) : space_(space) {
  const std::string file = beside(space.directory, space.system);
  system_ = load_yaml_file(file);
  std::vector<std::string> files;
  resolve_system(system_, "system", files);
  text_ = fmt::format("{}\n{}", space.description, canonical_text(system_, "system"));
  for (const SpaceWorkload& w : space.workloads) {
    jobs_.emplace_back(load_yaml_file(beside(space.directory, w.model)), load_yaml_file(beside(space.directory, w.workload)));
    text_ += canonical_text(jobs_.back().first, "model") + canonical_text(jobs_.back().second, "workload");
  }
  if (!space.stack.empty()) text_ += canonical_text(load_yaml_file(beside(space.directory, space.stack)), "stack");
  const std::vector<SpaceJob> first = make_jobs({});
  for (std::size_t i = 0; i < first.size(); ++i) {
    const SpaceJob& job = first[i];
    if (job.model.moe && job.model.moe->trace) text_ += file_digest(beside(directory_of(jobs_[i].first), job.model.moe->trace_file));
    if (job.draft) text_ += canonical_text(load_yaml_file(job.workload.speculation->model), "model");
    if (job.workload.speculation) text_ += fmt::format(" {}", fmt::join(job.workload.speculation->trace, " "));
  }
}

std::vector<SpaceJob> SpaceInputs::make_jobs(const Settings& settings) const {
  std::vector<SpaceJob> jobs;
  for (auto [model, workload] : jobs_) {
    for (const auto& [key, value] : settings) {
      if (const auto rest = within(key, "model")) apply_override(model, *rest, value);
      if (const auto rest = within(key, "workload")) apply_override(workload, *rest, value);
    }
    SpaceJob job{decode_model(model), decode_workload(workload), {}};
    if (job.workload.speculation) require_judged(workload, *job.workload.speculation);
    if (job.workload.speculation && job.workload.speculation->draft == DraftKind::model) {
      job.draft = decode_model(load_yaml_file(job.workload.speculation->model));
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

SpaceSetup SpaceInputs::setup(const Candidate& candidate) const {
  const Settings settings = space_.settings(candidate);
  ConfigNode system = system_;
  SpaceSetup setup;
  setup.rule = rule_named(space_.dataflow, "space.dataflow");
  for (const auto& [key, value] : settings) {
    if (is_of_system(key)) {
      apply_override(system, within(key, "system").value_or(key), value);
      continue;
    }
    setup.key += fmt::format("{}={} ", key, value);
    if (key == "dataflow") setup.rule = rule_named(value, "space.parameters: dataflow");
  }
  setup.system = decode_system(system, "system");
  auto& jobs = known_[setup.key];
  if (!jobs) jobs = std::make_shared<const std::vector<SpaceJob>>(make_jobs(settings));
  setup.jobs = jobs;
  return setup;
}

}  // namespace bondsim::search
