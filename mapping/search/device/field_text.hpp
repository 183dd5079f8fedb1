#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "models/base/fields.hpp"

namespace bondsim::search {

/// Text of every value of a decoded config struct, by walking its fields(): equal texts, equal structs. A field that is added later is in
/// it without a change here.
class FieldText {
 public:
  template <class T>
  static std::string of(T value) {
    FieldText text;
    fields(text, value);
    return text.text_;
  }

  template <class T>
  void field(const char* key, T& value, const FieldInfo&) {
    text_ += fmt::format("{}={};", key, text_of(value));
  }
  template <class T>
  void section(const char* key, T& value, const FieldInfo&) {
    text_ += fmt::format("{}{{{}}}", key, of(value));
  }
  template <class T>
  void section(const char* key, std::optional<T>& value, const FieldInfo& info) {
    if (value) section(key, *value, info);
  }
  template <class T>
  void sections(const char* key, std::vector<T>& values, const FieldInfo& info) {
    for (T& value : values) section(key, value, info);
  }

 private:
  template <class T>
  static std::string text_of(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return enum_name(value);
    } else if constexpr (std::is_floating_point_v<T>) {
      return fmt::format("{:.17g}", value);
    } else {
      return fmt::format("{}", value);
    }
  }
  template <class T>
  static std::string text_of(const std::vector<T>& values) {
    std::string out;
    for (const auto& value : values) out += text_of(value) + ",";
    return out;
  }
  template <class T>
  static std::string text_of(const std::optional<T>& value) {
    return value ? text_of(*value) : "none";
  }

  std::string text_;
};

}  // namespace bondsim::search
