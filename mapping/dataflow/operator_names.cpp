#include "mapping/dataflow/operator_names.hpp"

#include <algorithm>

#include "models/schedule/expert_name.hpp"

namespace bondsim {

const std::vector<std::pair<std::string, std::vector<std::string>>>& operator_classes() {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> list = {
      {"all", {"q",      "k",       "v",    "qk",   "sv",        "o",         "router",    "f1",       "f3",       "f2",      "lm_head",
               "q_down", "kv_down", "k_up", "v_up", "shared_f1", "shared_f3", "shared_f2", "dense_f1", "dense_f3", "dense_f2"}},
      {"weights",
       {"q", "k", "v", "o", "router", "f1", "f3", "f2", "lm_head", "q_down", "kv_down", "k_up", "v_up", "shared_f1", "shared_f3",
        "shared_f2", "dense_f1", "dense_f3", "dense_f2"}},
      {"attention", {"qk", "sv"}},
      {"projections", {"q", "k", "v", "o", "q_down", "kv_down", "k_up", "v_up"}},
      {"ffn", {"router", "f1", "f3", "f2", "shared_f1", "shared_f3", "shared_f2", "dense_f1", "dense_f3", "dense_f2"}}};
  return list;
}

const std::vector<std::string>& known_operators() { return operator_classes().front().second; }

bool in_operator_class(const std::string& op, const std::string& name) {
  for (const auto& [group, operators] : operator_classes()) {
    if (group == name && std::find(operators.begin(), operators.end(), op) != operators.end()) return true;
  }
  return false;
}

std::string expert_operator(const std::string& name) { return expert_of(name) ? name.substr(name.find('.') + 1) : name; }

}  // namespace bondsim
