#pragma once
#include <string>
#include <utility>
#include <vector>

#include "mapping/dataflow/channel_set.hpp"
#include "models/base/fields.hpp"

namespace bondsim {

/// A memory partition group (MPG) as written: operators that run, tier by tier, on channels of their own.
struct PartitionFile {
  ChannelSet nmp_channels;
  bool normal_channels = false;
  std::vector<std::vector<std::string>> tiers;
  ConfigNode where;
};

/// A memory access group (MAG) as written: partitions that run side by side and together use all channels.
struct AccessGroupFile {
  std::vector<PartitionFile> partitions;
  ConfigNode where;
};

template <class Visitor>
void fields(Visitor& v, PartitionFile& c);
template <class Visitor>
void fields(Visitor& v, AccessGroupFile& c);

/// A checked MPG. Vector units [first_unit, first_unit + units) are its own while it runs.
struct Partition {
  std::vector<int> nmp_channels;
  bool normal = false;
  std::vector<std::vector<std::string>> tiers;
  int first_unit = 0;
  int units = 0;
};

/// A checked MAG. `tiers_in_step`: there are fewer vector units than partitions, so tier t + 1 of any waits for tier t of all.
struct AccessGroup {
  std::vector<Partition> partitions;
  bool tiers_in_step = false;
};

struct Binding;

/// Model, bindings and system that the groups are checked against.
struct GroupChecks {
  std::vector<std::string> operators;                      ///< GEMMs of a layer; each must be in one tier
  std::vector<std::string> known;                          ///< names that may be absent from this model, and are then dropped
  std::vector<std::pair<std::string, std::string>> edges;  ///< GEMM to GEMM
  std::vector<std::pair<std::string, Binding>> bindings;   ///< of each operator
  std::vector<int> nmp;                                    ///< NMP channels, ascending
  int normal = 0;
  int vector_units = 0;
};

/// The rules of H2-LLM's data-centric dataflow (ISCA'25): MAGs in an order that no edge goes against, together covering every operator
/// once; the MPGs of a MAG are the weakly connected components of its operators and take disjoint channels that together are all of them;
/// inside an MPG every edge goes to a later tier, and the operators of a tier take disjoint NMP channels of the MPG (the normal channels
/// are one, shared through the NPU).
/// @throws ConfigError at the group, partition or operator that breaks a rule.
std::vector<AccessGroup> check_groups(const std::vector<AccessGroupFile>& files, const GroupChecks& checks);

}  // namespace bondsim
