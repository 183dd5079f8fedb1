#include "models/schedule/extent.hpp"

namespace bondsim {
namespace {

bool continues(const Extent& last, const Extent& next) {
  return last.channel == next.channel && last.bank_offset == next.bank_offset && last.first_bank + last.banks == next.first_bank &&
         last.group_banks() == next.group_banks() && last.bytes_per_bank == next.bytes_per_bank && last.longer_banks == next.longer_banks &&
         last.extra_bytes == next.extra_bytes;
}

}  // namespace

std::vector<Extent> joined(const std::vector<Extent>& extents) {
  std::vector<Extent> out;
  for (const Extent& e : extents) {
    if (out.empty() || !continues(out.back(), e)) {
      out.push_back(e);
      continue;
    }
    out.back().banks += e.banks;
    out.back().groups += e.groups;
  }
  return out;
}

}  // namespace bondsim
