#pragma once
#include <utility>
#include <vector>

#include "models/base/fields.hpp"
#include "models/schedule/schedule.hpp"

/// Names of the Schedule's enumerations in files and messages.
namespace bondsim {

template <>
struct EnumNames<Phase> {
  static const std::vector<std::pair<const char*, Phase>>& names() {
    static const std::vector<std::pair<const char*, Phase>> list = {{"prefill", Phase::prefill}, {"decode", Phase::decode}};
    return list;
  }
};

template <>
struct EnumNames<TaskKind> {
  static const std::vector<std::pair<const char*, TaskKind>>& names() {
    static const std::vector<std::pair<const char*, TaskKind>> list = {{"host_scatter", TaskKind::host_scatter},
                                                                       {"nmp_gemm", TaskKind::nmp_gemm},
                                                                       {"host_load", TaskKind::host_load},
                                                                       {"npu_gemm", TaskKind::npu_gemm},
                                                                       {"npu_vector", TaskKind::npu_vector},
                                                                       {"kv_append", TaskKind::kv_append},
                                                                       {"barrier", TaskKind::barrier}};
    return list;
  }
};

template <>
struct EnumNames<VectorKind> {
  static const std::vector<std::pair<const char*, VectorKind>>& names() {
    static const std::vector<std::pair<const char*, VectorKind>> list = {
        {"none", VectorKind::none},     {"softmax", VectorKind::softmax},       {"norm", VectorKind::norm},
        {"rotary", VectorKind::rotary}, {"activation", VectorKind::activation}, {"residual", VectorKind::residual},
        {"reduce", VectorKind::reduce}, {"embedding", VectorKind::embedding},   {"rescale", VectorKind::rescale}};
    return list;
  }
};

template <>
struct EnumNames<LoopOrder> {
  static const std::vector<std::pair<const char*, LoopOrder>>& names() {
    static const std::vector<std::pair<const char*, LoopOrder>> list = {{"output_stationary", LoopOrder::output_stationary},
                                                                        {"input_stationary", LoopOrder::input_stationary}};
    return list;
  }
};

}  // namespace bondsim
