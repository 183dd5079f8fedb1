#include "tools/app/reproduction/reproduction.hpp"

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "mapping/cost/published/fixed_dataflow.hpp"
#include "models/base/digest.hpp"
#include "models/system/load.hpp"

namespace bondsim::tools {

template <class Visitor>
void fields(Visitor& v, NamedFile& c) {
  v.field("name", c.name, required("short name, as in the tables"));
  v.field("file", c.file, required("file, relative to this one"));
}
template <class Visitor>
void fields(Visitor& v, ReproducedSystem& c) {
  v.field("name", c.name, required("name in the tables"));
  v.field("system", c.system, required("system file, relative to this one"));
  v.field("set", c.set, defaulted("values changed, key=value"));
  v.field("dataflow", c.dataflow, required("a fixed dataflow's name, or data_centric or compute_centric: searched for each run"));
  v.field("tiers", c.tiers, defaulted("tiers that can judge it; empty is all"));
}
template <class Visitor>
void fields(Visitor& v, ReproducedExperiment& c) {
  v.field("name", c.name, required("name of the table"));
  v.field("baseline", c.baseline, defaulted("system that speed-ups are over"));
  v.field("systems", c.systems, required("systems compared"));
  v.field("models", c.models, defaulted("models; empty is all"));
  v.field("datasets", c.datasets, defaulted("data sets; empty is all"));
}
template <class Visitor>
void fields(Visitor& v, Headline& c) {
  v.field("name", c.name, required("what it says"));
  v.field("metric", c.metric, required("total_latency, decode_energy or decode_energy_paper"));
  v.field("of", c.of, required("the better system"));
  v.field("over", c.over, required("the systems it is better than"));
  v.field("published", c.published, required("the factor in print").range(1e-6, 1e6));
}
template <class Visitor>
void fields(Visitor& v, ReproducedArchitecture& c) {
  v.field("analytical", c.analytical, required("design space judged by the roofline"));
  v.field("cycle", c.cycle, required("design space judged by cycles"));
}
template <class Visitor>
void fields(Visitor& v, QuickPart& c) {
  v.field("models", c.models, required("models of --quick"));
  v.field("datasets", c.datasets, required("data sets of --quick"));
  v.field("batches", c.batches, required("batches of --quick"));
}
template <class Visitor>
void fields(Visitor& v, Reproduction& c) {
  v.field("name", c.name, required("name of the reproduction"));
  v.field("longest_context", c.longest_context, defaulted("analytical tier: KV caches are allocated for it").range(1, 1 << 24).in("token"));
  v.field("decode_samples", c.decode_samples, defaulted("cycle tier: decode steps simulated of a run; 0 is all").range(0, 1 << 24));
  v.field("paper_energy", c.paper_energy, required("energy table of the paper's own figures, which decode steps are priced by besides"));
  v.sections("models", c.models, required("models by short name"));
  v.sections("datasets", c.datasets, required("workload files by short name"));
  v.field("batches", c.batches, required("batch sizes"));
  v.sections("systems", c.systems, required("devices with their dataflows"));
  v.sections("experiments", c.experiments, required("tables to make"));
  v.sections("headlines", c.headlines, defaulted("figures of the paper to compare with"));
  v.section("architecture", c.architecture, required("design spaces of the architecture exploration"));
  v.section("quick", c.quick, required("the part that --quick runs"));
}

namespace {

template <class Named>
void require_known(const std::string& where, const std::vector<std::string>& names, const std::vector<Named>& known) {
  std::vector<std::string> allowed;
  allowed.reserve(known.size());
  for (const Named& k : known) allowed.push_back(k.name);
  for (const std::string& name : names) {
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      throw ConfigError(fmt::format("{}: '{}' is not known, allowed: {}", where, name, fmt::join(allowed, ", ")));
    }
  }
}

void check_names(const std::string& file, const Reproduction& r) {
  for (const auto& e : r.experiments) {
    const std::string where = fmt::format("{}: reproduction.experiments: {}", file, e.name);
    if (e.name.empty() || e.name.find_first_of("/\\\n") != std::string::npos || e.name[0] == '.') {
      throw ConfigError(where + ": name: becomes a file's, allowed: a name without slashes that does not begin with a dot");
    }
    require_known(where + ": systems", e.systems, r.systems);
    if (!e.baseline.empty()) require_known(where + ": baseline", {e.baseline}, r.systems);
    require_known(where + ": models", e.models, r.models);
    require_known(where + ": datasets", e.datasets, r.datasets);
  }
  for (const auto& h : r.headlines) {
    const std::string where = fmt::format("{}: reproduction.headlines: {}", file, h.name);
    require_known(where + ": of", {h.of}, r.systems);
    require_known(where + ": over", h.over, r.systems);
    if (h.metric != "total_latency" && h.metric != "decode_energy" && h.metric != "decode_energy_paper") {
      throw ConfigError(
          fmt::format("{}: metric: '{}' is not known, allowed: total_latency, decode_energy, decode_energy_paper", where, h.metric));
    }
  }
  std::vector<std::string> dataflows = cost::fixed_dataflow_names();
  dataflows.insert(dataflows.end(), {"data_centric", "compute_centric"});
  for (const auto& s : r.systems) {
    if (std::find(dataflows.begin(), dataflows.end(), s.dataflow) == dataflows.end()) {
      throw ConfigError(fmt::format("{}: reproduction.systems: {}: dataflow: '{}' is not known, allowed: {}", file, s.name, s.dataflow,
                                    fmt::join(dataflows, ", ")));
    }
    for (const auto& tier : s.tiers) {
      if (tier != "analytical" && tier != "cycle") {
        throw ConfigError(
            fmt::format("{}: reproduction.systems: {}: tiers: '{}' is not known, allowed: analytical, cycle", file, s.name, tier));
      }
    }
  }
  require_known(file + ": reproduction.quick.models", r.quick.models, r.models);
  require_known(file + ": reproduction.quick.datasets", r.quick.datasets, r.datasets);
}

ConfigNode system_node(const Reproduction& r, const ReproducedSystem& entry) {
  ConfigNode node = load_yaml_file(r.path(entry.system));
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  for (const std::string& change : entry.set) {
    const std::size_t equals = change.find('=');
    if (equals == std::string::npos)
      throw ConfigError(fmt::format("reproduction.systems: {}: set: '{}', allowed: key=value", entry.name, change));
    apply_override(node, change.substr(0, equals), change.substr(equals + 1));
  }
  return node;
}

template <class Named>
void keep(std::vector<Named>& all, const std::vector<std::string>& names) {
  all.erase(
      std::remove_if(all.begin(), all.end(), [&](const Named& n) { return std::find(names.begin(), names.end(), n.name) == names.end(); }),
      all.end());
}

/// Those of the remaining entries that an experiment names; all when it names none.
void keep(std::vector<std::string>& own, const std::vector<std::string>& left) {
  if (own.empty()) return;
  std::vector<std::string> both;
  for (const std::string& name : own) {
    if (std::find(left.begin(), left.end(), name) != left.end()) both.push_back(name);
  }
  own = both.empty() ? std::vector<std::string>{left.front()} : both;
}

}  // namespace

std::string Reproduction::path(const std::string& file) const {
  return (std::filesystem::path(directory) / file).lexically_normal().string();
}

void Reproduction::restrict_to(const QuickPart& part) {
  require_known("models", part.models, models);
  require_known("datasets", part.datasets, datasets);
  if (!part.models.empty()) keep(models, part.models);
  if (!part.datasets.empty()) keep(datasets, part.datasets);
  if (!part.batches.empty()) batches = part.batches;
  for (auto& e : experiments) {
    if (!part.models.empty()) keep(e.models, part.models);
    if (!part.datasets.empty()) keep(e.datasets, part.datasets);
  }
}

Reproduction load_reproduction(const std::string& file) {
  const ConfigNode node = load_yaml_file(file);
  auto reproduction = decode_document<Reproduction>(node, "reproduction", "bondsim.reproduction/1");
  reproduction.directory = directory_of(node);
  check_names(file, reproduction);
  return reproduction;
}

bool Cell::operator<(const Cell& o) const {
  return std::tie(system, model, dataset, batch) < std::tie(o.system, o.model, o.dataset, o.batch);
}

Inputs::Inputs(const Reproduction& r) {
  std::string text = fmt::format("{} {}", r.longest_context, r.decode_samples);
  const auto load = [&](const std::string& file) {
    ConfigNode node = load_yaml_file(r.path(file));
    text += canonical_text(node, file);
    return node;
  };
  for (const auto& s : r.systems) {
    const ConfigNode node = system_node(r, s);
    text += canonical_text(node, s.name) + s.dataflow;
    systems.push_back(decode_system(node, "system"));
  }
  for (const auto& m : r.models) models.push_back(decode_model(load(m.file)));
  for (const auto& d : r.datasets) workloads.push_back(decode_workload(load(d.file)));
  paper_energy = decode_document<EnergyTable>(load(r.paper_energy), "energy", "bondsim.energy/1");
  digest = bondsim::digest(text);
}

Workload Inputs::workload(const Cell& cell) const {
  Workload w = workloads[cell.dataset];
  w.batch = static_cast<int>(cell.batch);
  return w;
}

}  // namespace bondsim::tools
