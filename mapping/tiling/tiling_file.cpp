#include "mapping/tiling/tiling_file.hpp"

#include <algorithm>

#include "models/base/fields.hpp"
#include "models/schedule/schedule_names.hpp"

namespace bondsim {
namespace {

struct TilingEntry {
  std::string name;
  std::int64_t n_tile = 0;
  std::int64_t k_tile = 0;
  LoopOrder order = LoopOrder::output_stationary;
  std::int64_t k_piece = 0;
};
template <class Visitor>
void fields(Visitor& v, TilingEntry& c) {
  v.field("name", c.name, required("weight GEMM: q, k, v, o, f1, ..., lm_head"));
  v.field("n_tile", c.n_tile, required("output columns of a PE accumulated at a time").range(1, 1 << 30));
  v.field("k_tile", c.k_tile, required("elements of K in the input buffer at a time").range(1, 1 << 30));
  v.field("order", c.order, defaulted("output_stationary: sums stay, inputs come again; input_stationary: inputs stay, sums are spilled"));
  v.field("k_piece", c.k_piece,
          defaulted("elements of K whose weights a PE loads at a time; 0: as many as fit its buffer").range(0, 1 << 30));
}

struct TilingFile {
  std::vector<TilingEntry> operators;
};
template <class Visitor>
void fields(Visitor& v, TilingFile& c) {
  v.sections("operators", c.operators, required("tilings by operator"));
}

}  // namespace

TilingOverrides::TilingOverrides(const ConfigNode& node) {
  const auto file = decode_document<TilingFile>(node, "tiling", "bondsim.tiling/1");
  const ConfigNode& list = *node.find("operators");
  for (std::size_t i = 0; i < file.operators.size(); ++i) {
    const TilingEntry& e = file.operators[i];
    const bool added = entries_.emplace(e.name, Entry{{e.n_tile, e.k_tile, e.order, e.k_piece}, list.items[i].where()}).second;
    if (!added) config_error(list.items[i], "tiling.operators", "'" + e.name + "' given twice, allowed: once");
  }
}

const NmpTiling* TilingOverrides::find(const std::string& name) const {
  const auto entry = entries_.find(name);
  return entry == entries_.end() ? nullptr : &entry->second.tiling;
}

void TilingOverrides::require_known(const std::function<bool(const std::string&)>& known) const {
  for (const auto& [name, entry] : entries_) {
    if (!known(name)) throw ConfigError(entry.where + ": tiling.operators.name: '" + name + "' is no weight GEMM of the model");
  }
}

NmpTiling fitted(NmpTiling tiling, const NmpConfig& nmp, const TilingProblem& p, const std::string& name, int channel) {
  tiling.n_tile = std::min(tiling.n_tile, p.n);
  tiling.k_tile = std::min(tiling.k_tile, p.k);
  if (fits(nmp, p, tiling)) return tiling;
  const TilingFootprint f = footprint(nmp, p, tiling);
  throw InfeasibleError(
      fmt::format("operator {} on channel {}: a tile of {} columns and {} of K needs {} bytes of weights at once, {} of input and {} of "
                  "accumulators; the "
                  "buffers hold {}, {} and {} KiB",
                  name, channel, tiling.n_tile, tiling.k_tile, f.weight_bytes, f.input_bytes, f.output_bytes,
                  nmp.pe.weight_buffer_kib / (nmp.pe.double_buffered_weights ? 2 : 1), nmp.input_buffer_kib, nmp.pe.output_buffer_kib));
}

}  // namespace bondsim
