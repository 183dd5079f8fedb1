#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "models/base/input_file.hpp"
#include "models/base/json_text.hpp"
#include "models/schedule/schedule_json.hpp"
#include "models/schedule/schedule_names.hpp"

namespace bondsim {
namespace {

using Json = nlohmann::json;

/// A value of the file with the path to it, for messages.
class Value {
 public:
  Value(const Json& json, std::string path, const std::string& line) : json_(json), path_(std::move(path)), line_(line) {}

  [[noreturn]] void fail(const std::string& what) const { throw ConfigError(fmt::format("{}: {}: {}", line_, path_, what)); }

  std::int64_t integer() const {
    if (!json_.is_number_integer()) fail(json_.dump() + " found, a whole number is expected");
    if (json_.is_number_unsigned() && json_.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      fail(json_.dump() + " does not fit 64 bits");
    }
    return json_.get<std::int64_t>();
  }
  std::int32_t small() const {
    const std::int64_t v = integer();
    if (v < std::numeric_limits<std::int32_t>::min() || v > std::numeric_limits<std::int32_t>::max())
      fail(json_.dump() + " does not fit 32 bits");
    return static_cast<std::int32_t>(v);
  }
  bool is_text() const { return json_.is_string(); }
  bool boolean() const {
    if (!json_.is_boolean()) fail(json_.dump() + " found, true or false is expected");
    return json_.get<bool>();
  }
  std::string text() const {
    if (!json_.is_string()) fail(json_.dump() + " found, a text is expected");
    return json_.get<std::string>();
  }
  template <class E>
  E name() const {
    const std::string found = text();
    std::string allowed;
    for (const auto& entry : enum_names<E>) {
      if (found == entry.first) return entry.second;
      allowed += (allowed.empty() ? "" : ", ") + std::string(entry.first);
    }
    fail("'" + found + "' is not known, allowed: " + allowed);
  }
  /// Items of a list of `min` to `max` values.
  std::vector<Value> items(std::size_t min = 0, std::size_t max = std::numeric_limits<std::size_t>::max()) const {
    if (!json_.is_array()) fail("a list is expected");
    if (json_.size() < min || json_.size() > max) fail(fmt::format("{} values found, {} expected", json_.size(), min));
    std::vector<Value> out;
    for (std::size_t i = 0; i < json_.size(); ++i) out.emplace_back(json_[i], fmt::format("{}[{}]", path_, i), line_);
    return out;
  }
  const Json& json() const { return json_; }
  const std::string& path() const { return path_; }
  const std::string& line() const { return line_; }

 private:
  const Json& json_;
  std::string path_;
  const std::string& line_;
};

/// A JSON object whose every key must be read.
class Object {
 public:
  explicit Object(const Value& v) : value_(v) {
    if (!v.json().is_object()) v.fail("an object is expected");
  }
  template <class Read>
  void required(const char* key, Read read) {
    if (!optional(key, read)) value_.fail(fmt::format("'{}' is missing, it is required", key));
  }
  template <class Read>
  bool optional(const char* key, Read read) {
    const auto it = value_.json().find(key);
    known_.emplace_back(key);
    if (it == value_.json().end()) return false;
    read(Value(*it, value_.path().empty() ? std::string(key) : value_.path() + "." + key, value_.line()));
    return true;
  }
  void finish() const {
    for (const auto& entry : value_.json().items()) {
      if (std::find(known_.begin(), known_.end(), entry.key()) == known_.end()) {
        value_.fail(fmt::format("unknown key '{}', allowed: {}", entry.key(), fmt::join(known_, ", ")));
      }
    }
  }

 private:
  Value value_;
  std::vector<std::string> known_;
};

std::vector<Extent> extents(const Value& v) {
  std::vector<Extent> out;
  for (const Value& item : v.items()) {
    const auto n = item.items(5, 8);
    Extent e;
    e.channel = n[0].small();
    e.first_bank = n[1].small();
    e.banks = n[2].small();
    e.bank_offset = n[3].integer();
    e.bytes_per_bank = n[4].integer();
    if (n.size() == 6) item.fail("longer_banks without extra_bytes");
    if (n.size() >= 7) {
      e.longer_banks = n[5].small();
      e.extra_bytes = n[6].integer();
    }
    if (n.size() == 8) e.groups = n[7].small();
    out.push_back(e);
  }
  return out;
}

GemmShape shape(const Value& v, std::size_t skip = 0) {
  const auto n = v.items(4 + skip, 4 + skip);
  return {n[skip].integer(), n[skip + 1].integer(), n[skip + 2].integer(), n[skip + 3].integer()};
}

/// Whole bits as a number, anything else as text.
Element element(const Value& v) {
  if (!v.is_text()) return v.small();
  try {
    return parse_element(v.text());
  } catch (const ConfigError& e) {
    v.fail(e.what());
  }
}

void read_gemm(Object& o, GemmShape& s, GemmPart& part, OperandBits& bits) {
  o.required("shape", [&](const Value& v) { s = shape(v); });
  o.optional("part", [&](const Value& v) {
    const auto n = v.items(5, 5);
    part = {n[0].small(), n[1].integer(), n[2].integer(), n[3].integer(), n[4].integer()};
  });
  o.optional("bits", [&](const Value& v) {
    const auto n = v.items(4, 4);
    bits = {element(n[0]), element(n[1]), element(n[2]), element(n[3])};
  });
}

void read_nmp(Object& o, NmpGemm& g) {
  read_gemm(o, g.shape, g.part, g.bits);
  o.required("pes", [&](const Value& v) {
    const auto n = v.items(2, 2);
    g.first_pe = n[0].small();
    g.pes_per_gemm = n[1].small();
  });
  o.optional("k_parts", [&](const Value& v) { g.k_parts = v.small(); });
  o.required("tile", [&](const Value& v) {
    const auto n = v.items(3, 3);
    g.tiling = {n[0].integer(), n[1].integer(), n[2].name<LoopOrder>()};
  });
  o.optional("piece", [&](const Value& v) { g.tiling.k_piece = v.integer(); });
  o.optional("leave_mode", [&](const Value& v) { g.leave_mode = v.boolean(); });
  o.required("input", [&](const Value& v) { g.input = extents(v); });
  o.required("stationary", [&](const Value& v) { g.stationary = extents(v); });
  o.required("output", [&](const Value& v) { g.output = extents(v); });
  o.optional("partials", [&](const Value& v) { g.partials = extents(v); });
}

Task read_task(const Value& value, const std::vector<std::string>& channels) {
  Task t;
  Object o(value);
  o.required("kind", [&](const Value& v) { t.kind = v.name<TaskKind>(); });
  o.optional("op", [&](const Value& v) { t.op = v.small(); });
  o.optional("on", [&](const Value& v) {
    const auto executor = executor_named(v.text(), channels);
    if (!executor) v.fail("'" + v.text() + "' is not known, allowed: npu.arrays, npu.vector, none, or a channel of the header");
    t.executor = *executor;
  });
  o.optional("after", [&](const Value& v) {
    for (const Value& item : v.items()) t.dependencies.push_back(item.small());
  });
  o.optional("delay_ps", [&](const Value& v) { t.delay = Picoseconds(v.integer()); });
  switch (t.kind) {
    case TaskKind::nmp_gemm:
      read_nmp(o, t.nmp);
      break;
    case TaskKind::npu_gemm:
      read_gemm(o, t.npu.shape, t.npu.part, t.npu.bits);
      o.optional("chunks", [&](const Value& v) { t.npu.chunks = v.small(); });
      o.optional("accumulate", [&](const Value& v) { t.npu.accumulate = v.boolean(); });
      o.optional("stationary", [&](const Value& v) { t.npu.stationary = extents(v); });
      break;
    case TaskKind::nmp_vector:
      o.required("vector", [&](const Value& v) {
        const auto n = v.items(2, 2);
        t.vector.kind = n[0].name<VectorKind>();
        t.vector.elements = n[1].integer();
      });
      o.optional("leave_mode", [&](const Value& v) { t.nmp.leave_mode = v.boolean(); });
      o.required("input", [&](const Value& v) { t.nmp.input = extents(v); });
      o.required("output", [&](const Value& v) { t.nmp.output = extents(v); });
      break;
    case TaskKind::npu_vector:
      o.required("vector", [&](const Value& v) {
        const auto n = v.items(2, 4);
        t.vector.kind = n[0].name<VectorKind>();
        t.vector.elements = n[1].integer();
        if (n.size() > 2) t.vector.first_unit = n[2].small();
        if (n.size() > 3) t.vector.units = n[3].small();
      });
      break;
    case TaskKind::barrier:
      break;
    default:
      o.required("extents", [&](const Value& v) { t.extents = extents(v); });
  }
  o.finish();
  return t;
}

/// @param counted set where the number of blocks follows them
ScheduleHeader read_header(const Value& value, bool& counted) {
  ScheduleHeader h;
  Object o(value);
  o.required("schema", [](const Value& v) {
    if (v.text() == "bondsim.schedule/1") v.fail("'bondsim.schedule/1' was written by an older version, write it again with bondsim map");
    if (v.text() != "bondsim.schedule/2") v.fail("'" + v.text() + "' is not known, allowed: bondsim.schedule/2");
  });
  o.required("model", [&](const Value& v) { h.model = v.text(); });
  o.required("dataflow", [&](const Value& v) { h.dataflow = v.text(); });
  o.required("channels", [&](const Value& v) {
    for (const Value& item : v.items()) h.channels.push_back(item.text());
  });
  o.required("batch", [&](const Value& v) { h.batch = v.small(); });
  o.required("layers", [&](const Value& v) { h.layers = v.small(); });
  o.optional("first_step", [&](const Value& v) { h.first_step = v.small(); });
  o.required("steps", [&](const Value& v) { h.steps = v.small(); });
  o.optional("prompt_tokens", [&](const Value& v) { h.prompt_tokens = v.small(); });
  o.required("all_layers", [&](const Value& v) { h.all_layers = v.boolean(); });
  o.optional("counted", [&](const Value& v) { counted = v.boolean(); });
  o.required("operators", [&](const Value& v) {
    for (const Value& item : v.items()) {
      const auto n = item.items(3, 3);
      h.operators.push_back({n[0].text(), n[1].name<Phase>(), n[2].text()});
    }
  });
  o.optional("edges", [&](const Value& v) {
    for (const Value& item : v.items()) {
      const auto n = item.items(2, 2);
      h.edges.emplace_back(n[0].small(), n[1].small());
    }
  });
  o.finish();
  return h;
}

Block read_block(const Value& value, const std::vector<std::string>& channels) {
  Block b;
  Object o(value);
  o.required("phase", [&](const Value& v) { b.phase = v.name<Phase>(); });
  o.required("step", [&](const Value& v) { b.step = v.small(); });
  o.required("layer", [&](const Value& v) { b.layer = v.small(); });
  o.optional("layers", [&](const Value& v) { b.layers = v.integer(); });
  o.optional("steps", [&](const Value& v) { b.steps = v.integer(); });
  o.optional("not_before_ps", [&](const Value& v) { b.not_before = Picoseconds(v.integer()); });
  o.optional("yields", [&](const Value& v) {
    for (const Value& item : v.items()) {
      const auto n = item.items(2, 2);
      b.yields.push_back({n[0].small(), n[1].integer()});
    }
  });
  o.optional("work", [&](const Value& v) {
    for (const Value& item : v.items()) b.work.push_back({item.items(5, 5)[0].small(), shape(item, 1)});
  });
  o.required("tasks", [&](const Value& v) {
    for (const Value& item : v.items()) b.tasks.push_back(read_task(item, channels));
  });
  o.finish();
  return b;
}

class TextSchedule : public ScheduleSource {
 public:
  TextSchedule(std::unique_ptr<std::istream> in, const std::string& name) : in_(std::move(in)), name_(name) {
    if (!read_line()) throw ConfigError(name_ + ": empty, a schedule begins with its header line");
    header_ = read_header(Value(json_, "", where_), counted_);
  }
  const ScheduleHeader& header() const override { return header_; }
  std::string place() const override { return where_; }
  using ScheduleSource::next;
  bool next(Picoseconds, Block& block) override {
    if (!read_line()) {
      if (counted_) fail_at_end("the file is cut off, allowed: {\"blocks\": ...} at its end, as its header says (counted)");
      return false;
    }
    if (counted_ && json_.is_object() && json_.contains("blocks")) {
      end();
      return false;
    }
    block = read_block(Value(json_, "", where_), header_.channels);
    ++blocks_;
    return true;
  }

 private:
  [[noreturn]] void fail_at_end(const std::string& what) const {
    throw ConfigError(fmt::format("{}:{}: after {} blocks: {}", name_, line_, blocks_, what));
  }

  /// The line behind the blocks.
  void end() {
    Object o(Value(json_, "", where_));
    o.required("blocks", [&](const Value& v) {
      if (v.integer() != blocks_) v.fail(fmt::format("{}, allowed: {}, as many as come before", v.integer(), blocks_));
    });
    o.finish();
    counted_ = false;
    if (read_line()) fail_at_end("a line behind the number of blocks, allowed: nothing");
  }

  /// The next line that is not empty; false at the end.
  bool read_line() {
    std::string text;
    while (std::getline(*in_, text)) {
      ++line_;
      if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
      where_ = fmt::format("{}:{}", name_, line_);
      json_ = parse_json(text, name_, line_);
      return true;
    }
    return false;
  }

  std::unique_ptr<std::istream> in_;
  std::string name_;
  std::string where_;
  int line_ = 0;
  bool counted_ = false;  ///< the number of blocks is still to come
  std::int64_t blocks_ = 0;
  Json json_;
  ScheduleHeader header_;
};

}  // namespace

std::unique_ptr<ScheduleSource> read_schedule(std::unique_ptr<std::istream> in, const std::string& name) {
  return std::make_unique<TextSchedule>(std::move(in), name);
}

std::unique_ptr<ScheduleSource> open_schedule(const std::string& path) {
  return read_schedule(std::make_unique<std::ifstream>(open_input_file(path, "a schedule")), path);
}

}  // namespace bondsim
