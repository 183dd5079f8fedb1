#pragma once
#include <string>

#include "models/results/results.hpp"

namespace bondsim {

/// Reads back what results_json() wrote: writing it again gives the same text, up to the last digit of sums of
/// energies. Energies are the whole attojoules that the text stands for;
/// of an operator's counts `npu_macs`, `vector_ops`, `nmp_vector_ops` and the bits through HB ports are known, as their sum in
/// `hb_read_bits`. Vector work and its peak are zero where an older file has none. Lists that only steer a run
/// (`schedule.operators`, `.edges`) stay empty.
/// @param file names the text in errors. @throws ConfigError `file: key: what is wrong, what is allowed`
Results results_from_json(const std::string& text, const std::string& file);

/// The same of a file. @throws ConfigError, also when it cannot be read
Results read_results(const std::string& file);

}  // namespace bondsim
