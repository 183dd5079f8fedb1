#pragma once
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "models/base/fields.hpp"

namespace bondsim {

/// A value as YAML has it: true or false, an enumerator's name, a number, text.
template <class T>
std::string scalar_text(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return enum_name(value);
  } else {
    return fmt::format("{}", value);
  }
}

/// One key as fields() describes it.
struct SchemaKey {
  enum class Type { boolean, integer, number, text, choice, section, raw };
  std::string key;
  FieldInfo info;
  Type type = Type::text;
  int lists = 0;                   ///< a list of it; 2: a list of lists
  std::vector<std::string> names;  ///< choice
  std::vector<SchemaKey> keys;     ///< section
  std::string fallback;            ///< the default as YAML, where there is one
  bool absent = false;             ///< optional, and without a default: left out, it is not there
};

/// Walks fields() as the Decoder does, and keeps what they say instead of reading.
class Describer {
 public:
  /// Keys of a struct; defaults are the initial values of `value`.
  template <class T>
  static std::vector<SchemaKey> keys_of(T value = T{}) {
    Describer describer;
    fields(describer, value);
    return describer.keys_;
  }

  template <class T>
  void field(const char* key, T& value, const FieldInfo& info) {
    SchemaKey& k = add(key, info);
    set_type<T>(k);
    if (info.optional) k.fallback = text_of(value);
    k.absent = info.optional && k.fallback.empty();
  }
  template <class T>
  void section(const char* key, T& value, const FieldInfo& info) {
    SchemaKey& k = add(key, info);
    k.type = SchemaKey::Type::section;
    k.keys = keys_of<T>(value);
  }
  template <class T>
  void section(const char* key, std::optional<T>& value, const FieldInfo& info) {
    T initial = value.value_or(T{});
    section(key, initial, info);
    keys_.back().info.optional = true;
    keys_.back().absent = !value.has_value();
  }
  template <class T>
  void sections(const char* key, std::vector<T>&, const FieldInfo& info) {
    T item{};
    section(key, item, info);
    keys_.back().lists = 1;
    keys_.back().absent = info.optional;
  }
  const ConfigNode* raw(const char* key, const FieldInfo& info) {
    SchemaKey& k = add(key, info);
    k.type = SchemaKey::Type::raw;
    k.absent = info.optional;
    return nullptr;
  }
  const ConfigNode& node() const { return nothing_; }
  std::string path_of(const std::string& key) const { return key; }

 private:
  SchemaKey& add(const char* key, const FieldInfo& info) {
    keys_.emplace_back();
    keys_.back().key = key;
    keys_.back().info = info;
    return keys_.back();
  }

  template <class T>
  struct Item {
    using type = void;
  };
  template <class T>
  struct Item<std::vector<T>> {
    using type = T;
  };
  template <class T>
  struct Item<std::optional<T>> {
    using type = T;
  };

  template <class T>
  static void set_type(SchemaKey& k) {
    if constexpr (std::is_same_v<T, bool>) {
      k.type = SchemaKey::Type::boolean;
    } else if constexpr (std::is_integral_v<T>) {
      k.type = SchemaKey::Type::integer;
    } else if constexpr (std::is_floating_point_v<T>) {
      k.type = SchemaKey::Type::number;
    } else if constexpr (std::is_enum_v<T>) {
      k.type = SchemaKey::Type::choice;
      for (const auto& entry : enum_names<T>) k.names.emplace_back(entry.first);
    } else if constexpr (ReadsItself<T>::value) {
      k.type = SchemaKey::Type::raw;
    } else if constexpr (!std::is_same_v<T, std::string>) {
      if (std::is_same_v<T, std::vector<typename Item<T>::type>>) ++k.lists;
      set_type<typename Item<T>::type>(k);
    }
  }

  template <class T>
  static std::string text_of(const T& value) {
    return scalar_text(value);
  }
  template <class T>
  static std::string text_of(const std::optional<T>& value) {
    return value ? text_of(*value) : std::string();
  }
  template <class T>
  static std::string text_of(const std::vector<T>& values) {
    std::string out;
    for (const auto& value : values) out += (out.empty() ? "" : ", ") + text_of(value);
    return "[" + out + "]";
  }

  std::vector<SchemaKey> keys_;
  ConfigNode nothing_;
};

/// A kind of file.
struct Schema {
  std::string name;   ///< system, model, ...
  std::string tag;    ///< its `schema:` value
  std::string about;  ///< one line
  std::vector<SchemaKey> keys;
};

/// Values allowed for a key: `whole number, 1 to 1024 MHz`.
std::string allowed_text(const SchemaKey& key);

/// Every key with what is allowed, its default and its meaning, one a line, by dotted path as --set takes it.
std::string schema_text(const Schema& schema);

/// JSON Schema (draft 7) of the file, for editors.
std::string schema_json(const Schema& schema);

/// The file again, each key with its comment from the schema, keys left out with their defaults. @param node a file of that kind
std::string commented_yaml(const Schema& schema, const ConfigNode& node, const std::string& heading);

}  // namespace bondsim
