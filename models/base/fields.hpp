#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/base/config_node.hpp"

namespace bondsim {

/// Schema of one key. Each config struct lists its keys once, in a function template
///   template <class Visitor> void fields(Visitor& v, PeConfig& c);
/// which the decoder (below), the Describer of the schema (schema.hpp) and the dump of the resolved configuration all walk.
struct FieldInfo {
  std::string doc;   ///< meaning, one line
  std::string unit;  ///< empty for counts and names
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool optional = false;  ///< may be left out: the struct's initial value is the default
  bool file = false;      ///< a section that may also be the name of a file with its content
  std::string shape;      ///< of a key read raw: what may stand there, in words
  std::string json;       ///< and as JSON Schema

  FieldInfo& range(double lo, double hi) {
    min = lo;
    max = hi;
    return *this;
  }
  FieldInfo& in(std::string u) {
    unit = std::move(u);
    return *this;
  }
  FieldInfo& or_file() {
    file = true;
    return *this;
  }
  FieldInfo& shaped(std::string words, std::string json_schema) {
    shape = std::move(words);
    json = std::move(json_schema);
    return *this;
  }
};

/// A key that must be given.
inline FieldInfo required(std::string doc) {
  FieldInfo info;
  info.doc = std::move(doc);
  return info;
}

/// A key that may be left out; the default is the member's initial value.
inline FieldInfo defaulted(std::string doc) {
  FieldInfo info = required(std::move(doc));
  info.optional = true;
  return info;
}

/// A value of an enum by its name in configuration.
template <class E>
using EnumEntry = std::pair<const char*, E>;
/// Specialise for an enum to list its names: `template <> inline constexpr EnumEntry<E> enum_names<E>[] = {...}`.
template <class E>
inline constexpr EnumEntry<E> enum_names[1] = {};

template <class E>
std::string enum_name(E value) {
  for (const auto& entry : enum_names<E>) {
    if (entry.second == value) return entry.first;
  }
  throw InternalError("enum value without a name");
}

/// A type of values that says itself how it is written: `static T read(const ConfigNode&, const std::string& path, const FieldInfo&)`.
template <class T, class = void>
struct ReadsItself : std::false_type {};
template <class T>
struct ReadsItself<T, std::enable_if_t<T::reads_itself>> : std::true_type {};

/// Scalar texts to values; strict: no octal, no trailing characters, no silent truncation.
/// @throws ConfigError naming `path`, the text found and what is allowed.
std::int64_t parse_integer(const ConfigNode& node, const std::string& path);
double parse_number(const ConfigNode& node, const std::string& path);
bool parse_bool(const ConfigNode& node, const std::string& path);
std::string parse_string(const ConfigNode& node, const std::string& path);

/// Reads one map of the configuration into a struct. Every key is read once; finish() rejects what is left.
class Decoder {
 public:
  /// @param node must be a map. @param path dotted path of it, for messages.
  Decoder(const ConfigNode& node, std::string path);

  template <class T>
  void field(const char* key, T& value, const FieldInfo& info) {
    const ConfigNode* child = take(key, info.optional);
    if (child != nullptr) decode(*child, path_of(key), value, info);
  }

  /// A nested map, described by its own fields().
  template <class T>
  void section(const char* key, T& value, const FieldInfo& info) {
    const ConfigNode* child = take(key, info.optional);
    if (child != nullptr) decode_struct(*child, path_of(key), value);
  }

  /// A nested map that may be absent altogether.
  template <class T>
  void section(const char* key, std::optional<T>& value, const FieldInfo&) {
    const ConfigNode* child = take(key, true);
    if (child == nullptr || child->kind == ConfigNode::Kind::null) return;
    value.emplace();
    decode_struct(*child, path_of(key), *value);
  }

  /// A list of maps.
  template <class T>
  void sections(const char* key, std::vector<T>& values, const FieldInfo& info) {
    const ConfigNode* child = take(key, info.optional);
    if (child == nullptr) return;
    if (child->kind != ConfigNode::Kind::sequence) config_error(*child, path_of(key), "a list is expected");
    for (std::size_t i = 0; i < child->items.size(); ++i) {
      values.emplace_back();
      decode_struct(child->items[i], path_of(key) + "[" + std::to_string(i) + "]", values.back());
    }
  }

  /// For keys whose shape a type cannot say: the raw node, or null when left out. Other visitors hand out null, whatever is required.
  const ConfigNode* raw(const char* key, const FieldInfo& info) { return take(key, info.optional); }

  /// @throws ConfigError for the first key that nobody read, listing those allowed.
  void finish() const;

  const std::string& path() const { return path_; }
  const ConfigNode& node() const { return node_; }
  std::string path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  template <class T>
  static void decode_struct(const ConfigNode& node, const std::string& path, T& value) {
    Decoder nested(node, path);
    fields(nested, value);
    nested.finish();
  }

 private:
  const ConfigNode* take(const char* key, bool optional);
  static void check_range(const ConfigNode& node, const std::string& path, double value, const FieldInfo& info);

  template <class T>
  static void decode(const ConfigNode& node, const std::string& path, T& value, const FieldInfo& info) {
    if constexpr (std::is_same_v<T, bool>) {
      value = parse_bool(node, path);
    } else if constexpr (std::is_integral_v<T>) {
      const std::int64_t parsed = parse_integer(node, path);
      check_range(node, path, static_cast<double>(parsed), info);
      if (parsed < static_cast<std::int64_t>(std::numeric_limits<T>::min()) ||
          (sizeof(T) < 8 && parsed > static_cast<std::int64_t>(std::numeric_limits<T>::max()))) {
        config_error(node, path, node.text + " does not fit");
      }
      value = static_cast<T>(parsed);
    } else if constexpr (std::is_floating_point_v<T>) {
      value = parse_number(node, path);
      check_range(node, path, value, info);
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = parse_string(node, path);
    } else if constexpr (std::is_enum_v<T>) {
      value = decode_enum<T>(node, path);
    } else if constexpr (ReadsItself<T>::value) {
      value = T::read(node, path, info);
    } else {
      decode_composite(node, path, value, info);
    }
  }

  template <class T>
  static void decode_composite(const ConfigNode& node, const std::string& path, std::vector<T>& values, const FieldInfo& info) {
    if (node.kind != ConfigNode::Kind::sequence) config_error(node, path, "a list is expected");
    values.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      T item{};
      decode(node.items[i], path + "[" + std::to_string(i) + "]", item, info);
      values.push_back(std::move(item));
    }
  }

  template <class T>
  static void decode_composite(const ConfigNode& node, const std::string& path, std::optional<T>& value, const FieldInfo& info) {
    if (node.kind == ConfigNode::Kind::null) return;
    value.emplace();
    decode(node, path, *value, info);
  }

  template <class T>
  static T decode_enum(const ConfigNode& node, const std::string& path) {
    const std::string text = parse_string(node, path);
    std::string allowed;
    for (const auto& entry : enum_names<T>) {
      if (text == entry.first) return entry.second;
      allowed += (allowed.empty() ? "" : ", ") + std::string(entry.first);
    }
    config_error(node, path, "'" + text + "' is not known, allowed: " + allowed);
  }

  const ConfigNode& node_;
  std::string path_;
  std::vector<std::string> known_;
};

/// Decodes a whole file's map: checks `schema: NAME` first, then reads the struct.
template <class T>
T decode_document(const ConfigNode& node, const std::string& path, const std::string& schema) {
  T value{};
  Decoder decoder(node, path);
  const ConfigNode* tag = decoder.raw("schema", required("format and version of the file"));
  if (parse_string(*tag, decoder.path_of("schema")) != schema) {
    config_error(*tag, decoder.path_of("schema"), "'" + tag->text + "' is not known, allowed: " + schema);
  }
  fields(decoder, value);
  decoder.finish();
  return value;
}

}  // namespace bondsim
