#include "tools/app/reproduction/reproduction.hpp"

#include <algorithm>
#include <filesystem>

#include "mapping/cost/published/fixed_dataflow.hpp"
#include "models/base/fields.hpp"
#include "models/base/named_file.hpp"
#include "models/base/schema.hpp"

namespace bondsim::tools {

template <class Visitor>
void fields(Visitor& v, Sweep& c) {
  v.field("name", c.name, required("name of its table"));
  v.field("key", c.key, required("key of a system"));
  v.field("values", c.values, required("values it takes"));
  v.field("systems", c.systems, required("systems that have it"));
  v.field("of", c.of, required("system that is compared with them"));
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
void fields(Visitor& v, RunSelection& c) {
  v.field("models", c.models, defaulted("models; empty is all"));
  v.field("datasets", c.datasets, defaulted("data sets; empty is all"));
  v.field("batches", c.batches, defaulted("batch sizes; empty is all"));
}
template <class Visitor>
void fields(Visitor& v, NamedFile& c) {
  v.field("name", c.name, required("short name, as in the tables"));
  v.field("file", c.file, required("file, relative to this one"));
}
template <class Visitor>
void fields(Visitor& v, ReproducedExperiment& c) {
  v.field("name", c.name, required("name of the table"));
  v.field("baseline", c.baseline, defaulted("system that speed-ups are over"));
  v.field("systems", c.systems, required("systems compared"));
  fields(v, c.runs);
}
template <class Visitor>
void fields(Visitor& v, Headline& c) {
  v.field("name", c.name, required("what it says"));
  v.field("metric", c.metric, required("a factor or a share, see README.md"));
  v.field("of", c.of, defaulted("the better system; of channel_split none"));
  v.field("over", c.over, defaulted("the systems it is better than; of a share none"));
  fields(v, c.runs);
  v.field("published", c.published, defaulted("the factor in print, or the least share in percent; 0: not in print").range(0, 1e6));
  v.field("most", c.most, defaulted("the largest share in print, in percent").range(0, 1e6));
}
template <class Visitor>
void fields(Visitor& v, Variant& c) {
  v.field("name", c.name, required("name in the tables"));
  v.field("systems", c.systems, defaulted("systems that it changes; empty is all"));
  v.field("set", c.set, defaulted("values changed, key=value"));
  v.field("dataflow", c.dataflow, defaulted("dataflow instead of the system's; empty: the system's"));
}
template <class Visitor>
void fields(Visitor& v, Attribution& c) {
  v.field("over", c.over, required("row policy that changes are made over"));
  v.section("part", c.part, required("the part of the runs that changes are made on"));
  v.sections("changes", c.changes, defaulted("what the paper leaves open, changed one at a time"));
  v.sections("sweeps", c.sweeps, defaulted("keys at several values"));
}
template <class Visitor>
void fields(Visitor& v, ReproducedArchitecture& c) {
  v.field("analytical", c.analytical, required("design space judged by the roofline"));
  v.field("cycle", c.cycle, required("design space judged by cycles"));
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
  v.sections("row_policies", c.row_policies, defaulted("cycle tier: settings under which every system runs; none: as its file says"));
  v.sections("systems", c.systems, required("devices with their dataflows"));
  v.sections("experiments", c.experiments, required("tables to make"));
  v.sections("headlines", c.headlines, defaulted("figures of the paper to compare with"));
  v.section("attribution", c.attribution, defaulted("cycle tier: runs that show what a difference comes from"));
  v.section("architecture", c.architecture, required("design spaces of the architecture exploration"));
  v.section("quick", c.quick, required("the part that --quick runs"));
}

namespace {

const std::vector<std::pair<const char*, SearchedDataflow>>& searched_dataflows() {
  static const std::vector<std::pair<const char*, SearchedDataflow>> list = {
      {"data_centric", {true, true}}, {"compute_centric", {false, false}}, {"compute_centric_with_prefill", {false, true}}};
  return list;
}

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

void require_known(const std::string& where, const RunSelection& selection, const Reproduction& r) {
  require_known(where + "models", selection.models, r.models);
  require_known(where + "datasets", selection.datasets, r.datasets);
  for (const std::int64_t batch : selection.batches) {
    if (std::find(r.batches.begin(), r.batches.end(), batch) == r.batches.end()) {
      throw ConfigError(fmt::format("{}batches: {} is not run, allowed: {}", where, batch, fmt::join(r.batches, ", ")));
    }
  }
}

void require_one_of(const std::string& where, const std::string& name, const std::vector<std::string>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) return;
  throw ConfigError(fmt::format("{}: '{}' is not known, allowed: {}", where, name, fmt::join(allowed, ", ")));
}

std::vector<std::string> dataflow_names() {
  std::vector<std::string> names = cost::fixed_dataflow_names();
  for (const auto& searched : searched_dataflows()) names.push_back(searched.first);
  return names;
}

void check_experiments(const std::string& at, const Reproduction& r) {
  for (const auto& e : r.experiments) {
    const std::string where = at + "experiments: " + e.name;
    if (e.name.empty() || e.name.find_first_of("/\\\n") != std::string::npos || e.name[0] == '.') {
      throw ConfigError(where + ": name: becomes a file's, allowed: a name without slashes that does not begin with a dot");
    }
    require_known(where + ": systems", e.systems, r.systems);
    if (!e.baseline.empty()) require_known(where + ": baseline", {e.baseline}, r.systems);
    require_known(where + ": ", e.runs, r);
  }
}

void check_headlines(const std::string& at, const Reproduction& r) {
  std::vector<std::string> metrics = factor_metrics();
  metrics.insert(metrics.end(), share_metrics().begin(), share_metrics().end());
  for (const auto& h : r.headlines) {
    const std::string where = at + "headlines: " + h.name;
    require_one_of(where + ": metric", h.metric, metrics);
    const bool factor = !h.is_range();
    if (h.metric != "channel_split") require_known(where + ": of", {h.of}, r.systems);
    require_known(where + ": over", h.over, r.systems);
    require_known(where + ": ", h.runs, r);
    if (factor == h.over.empty()) {
      throw ConfigError(
          fmt::format("{}: over: {} systems, allowed: {}", where, h.over.size(), factor ? "at least one" : "none, of a share"));
    }
    if (factor != (h.most == 0)) throw ConfigError(where + ": most: allowed: a number for a share, none for a factor");
  }
}

void check_attribution(const std::string& at, const Reproduction& r) {
  const Attribution& a = r.attribution;
  if (a.changes.empty() && a.sweeps.empty()) return;
  require_known(at + "attribution.over", {a.over}, r.row_policies);
  require_known(at + "attribution.part.", a.part, r);
  for (const Sweep& s : a.sweeps) {
    require_known(at + "attribution.sweeps: " + s.name + ": systems", s.systems, r.systems);
    require_known(at + "attribution.sweeps: " + s.name + ": of", {s.of}, r.systems);
  }
}

void check_names(const std::string& file, const Reproduction& r) {
  const std::string at = file + ": reproduction.";
  check_experiments(at, r);
  check_headlines(at, r);
  check_attribution(at, r);
  for (const Variant& v : r.variants()) {
    require_known(at + "variants: " + v.name + ": systems", v.systems, r.systems);
    if (!v.dataflow.empty()) require_one_of(at + "variants: " + v.name + ": dataflow", v.dataflow, dataflow_names());
  }
  for (const auto& s : r.systems) {
    require_one_of(at + "systems: " + s.name + ": dataflow", s.dataflow, dataflow_names());
    for (const auto& tier : s.tiers) require_one_of(at + "systems: " + s.name + ": tiers", tier, {"analytical", "cycle"});
  }
  require_known(at + "quick.", r.quick, r);
}

/// Of `own` what `other` has, too; an empty list selects all. @return whether anything is left
template <class T>
bool narrow(std::vector<T>& own, const std::vector<T>& other) {
  if (other.empty()) return true;
  if (own.empty()) own = other;
  own.erase(std::remove_if(own.begin(), own.end(), [&](const T& x) { return std::find(other.begin(), other.end(), x) == other.end(); }),
            own.end());
  return !own.empty();
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

std::optional<SearchedDataflow> searched_dataflow(const std::string& name) {
  for (const auto& [known, searched] : searched_dataflows()) {
    if (name == known) return searched;
  }
  return std::nullopt;
}

const std::vector<std::string>& factor_metrics() {
  static const std::vector<std::string> names = {"total_latency", "prefill_latency", "decode_latency", "decode_energy",
                                                 "decode_energy_paper"};
  return names;
}

const std::vector<std::string>& share_metrics() {
  static const std::vector<std::string> names = {"prefill_share", "transfer_share", "channel_split"};
  return names;
}

bool Headline::is_range() const { return std::find(share_metrics().begin(), share_metrics().end(), metric) != share_metrics().end(); }

std::size_t Reproduction::changed_policy() const {
  const auto found = std::find_if(row_policies.begin(), row_policies.end(), [&](const Variant& v) { return v.name == attribution.over; });
  return found == row_policies.end() ? 0 : static_cast<std::size_t>(found - row_policies.begin());
}

void Reproduction::list_variants() {
  if (row_policies.empty()) row_policies.push_back({"rows as the system says", {}, {}, {}});
  variants_ = row_policies;
  variants_.insert(variants_.end(), attribution.changes.begin(), attribution.changes.end());
  for (const Sweep& sweep : attribution.sweeps) {
    for (const std::string& value : sweep.values) {
      variants_.push_back({fmt::format("{} {}", sweep.name, value), sweep.systems, {sweep.key + "=" + value}, {}});
    }
  }
}

std::optional<RunSelection> RunSelection::both(const RunSelection& other) const {
  RunSelection found = *this;
  const bool some = narrow(found.models, other.models) && narrow(found.datasets, other.datasets) && narrow(found.batches, other.batches);
  return some ? std::optional(std::move(found)) : std::nullopt;
}

std::string Reproduction::path(const std::string& file) const {
  return (std::filesystem::path(directory) / file).lexically_normal().string();
}

void Reproduction::restrict_to(const RunSelection& part) {
  require_known("models", part.models, models);
  require_known("datasets", part.datasets, datasets);
  if (!part.models.empty()) keep(models, part.models);
  if (!part.datasets.empty()) keep(datasets, part.datasets);
  if (!part.batches.empty()) batches = part.batches;
  if (!part.models.empty()) keep(attribution.part.models, part.models);
  if (!part.datasets.empty()) keep(attribution.part.datasets, part.datasets);
  if (!part.batches.empty()) attribution.part.batches = part.batches;
  for (auto& e : experiments) {
    if (!part.models.empty()) keep(e.runs.models, part.models);
    if (!part.datasets.empty()) keep(e.runs.datasets, part.datasets);
  }
}

Reproduction load_reproduction(const std::string& file) {
  const ConfigNode node = load_yaml_file(file);
  auto reproduction = decode_document<Reproduction>(node, "reproduction", "bondsim.reproduction/1");
  reproduction.directory = directory_of(node);
  for (const auto& [list, key] : {std::pair("systems", "system"), std::pair("models", "file"), std::pair("datasets", "file")}) {
    const std::vector<ConfigNode>& entries = node.find(list)->items;
    for (std::size_t i = 0; i < entries.size(); ++i) named_file(*entries[i].find(key), fmt::format("reproduction.{}[{}].{}", list, i, key));
  }
  reproduction.list_variants();
  check_names(file, reproduction);
  return reproduction;
}

}  // namespace bondsim::tools
