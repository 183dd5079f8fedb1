#include "mapping/llm/format.hpp"

#include <algorithm>

namespace bondsim {

/// Of a generated file: name and text of each file of configs/formats/.
const std::vector<std::pair<const char*, const char*>>& shipped_format_files();

namespace {

/// Parts of a bit an element takes; -1 when it is no whole number of them.
std::int64_t parts_of(const Format& f) {
  const std::int64_t kept = f.sparsity ? f.sparsity->kept : 1, of = f.sparsity ? f.sparsity->of : 1;
  const std::int64_t payload = (payload_bits(f.number) + (f.sparsity ? f.sparsity->index_bits : 0)) * kept * Element::unit;
  const std::int64_t shared = (f.scale_bits + f.zero_point_bits) * Element::unit;
  return payload % of == 0 && shared % f.block == 0 ? payload / of + shared / f.block : -1;
}

void require_whole(const Format& f, const ConfigNode& node, const std::string& path) {
  if (f.number == Number::any) config_error(node, path + ".number", "any is no number, allowed: the others");
  if (f.sparsity && f.sparsity->kept >= f.sparsity->of) {
    config_error(node, path + ".sparsity", fmt::format("{} of {} kept, allowed: fewer", f.sparsity->kept, f.sparsity->of));
  }
  if (parts_of(f) <= 0) {
    config_error(node, path + ".block",
                 fmt::format("{} and {} bits of {} elements are no multiple of 1/1024 bit an element, allowed: blocks of a power of two "
                             "up to 1024 times the bits",
                             f.scale_bits, f.zero_point_bits, f.block));
  }
}

std::string names_of_formats() {
  std::string names;
  for (const Format& f : shipped_formats()) names += (names.empty() ? "" : ", ") + f.name;
  return names;
}

/// A number, a name, or a format in place.
Element read_element(const ConfigNode& node, const std::string& path, const FieldInfo& info, std::string& text) {
  if (node.kind == ConfigNode::Kind::map) {
    Format f;
    Decoder::decode_struct(node, path, f);
    require_whole(f, node, path);
    text = element_text(f.element());
    return f.element();
  }
  const std::string name = parse_string(node, path);
  for (const Format& f : shipped_formats()) {
    if (f.name != name) continue;
    text = fmt::format("{} ({})", name, f.element().bits());
    return f.element();
  }
  const bool digits = !name.empty() && name.find_first_not_of("+-0123456789") == std::string::npos;
  if (!digits || node.quoted) config_error(node, path, "'" + name + "' is no format, allowed: whole bits, or one of " + names_of_formats());
  const std::int64_t bits = parse_integer(node, path);
  if (static_cast<double>(bits) < info.min || static_cast<double>(bits) > info.max) {
    config_error(node, path, fmt::format("{} bit is out of range, allowed: {} to {}", bits, info.min, info.max));
  }
  if (bits != 4 && bits % 8 != 0) {
    config_error(
        node, path,
        fmt::format("{} bit elements are not supported, allowed: 4, 8, 16, 24, 32, or a format by name: {}", bits, names_of_formats()));
  }
  text = name;
  return static_cast<int>(bits);
}

}  // namespace

Element Format::element() const {
  Element e;
  e.parts = static_cast<std::int32_t>(parts_of(*this));
  e.number = number;
  if (sparsity) {
    e.kept = static_cast<std::uint8_t>(sparsity->kept);
    e.of = static_cast<std::uint8_t>(sparsity->of);
  }
  return e;
}

const std::vector<Format>& shipped_formats() {
  static const std::vector<Format> list = [] {
    std::vector<Format> out;
    for (const auto& [name, text] : shipped_format_files()) {
      const ConfigNode node = parse_yaml(text, std::string("configs/formats/") + name + ".yaml");
      out.push_back(decode_document<Format>(node, "format", "bondsim.format/1"));
      require_whole(out.back(), node, "format");
      check(out.back().name == name, "configs/formats/{}.yaml is named {}", name, out.back().name);
    }
    return out;
  }();
  return list;
}

const std::vector<std::string>& formatted_operators() {
  static const std::vector<std::string> list = {
      "embedding", "q",  "k",  "v",       "qk",      "sv",        "o",         "q_down",    "kv_down",  "k_up",     "v_up",    "router",
      "f1",        "f2", "f3", "experts", "lm_head", "shared_f1", "shared_f2", "shared_f3", "dense_f1", "dense_f2", "dense_f3"};
  return list;
}

OperandFormat OperandFormat::read(const ConfigNode& node, const std::string& path, const FieldInfo& info) {
  std::string text;
  if (node.kind != ConfigNode::Kind::map || node.find("number") != nullptr) {
    OperandFormat f(read_element(node, path, info, text));
    f.text = text;
    return f;
  }
  const ConfigNode* otherwise = node.find("default");
  if (otherwise == nullptr) config_error(node, path, "a map by operator without 'default', allowed: with it, or a format by its 'number'");
  OperandFormat f(read_element(*otherwise, path + ".default", info, text));
  f.text = text;
  for (const auto& [name, value] : node.entries) {
    if (name == "default") continue;
    const auto& known = formatted_operators();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      config_error(value, path + "." + name, fmt::format("'{}' is no operator, allowed: default, {}", name, fmt::join(known, ", ")));
    }
    f.by_operator.emplace_back(name, read_element(value, path + "." + name, info, text));
    f.text += fmt::format(", {}: {}", name, text);
  }
  return f;
}

const Element& OperandFormat::of(const std::string& op) const {
  const std::size_t dot = op.find('.');
  const bool expert = dot != std::string::npos;
  const std::string name = expert ? op.substr(dot + 1) : op;
  for (const std::string& wanted : {name, std::string(expert ? "experts" : "")}) {
    for (const auto& [known, e] : by_operator) {
      if (known == wanted) return e;
    }
  }
  return element;
}

void OperandFormat::each(const std::function<void(Element&)>& visit) {
  visit(element);
  for (auto& entry : by_operator) visit(entry.second);
}

bool OperandFormat::has_numbers() const {
  const auto named = [](const auto& entry) { return entry.second.number != Number::any; };
  return element.number != Number::any || std::any_of(by_operator.begin(), by_operator.end(), named);
}

void OperandFormat::name_numbers() {
  each([](Element& e) {
    if (e.number != Number::any) return;
    for (const Number number : {Number::fp32, Number::fp16, Number::int8, Number::int4}) {
      if (payload_bits(number) * Element::unit == e.parts) e.number = number;
    }
  });
}

}  // namespace bondsim
