#include <algorithm>

#include "mapping/emit/block_emitter.hpp"
#include "models/base/element_bytes.hpp"
#include "models/nmp/tile_program.hpp"

namespace bondsim {
namespace {

/// A piece of operands and results, banks cut alike.
struct VectorPiece {
  std::vector<Extent> input, output;
};

std::vector<Extent> piece_of(const std::vector<Extent>& extents, std::int64_t index, std::int64_t pieces, std::int64_t unit) {
  std::vector<Extent> out;
  for (const Extent& e : extents) {
    for (const Extent& part : part_of_banks(e, index, index + 1, pieces, unit)) {
      if (part.bytes() > 0) out.push_back(part);
    }
  }
  return out;
}

/// The fewest equal pieces that a channel's input buffer holds one at a time, operands and results together.
std::vector<VectorPiece> pieces_in_buffer(const std::vector<Extent>& input, const std::vector<Extent>& output, std::int64_t room,
                                          std::int64_t unit) {
  const std::int64_t most = std::max<std::int64_t>(1, (bytes_of_all(input) + bytes_of_all(output)) / unit);
  std::int64_t pieces = std::max<std::int64_t>(1, (bytes_of_all(input) + bytes_of_all(output)) / std::max<std::int64_t>(1, room));
  for (; pieces <= most; ++pieces) {
    std::vector<VectorPiece> out;
    bool fits = true;
    for (std::int64_t i = 0; fits && i < pieces; ++i) {
      out.push_back({piece_of(input, i, pieces, unit), piece_of(output, i, pieces, unit)});
      fits = bytes_of_all(out.back().input) + bytes_of_all(out.back().output) <= room;
    }
    if (fits) return out;
  }
  return {};
}

}  // namespace

BlockEmitter::Tasks BlockEmitter::of_channel(const Tasks& tasks, int channel, const std::vector<std::string>& names) const {
  Tasks out;
  for (const std::int32_t i : tasks) {
    const Task& t = block_.tasks[static_cast<std::size_t>(i)];
    const bool others = t.beside_banks() && t.channel() != channel &&
                        std::any_of(names.begin(), names.end(), [&](const std::string& name) { return op_index(name) == t.op; });
    if (!others) out.push_back(i);
  }
  return out;
}

BlockEmitter::Tasks BlockEmitter::waits_of(const WeightPlacement& w, int channel, const Tasks& after) const {
  const VectorPlacement* left = plan_.left_by(w.op.name);
  return left == nullptr || phase_ != Phase::decode ? after : of_channel(after, channel, {left->op.name});
}

BlockEmitter::Operands BlockEmitter::operands_of(const VectorPlacement& p, std::size_t at) const {
  const VectorShare& share = p.shares[at];
  Operands o;
  o.rows = rows_of(p.op);
  if (p.by_rows) o.rows = even_part(o.rows, static_cast<int>(p.shares.size()), static_cast<int>(at), 1).size();
  if (o.rows == 0) return o;
  const std::int64_t results = o.rows * share.columns.size();
  const Element element = plan_.model.bits.activation.of(p.op.name);
  const auto spread = [&](std::int64_t offset, std::int64_t elements) {
    return plan_.memory.spread(share.channel, offset, bytes_of(elements, element), plan_.memory.both_unit());
  };
  for (const std::string& gemm : p.from) {
    const WeightPlacement& w = plan_.weights.at(gemm);
    const std::vector<Extent> output = share_output(w, w.shares[at], o.rows, plan_.memory);
    o.input.insert(o.input.end(), output.begin(), output.end());
  }
  if (p.from.empty()) o.input = spread(share.input, p.operands * results);
  if (p.into.empty()) {
    o.output = spread(share.output, results);
  } else {
    const WeightPlacement& w = plan_.weights.at(p.into);
    o.output = share_input(w, w.shares[at], o.rows, plan_.memory);
  }
  o.input = in_shared(std::move(o.input));
  o.output = in_shared(std::move(o.output));
  return o;
}

BlockEmitter::Tasks BlockEmitter::nmp_vectors(const VectorPlacement& p, const VectorShare& share, const Operands& operands,
                                              const Tasks& after) {
  const NmpConfig& nmp = plan_.system.nmp_of(share.channel);
  const auto room = static_cast<std::int64_t>(nmp.input_buffer_kib * 1024);
  const auto pieces = pieces_in_buffer(operands.input, operands.output, room, plan_.memory.both_unit());
  if (pieces.empty()) {
    throw InfeasibleError(
        fmt::format("{} on channel {}: {} operands and a result of one access in each bank do not fit {} KiB of input buffer", p.op.name,
                    share.channel, p.operands, nmp.input_buffer_kib));
  }
  // Of a residual sum the cost is a sum's, of which there may be several an element.
  const std::int64_t sums = p.op.vector == VectorKind::residual ? p.operands - 1 : 1;
  const std::int64_t elements = sums * operands.rows * share.columns.size();
  const auto count = static_cast<std::int64_t>(pieces.size());
  Tasks tasks;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t worked = elements * (i + 1) / count - elements * i / count;
    const VectorPiece& piece = pieces[static_cast<std::size_t>(i)];
    if (worked == 0 || piece.input.empty() || piece.output.empty()) continue;
    Task t;
    t.kind = TaskKind::nmp_vector;
    t.op = op_index(p.op.name);
    t.executor = ExecutorId::of_channel(share.channel);
    t.dependencies = after;
    t.vector = {p.op.vector, worked, 0, 0};
    t.nmp.input = piece.input;
    t.nmp.output = piece.output;
    tasks.push_back(add(std::move(t)));
  }
  return tasks;
}

BlockEmitter::Tasks BlockEmitter::vector_on_nmp(const VectorPlacement& p, const Tasks& after) {
  const int op = op_index(p.op.name);
  std::vector<Operands> operands;
  std::vector<Tasks> waits, tasks;
  for (std::size_t i = 0; i < p.shares.size(); ++i) {
    operands.push_back(operands_of(p, i));
    const int channel = p.shares[i].channel;
    waits.push_back(of_channel(after, channel, p.from));
    if (operands[i].rows == 0 || !p.from.empty() || moves_directly(channel)) continue;
    waits[i] = {transfer(TaskKind::host_scatter, op, channel, operands[i].input, after)};
  }
  for (std::size_t i = 0; i < p.shares.size(); ++i) {
    tasks.emplace_back();
    if (operands[i].rows > 0) tasks.back() = nmp_vectors(p, p.shares[i], operands[i], waits[i]);
  }
  Tasks done;
  for (std::size_t i = 0; i < p.shares.size(); ++i) {
    if (operands[i].rows == 0) continue;
    if (!p.into.empty() || moves_directly(p.shares[i].channel)) {
      done.insert(done.end(), tasks[i].begin(), tasks[i].end());
    } else {
      done.push_back(transfer(TaskKind::host_load, op, p.shares[i].channel, operands[i].output, tasks[i]));
    }
  }
  return done;
}

}  // namespace bondsim
