#pragma once
#include <string>
#include <type_traits>
#include <vector>

#include "models/base/fields.hpp"
#include "models/base/schema.hpp"
#include "models/energy/table.hpp"
#include "models/results/results.hpp"

namespace bondsim::tools {

/// Lists every value of a decoded struct by walking its fields() as the Decoder does: defaults are listed too, and say that they are.
class FieldLister {
 public:
  /// @param node what the struct was decoded from
  FieldLister(std::vector<ConfigValue>& out, const ConfigNode& node, std::string path);

  template <class T>
  void field(const char* key, T& value, const FieldInfo& info) {
    add(key, text_of(value), info);
  }
  template <class T>
  void section(const char* key, T& value, const FieldInfo& info) {
    if constexpr (std::is_same_v<T, EnergyEntry>) {
      add_energy(key, value, info);
    } else {
      enter(key, child(key), [&] { fields(*this, value); });
    }
  }
  template <class T>
  void section(const char* key, std::optional<T>& value, const FieldInfo& info) {
    if (value) section(key, *value, info);
  }
  template <class T>
  void sections(const char* key, std::vector<T>& values, const FieldInfo&) {
    const ConfigNode* list = child(key);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const ConfigNode* item = list == nullptr ? nullptr : &list->items.at(i);
      enter(key + ("[" + std::to_string(i) + "]"), item, [&] { fields(*this, values[i]); });
    }
  }

 private:
  template <class Body>
  void enter(const std::string& key, const ConfigNode* node, const Body& body) {
    const std::size_t length = path_.size();
    path_ += (path_.empty() ? "" : ".") + key;
    nodes_.push_back(node);
    body();
    nodes_.pop_back();
    path_.resize(length);
  }
  const ConfigNode* child(const std::string& key) const { return nodes_.back() == nullptr ? nullptr : nodes_.back()->find(key); }
  void add(const char* key, std::string value, const FieldInfo& info);
  void add_energy(const char* key, const EnergyEntry& entry, const FieldInfo& info);
  /// The comment beside the value, or else beside the nearest section around it.
  std::string source_of(const ConfigNode* node) const;

  template <class T>
  static std::string text_of(const T& value) {
    return scalar_text(value);
  }
  template <class T>
  static std::string text_of(const std::vector<T>& values) {
    std::string out;
    for (const auto& value : values) out += (out.empty() ? "" : ", ") + text_of(value);
    return out.empty() ? "none" : out;
  }

  std::vector<ConfigValue>& out_;
  std::string path_;
  std::vector<const ConfigNode*> nodes_;  ///< from the struct's own inwards; null below a section that is not in the file
};

/// Every value of a struct that was decoded from `node`.
template <class T>
void list_values(std::vector<ConfigValue>& out, const ConfigNode& node, const std::string& path, T value) {
  FieldLister lister(out, node, path);
  fields(lister, value);
}

/// Scalars of a file whose shape fields() cannot describe, without defaults.
void list_tree(std::vector<ConfigValue>& out, const ConfigNode& node, const std::string& path);

/// The comment at the end of a line of YAML; empty without one. A # inside quotes, or not after a blank, begins none.
std::string trailing_comment(const std::string& line);

}  // namespace bondsim::tools
