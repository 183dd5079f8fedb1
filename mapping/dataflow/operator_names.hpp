#pragma once
#include <string>
#include <utility>
#include <vector>

namespace bondsim {

/// Operators and classes of them that a rule of a dataflow file may name: a class (`ffn`) and the operators it stands for, of which a model
/// has some or all.
const std::vector<std::pair<std::string, std::vector<std::string>>>& operator_classes();

/// Every operator, without classes.
const std::vector<std::string>& known_operators();
bool in_operator_class(const std::string& op, const std::string& name);

/// `f1` for `e3.f1`, an operator of expert 3; a file's `f1` stands for that of every expert.
std::string expert_operator(const std::string& name);

}  // namespace bondsim
