#include <algorithm>

#include "models/dram/hb/hb_engine.hpp"

/// Between the channel bus and the buffers of the PEs, past the banks.
namespace bondsim {

bool HbEngine::all_lanes_at(std::size_t job) const {
  return std::all_of(lanes_.begin(), lanes_.end(), [job](const Lane& lane) { return lane.job == job; });
}

/// The transfer at which all lanes have come. Rows stay open meanwhile.
void HbEngine::move_over_bus(ChannelOutput& output) {
  Job& job = jobs_.front();
  const HbTransfer& transfer = job.transfer;
  Ps begin = job.submitted;
  for (const Lane& lane : lanes_) begin = std::max({begin, lane.at, lane.column_end});
  const Ps first = edge(begin);
  const std::int64_t bursts = timing_.bus_bursts(transfer.bus_bytes);
  job.end = after(first, (bursts - 1) * bus_.burst + (transfer.write ? bus_.write : bus_.read));
  bus_trains_.push_back({first, bursts, transfer.op, transfer.write, 0});
  output.account.add(TimeAccount::Kind::bus, Picoseconds(first), Picoseconds(job.end), Picoseconds(decided_));
  last_row_state_.whole = false;
  job.lanes_left = 0;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].at = lanes_[i].column_end = job.end;
    ++lanes_[i].job;
    skip_others(i);
  }
  end_jobs(output);
}

void HbEngine::emit_bus_train(BusTrain& train, Ps t, ChannelOutput& output) const {
  if (t < train.first) return;
  const Cycle passed = clock_.edge_before_or_at(Picoseconds(t)) - clock_.edge_before_or_at(Picoseconds(train.first));
  const std::int64_t until = std::min(passed / bus_.burst + 1, train.bursts);
  // Pseudo channels have a data bus each: a burst on all of them at once.
  const DramOrganization& shape = dram_->organization;
  ChannelCounts& counts = output.of(train.op);
  (train.write ? counts.buffer_writes : counts.buffer_reads) += (until - train.emitted) * shape.pseudo_channels;
  for (std::int64_t i = train.emitted; output.keep_log && i < until; ++i) {
    for (std::int32_t p = 0; p < shape.pseudo_channels; ++p) {
      const std::int32_t bank = shape.pseudo_channels == 1 ? -1 : p * shape.banks_per_pseudo_channel();
      output.record(Picoseconds(after(train.first, i * bus_.burst)), train.write ? DramCommand::wrb : DramCommand::rdb, bank, -1, -1,
                    train.op);
    }
  }
  train.emitted = until;
}

}  // namespace bondsim
