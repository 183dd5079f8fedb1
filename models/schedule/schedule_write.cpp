#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "models/schedule/schedule_json.hpp"
#include "models/schedule/schedule_names.hpp"

namespace bondsim {
namespace {

using Buffer = fmt::memory_buffer;

template <class... Args>
void put(Buffer& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

void put_extents(Buffer& out, const char* key, const std::vector<Extent>& extents) {
  if (extents.empty()) return;
  put(out, ",\"{}\":[", key);
  const char* comma = "";
  for (const Extent& e : extents) {
    put(out, "{}[{},{},{},{},{}", comma, e.channel, e.first_bank, e.banks, e.bank_offset, e.bytes_per_bank);
    if (e.longer_banks != 0 || e.extra_bytes != 0 || e.groups != 1) put(out, ",{},{}", e.longer_banks, e.extra_bytes);
    if (e.groups != 1) put(out, ",{}", e.groups);
    put(out, "]");
    comma = ",";
  }
  put(out, "]");
}

void put_gemm(Buffer& out, const GemmShape& s, const GemmPart& p, const OperandBits& b) {
  put(out, ",\"shape\":[{},{},{},{}]", s.count, s.m, s.n, s.k);
  if (p.work >= 0) put(out, ",\"part\":[{},{},{},{},{}]", p.work, p.gemm, p.m, p.n, p.k);
  const auto element = [](const Element& e) { return e.number == Number::any ? element_text(e) : quoted(element_text(e)); };
  put(out, ",\"bits\":[{},{},{},{}]", element(b.activation), element(b.stationary), element(b.output), element(b.accumulator));
}

void put_task(Buffer& out, const Task& t, const std::vector<std::string>& channels) {
  put(out, "{{\"kind\":\"{}\",\"op\":{},\"on\":{},\"after\":[{}]", enum_name(t.kind), t.op, quoted(executor_name(t.executor, channels)),
      fmt::join(t.dependencies, ","));
  if (t.delay.value != 0) put(out, ",\"delay_ps\":{}", t.delay.value);
  put_extents(out, "extents", t.extents);
  if (t.kind == TaskKind::nmp_gemm) {
    const NmpGemm& g = t.nmp;
    put_gemm(out, g.shape, g.part, g.bits);
    put(out, ",\"pes\":[{},{}],\"tile\":[{},{},\"{}\"]", g.first_pe, g.pes_per_gemm, g.tiling.n_tile, g.tiling.k_tile,
        enum_name(g.tiling.order));
    if (g.k_parts > 1) put(out, ",\"k_parts\":{}", g.k_parts);
    if (g.tiling.k_piece > 0) put(out, ",\"piece\":{}", g.tiling.k_piece);
    if (!g.leave_mode) put(out, ",\"leave_mode\":false");
    put_extents(out, "input", g.input);
    put_extents(out, "stationary", g.stationary);
    put_extents(out, "output", g.output);
    put_extents(out, "partials", g.partials);
  } else if (t.kind == TaskKind::npu_gemm) {
    put_gemm(out, t.npu.shape, t.npu.part, t.npu.bits);
    put(out, ",\"chunks\":{}", t.npu.chunks);
    if (t.npu.accumulate) put(out, ",\"accumulate\":true");
    put_extents(out, "stationary", t.npu.stationary);
  } else if (t.kind == TaskKind::nmp_vector) {
    put(out, ",\"vector\":[\"{}\",{}]", enum_name(t.vector.kind), t.vector.elements);
    if (!t.nmp.leave_mode) put(out, ",\"leave_mode\":false");
    put_extents(out, "input", t.nmp.input);
    put_extents(out, "output", t.nmp.output);
  } else if (t.kind == TaskKind::npu_vector) {
    put(out, ",\"vector\":[\"{}\",{},{},{}]", enum_name(t.vector.kind), t.vector.elements, t.vector.first_unit, t.vector.units);
  }
  put(out, "}}");
}

}  // namespace

ScheduleWriter::ScheduleWriter(std::ostream& out, const ScheduleHeader& h) : out_(out), channels_(h.channels) {
  Buffer line;
  put(line, "{{\"schema\":\"bondsim.schedule/2\",\"model\":{},\"dataflow\":{}", quoted(h.model), quoted(h.dataflow));
  put(line, ",\"channels\":{},\"batch\":{},\"layers\":{},\"steps\":{},\"prompt_tokens\":{},\"all_layers\":{},\"counted\":true",
      nlohmann::json(h.channels).dump(), h.batch, h.layers, h.steps, h.prompt_tokens, h.all_layers);
  if (h.first_step != 0) put(line, ",\"first_step\":{}", h.first_step);
  put(line, ",\"operators\":[");
  const char* comma = "";
  for (const OperatorInfo& op : h.operators) {
    put(line, "{}[{},\"{}\",{}]", comma, quoted(op.name), enum_name(op.phase), quoted(op.executor));
    comma = ",";
  }
  put(line, "],\"edges\":[");
  comma = "";
  for (const auto& [a, b] : h.edges) {
    put(line, "{}[{},{}]", comma, a, b);
    comma = ",";
  }
  put(line, "]}}\n");
  out_.write(line.data(), static_cast<std::streamsize>(line.size()));
}

void ScheduleWriter::finish() { out_ << "{\"blocks\":" << blocks_ << "}\n"; }

void ScheduleWriter::write(const Block& b) {
  ++blocks_;
  Buffer line;
  put(line, "{{\"phase\":\"{}\",\"step\":{},\"layer\":{},\"layers\":{},\"steps\":{},\"work\":[", enum_name(b.phase), b.step, b.layer,
      b.layers, b.steps);
  const char* comma = "";
  for (const OperatorWork& w : b.work) {
    put(line, "{}[{},{},{},{},{}]", comma, w.op, w.shape.count, w.shape.m, w.shape.n, w.shape.k);
    comma = ",";
  }
  put(line, "]");
  if (b.not_before.value != 0) put(line, ",\"not_before_ps\":{}", b.not_before.value);
  if (!b.yields.empty()) {
    put(line, ",\"yields\":[");
    comma = "";
    for (const TokenYield& y : b.yields) {
      put(line, "{}[{},{}]", comma, y.request, y.tokens);
      comma = ",";
    }
    put(line, "]");
  }
  put(line, ",\"tasks\":[");
  comma = "";
  for (const Task& t : b.tasks) {
    put(line, "{}", comma);
    put_task(line, t, channels_);
    comma = ",";
  }
  put(line, "]}}\n");
  out_.write(line.data(), static_cast<std::streamsize>(line.size()));
}

}  // namespace bondsim
