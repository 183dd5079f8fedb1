#pragma once
#include <utility>
#include <vector>

#include "models/base/fields.hpp"
#include "models/schedule/schedule.hpp"

/// Names of the Schedule's enumerations in files and messages.
namespace bondsim {

template <>
inline constexpr EnumEntry<Phase> enum_names<Phase>[] = {{"prefill", Phase::prefill}, {"decode", Phase::decode}};

template <>
inline constexpr EnumEntry<TaskKind> enum_names<TaskKind>[] = {{"host_scatter", TaskKind::host_scatter}, {"nmp_gemm", TaskKind::nmp_gemm},
                                                               {"host_load", TaskKind::host_load},       {"npu_gemm", TaskKind::npu_gemm},
                                                               {"npu_vector", TaskKind::npu_vector},     {"kv_append", TaskKind::kv_append},
                                                               {"nmp_vector", TaskKind::nmp_vector},     {"barrier", TaskKind::barrier}};

template <>
inline constexpr EnumEntry<VectorKind> enum_names<VectorKind>[] = {
    {"none", VectorKind::none},     {"softmax", VectorKind::softmax},       {"norm", VectorKind::norm},
    {"rotary", VectorKind::rotary}, {"activation", VectorKind::activation}, {"residual", VectorKind::residual},
    {"reduce", VectorKind::reduce}, {"embedding", VectorKind::embedding},   {"rescale", VectorKind::rescale}};

template <>
inline constexpr EnumEntry<LoopOrder> enum_names<LoopOrder>[] = {{"output_stationary", LoopOrder::output_stationary},
                                                                 {"input_stationary", LoopOrder::input_stationary}};

}  // namespace bondsim
