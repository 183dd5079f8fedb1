#include "mapping/emit/block_parts.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace bondsim {

void keep_nmp_mode(Block& block, bool past_other_tasks) {
  // A channel may stay in NMP mode only when its next work beside the banks waits for nothing that could itself wait for the channel's
  // normal mode: for no other task than those its predecessor had to wait for, the predecessor, and, where element-wise work goes on with
  // what the channel has, earlier tasks of the channel.
  std::map<int, std::size_t> last;  // by channel: its latest task, when that is beside the banks
  std::set<int> streamed;           // channels that the arrays read from
  for (const Task& t : block.tasks) {
    for (const Extent& e : t.npu.stationary) streamed.insert(e.channel);
  }
  for (std::size_t i = 0; i < block.tasks.size(); ++i) {
    const Task& t = block.tasks[i];
    if (!t.on_channel()) continue;
    const auto before = last.find(t.channel());
    if (!t.beside_banks()) {
      if (before != last.end()) last.erase(before);
      continue;
    }
    if (before != last.end()) {
      Task& previous = block.tasks[before->second];
      const auto& allowed = previous.dependencies;
      // Before another operator the mode is left, so that rows close while the channel waits.
      const bool alone = past_other_tasks && t.op == previous.op && streamed.count(t.channel()) == 0;
      const bool stays =
          alone || std::all_of(t.dependencies.begin(), t.dependencies.end(), [&](std::int32_t d) {
            const bool vectors = t.kind == TaskKind::nmp_vector || previous.kind == TaskKind::nmp_vector;
            if (vectors && block.tasks[static_cast<std::size_t>(d)].executor == t.executor) return true;
            return d == static_cast<std::int32_t>(before->second) || std::find(allowed.begin(), allowed.end(), d) != allowed.end();
          });
      if (stays) previous.nmp.leave_mode = false;
    }
    last[t.channel()] = i;
  }
}

namespace {

Picoseconds of_ns(double ns) { return Picoseconds(std::llround(ns * 1000)); }

void put_before(Block& block, Picoseconds delay) {
  Task wait;
  wait.delay = delay;
  for (Task& t : block.tasks) {
    for (std::int32_t& d : t.dependencies) ++d;
    if (t.dependencies.empty()) t.dependencies.push_back(0);
  }
  block.tasks.insert(block.tasks.begin(), std::move(wait));
}

}  // namespace

void add_overhead(Block& block, const OverheadConfig& overhead, bool begins_step) {
  const Picoseconds of_operator = of_ns(overhead.operator_ns), of_step = of_ns(overhead.step_ns);
  std::set<std::pair<std::int32_t, ExecutorId>> begun;
  for (Task& t : block.tasks) {
    if (of_operator.value == 0 || t.op < 0 || !begun.emplace(t.op, t.executor).second) continue;
    const bool continues = std::any_of(t.dependencies.begin(), t.dependencies.end(),
                                       [&](std::int32_t d) { return block.tasks[static_cast<std::size_t>(d)].op == t.op; });
    if (!continues) t.delay = of_operator;
  }
  if (begins_step && of_step.value > 0) put_before(block, of_step);
}

namespace {

/// Tasks to take: those of the operator, and the scatters that its GEMMs share with other operators.
std::vector<bool> tasks_of(const Block& block, std::int32_t op) {
  std::vector<bool> taken(block.tasks.size(), false);
  for (std::size_t i = 0; i < block.tasks.size(); ++i) {
    const Task& t = block.tasks[i];
    if (t.op != op) continue;
    taken[i] = true;
    if (!t.beside_banks()) continue;
    for (const std::int32_t d : t.dependencies) {
      const auto before = static_cast<std::size_t>(d);
      if (block.tasks[before].kind == TaskKind::host_scatter) taken[before] = true;
    }
  }
  return taken;
}

}  // namespace

Block operator_block(const Block& block, std::int32_t op) {
  Block out;
  out.phase = block.phase;
  out.step = block.step;
  out.layer = block.layer;
  std::vector<std::int32_t> work_number(block.work.size(), -1);
  for (std::size_t i = 0; i < block.work.size(); ++i) {
    if (block.work[i].op != op) continue;
    work_number[i] = static_cast<std::int32_t>(out.work.size());
    out.work.push_back(block.work[i]);
  }
  const std::vector<bool> taken = tasks_of(block, op);
  std::vector<std::int32_t> number(block.tasks.size(), -1);
  for (std::size_t i = 0; i < block.tasks.size(); ++i) {
    if (!taken[i]) continue;
    Task t = block.tasks[i];
    t.op = op;
    t.dependencies.clear();
    for (const std::int32_t d : block.tasks[i].dependencies) {
      if (number[static_cast<std::size_t>(d)] >= 0) t.dependencies.push_back(number[static_cast<std::size_t>(d)]);
    }
    for (GemmPart* part : {&t.nmp.part, &t.npu.part}) {
      if (part->work >= 0) part->work = work_number[static_cast<std::size_t>(part->work)];
    }
    t.nmp.leave_mode = true;
    number[i] = static_cast<std::int32_t>(out.tasks.size());
    out.tasks.push_back(std::move(t));
  }
  keep_nmp_mode(out);
  return out;
}

}  // namespace bondsim
