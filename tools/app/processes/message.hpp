#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/base/error.hpp"
#include "models/base/quantity.hpp"

/// Message between processes: a struct as one line of JSON with named keys and the name and version of its schema. A struct becomes a
/// message by naming its fields once, beside it:
///
///   template <class Visitor>
///   void members(Visitor& v, Answer& a) { v("latency_s", a.latency_s); v("parts", a.parts); }
///   inline const char* message_schema(const Answer&) { return "bondsim.answer/1"; }
///
/// Fields: numbers, text, Quantity, vectors of these, and vectors of (name, value), which become an object. Numbers keep every digit.
namespace bondsim::tools {

namespace message {

using Json = nlohmann::ordered_json;

template <class T>
struct IsNamedList : std::false_type {};
template <class T>
struct IsNamedList<std::vector<std::pair<std::string, T>>> : std::true_type {};

template <class T>
Json to_value(const T& value) {
  return Json(value);
}
template <class Tag, class Rep>
Json to_value(const Quantity<Tag, Rep>& value) {
  return Json(value.value);
}
template <class T>
Json to_value(const std::vector<std::pair<std::string, T>>& values) {
  Json out = Json::object();
  for (const auto& [name, value] : values) out[name] = value;
  return out;
}

template <class T>
void from_value(const Json& json, T& value) {
  json.get_to(value);
}
template <class Tag, class Rep>
void from_value(const Json& json, Quantity<Tag, Rep>& value) {
  json.get_to(value.value);
}
template <class T>
void from_value(const Json& json, std::vector<std::pair<std::string, T>>& values) {
  values.clear();
  for (const auto& [name, value] : json.items()) values.emplace_back(name, value.template get<T>());
}

/// Visitor that puts each member into a JSON object.
class Writer {
 public:
  explicit Writer(Json& out) : out_(out) {}
  template <class T>
  void operator()(const char* key, T& value) {
    out_[key] = to_value(value);
  }

 private:
  Json& out_;
};

/// Visitor that takes each member out of a JSON object. @throws InternalError for a missing key
class Reader {
 public:
  explicit Reader(const Json& in) : in_(in) {}
  template <class T>
  void operator()(const char* key, T& value) {
    if (!in_.contains(key)) throw InternalError(std::string("message without ") + key);
    from_value(in_.at(key), value);
    ++read_;
  }
  /// Of the keys, the schema's included.
  std::size_t read() const { return read_ + 1; }

 private:
  const Json& in_;
  std::size_t read_ = 0;
};

}  // namespace message

/// One line of text, without a line break.
template <class T>
std::string encode(const T& value) {
  message::Json out;
  out["schema"] = message_schema(value);
  message::Writer writer(out);
  members(writer, const_cast<T&>(value));  // the visitor of a const struct reads it only
  return out.dump(-1, ' ', true, message::Json::error_handler_t::replace);
}

/// Whether a line is such a message, of this version.
template <class T>
bool is_message(const std::string& text) {
  const std::string start = std::string("{\"schema\":\"") + message_schema(T{}) + "\"";
  return text.compare(0, start.size(), start) == 0;
}

/// @throws InternalError for another schema or version, a missing or unknown key, a value of another type: both ends are bondsim.
template <class T>
T decode(const std::string& text) {
  T value;
  try {
    const auto in = message::Json::parse(text);
    const std::string expected = message_schema(value);
    const std::string found = in.is_object() ? in.value("schema", "") : "";
    if (found != expected) throw InternalError("message '" + found + "' found, expected " + expected);
    message::Reader reader(in);
    members(reader, value);
    if (reader.read() != in.size()) throw InternalError(expected + ": message with unknown keys: " + text);
  } catch (const message::Json::exception& e) {
    throw InternalError(std::string(message_schema(value)) + ": " + e.what() + ": " + text);
  }
  return value;
}

}  // namespace bondsim::tools
