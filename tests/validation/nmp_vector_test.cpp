#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/plan/plan.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/one_block.hpp"

/// Element-wise work beside the banks: the vector unit of an NMP channel.
namespace bondsim::test {
namespace {

using json = nlohmann::json;

std::vector<Extent> in_bank_0(std::int64_t row, std::int64_t bytes) {
  Extent e;
  e.banks = 1;
  e.bank_offset = row * 2048;
  e.bytes_per_bank = bytes;
  return {e};
}

/// 64 activations of two operands in rows 100 and 101 of bank 0, the result in row 200.
Task gate() {
  Task t;
  t.kind = TaskKind::nmp_vector;
  t.op = 0;
  t.executor = ExecutorId::of_channel(0);
  t.vector = {VectorKind::activation, 64, 0, 0};
  t.nmp.input = in_bank_0(100, 128);
  t.nmp.input.push_back(in_bank_0(101, 128).front());
  t.nmp.output = in_bank_0(200, 128);
  return t;
}

System one_channel() {
  System s = shipped_system("h2llm");
  s.set_channels(1, 0);
  s.nmp.pe.clock_mhz = 800;
  s.nmp.vector.lanes = 16;
  s.fidelity.refresh = s.fidelity.mode_switch = false;
  return s;
}

Block block_of(Task task) {
  Block b;
  b.phase = Phase::decode;
  b.step = 1;
  b.layer = 0;
  b.tasks.push_back(std::move(task));
  return b;
}

std::int64_t alone_ps(const System& s, const Task& task) {
  return std::stoll(run_isolated([&] {
    OneBlockSchedule schedule = one_block_by_hand(s, block_of(task));
    return std::to_string(simulate(s, schedule).operators.front().span.value);
  }));
}

TEST(NmpVector, one_operator_by_hand) {
  // CK and the PEs' clock 1.25 ns, an access 2.5 ns; one CK into NMP mode. Operand in row 100: ACT at 0, read at nRCD 15 = 18.75, two
  // accesses: 23.75. Row 101: PRE at nRAS 34 = 42.5, ACT after nRP 15 at 61.25, read at 80, there at 85. 64 elements of 6 operations on 16
  // lanes are 24 cycles, 30: 115. Row 200: PRE at 115 (nRAS has passed at 103.75), ACT 133.75, write 152.5, two accesses: 157.5.
  EXPECT_EQ(alone_ps(one_channel(), gate()), 1250 + 157500);
  System s = one_channel();
  s.nmp.vector.costs.activation = 1;  // a look-up: 4 cycles, 5: 90; PRE at 103.75, and all that follows 11.25 earlier
  EXPECT_EQ(alone_ps(s, gate()), 1250 + 146250);
  s.fidelity.vector_ops = false;  // no time for the work: the banks are bound by nRAS alike
  EXPECT_EQ(alone_ps(s, gate()), 1250 + 146250);
}

TEST(NmpVector, past_the_banks_by_hand) {
  System s = one_channel();
  s.nmp.io_path = IoPath::direct;
  // 256 B to the buffer are 8 bursts, one every max(nCCD_S, n_BL) 2 CK, the last ends nCWL 9 + n_BL 2 after its command: 14 + 11 CK =
  // 31.25. The work 30: 61.25. 128 B back are 4 bursts: 6 + nCL 17 + 2 = 25 CK: 92.5.
  EXPECT_EQ(alone_ps(s, gate()), 1250 + 92500);
}

Case with_vectors(int nmp_channels, std::vector<std::string> kinds) {
  Case c{shipped_system("h2llm"), shipped_model("llama-3-8b"), shipped_workload("sharegpt"), shipped_dataflow("fc_offloading")};
  c.system.set_channels(nmp_channels, 8 - nmp_channels);
  c.system.nmp.vector.lanes = 256;
  c.workload.prompt_cached = true;
  c.workload.generated_tokens = 1;
  VectorRule rule;
  rule.kinds = std::move(kinds);
  rule.executor = Executor::nmp;
  rule.nmp_channels.all = true;
  if (!rule.kinds.empty()) c.dataflow.vectors.push_back(rule);
  return c;
}

json report_of(const Case& c) {
  return json::parse(run_isolated([&] {
    const auto schedule = validated(c.system, make_schedule(c.system, c.model, c.workload, c.dataflow));
    return results_json(simulate(c.system, *schedule));
  }));
}

json operator_of(const json& report, const std::string& name) {
  for (const json& row : report["operators"]) {
    if (row["name"] == name && row["phase"] == "decode") return row;
  }
  return {};
}

std::int64_t macs_of(const json& report) {
  std::int64_t sum = 0;
  for (const json& row : report["operators"]) sum += row["macs"].get<std::int64_t>();
  return sum;
}

TEST(NmpVector, activation_beside_the_banks_moves_less_over_the_bus_and_conserves_everything) {
  const Case on_npu = with_vectors(6, {}), on_nmp = with_vectors(6, {"activation"});
  const json npu = report_of(on_npu), nmp = report_of(on_nmp);
  const std::int64_t layers = on_nmp.model.layers, width = on_nmp.model.intermediate;
  const json before = operator_of(npu, "activation"), after = operator_of(nmp, "activation");
  EXPECT_EQ(before["executor"], "vector");
  EXPECT_EQ(after["executor"], "nmp");
  EXPECT_EQ(before["vector_ops"], 6 * width * layers);
  EXPECT_EQ(after["vector_ops"], 0);
  EXPECT_EQ(after["nmp_vector_ops"], 6 * width * layers);
  EXPECT_EQ(macs_of(nmp), macs_of(npu));
  // f1 and f3 leave their outputs in the banks: what came over the bus has gone, to the last access of each bank.
  const auto bus = [](const json& row) { return row["bytes"].get<std::int64_t>() - row["hb_bytes"].get<std::int64_t>(); };
  std::int64_t outputs = 0;
  for (int channel = 0; channel < 6; ++channel) {
    const std::int64_t columns = width / 6 + (channel < width % 6 ? 1 : 0);
    for (int bank = 0; bank < 16; ++bank) outputs += (2 * (columns / 16 + (bank < columns % 16 ? 1 : 0)) + 63) / 64 * 64;
  }
  for (const char* gemm : {"f1", "f3"}) {
    EXPECT_EQ(bus(operator_of(npu, gemm)) - bus(operator_of(nmp, gemm)), outputs * layers) << gemm;
    EXPECT_EQ(operator_of(npu, gemm)["hb_bytes"], operator_of(nmp, gemm)["hb_bytes"]) << gemm;
  }
  // The result goes over the bus to the NPU, once.
  EXPECT_GE(bus(after), 2 * width * layers);
  EXPECT_LT(bus(after), 2 * width * layers + 6 * 16 * 64 * layers);
  EXPECT_GE(after["hb_bytes"], 3 * 2 * width * layers);
  // Energy by operator, by component and by channel is one sum: simulate() checks it. The parts of every channel are its time, likewise.
  double by_operator = 0;
  for (const json& row : nmp["operators"]) by_operator += row["energy_j"].get<double>();
  EXPECT_NEAR(by_operator, nmp["energy_j"]["total"].get<double>(), 1e-9 * by_operator);
  EXPECT_GT(after["energy_components_j"]["vector"], 0);
  EXPECT_LT(nmp["latency_s"]["decode"].get<double>(), npu["latency_s"]["decode"].get<double>());
}

TEST(NmpVector, an_ffn_of_channels_that_agree_stays_in_them) {
  // Four channels cut f1 and f3 over N and f2 over K in the same columns.
  const Case c = with_vectors(4, {"activation"});
  const auto schedule = make_schedule(c.system, c.model, c.workload, c.dataflow);
  const auto& operators = schedule->header().operators;
  Block block;
  int loads = 0, scatters = 0, vectors = 0, stays = 0;
  while (schedule->next(block)) {
    for (const Task& t : block.tasks) {
      if (t.op < 0 || block.layer < 0) continue;
      const std::string& name = operators[static_cast<std::size_t>(t.op)].name;
      const bool ffn = name == "f1" || name == "f3" || name == "activation";
      loads += ffn && t.kind == TaskKind::host_load;
      scatters += (name == "f2" || name == "activation") && t.kind == TaskKind::host_scatter;
      vectors += t.kind == TaskKind::nmp_vector;
      stays += (ffn && t.beside_banks() && !t.nmp.leave_mode);
    }
  }
  EXPECT_EQ(loads, 0);
  EXPECT_EQ(scatters, 0);
  EXPECT_EQ(vectors, 4);
  EXPECT_EQ(stays, 3 * 4) << "f1, f3, activation and f2 of a channel are one stay in NMP mode";
  const json npu = report_of(with_vectors(4, {})), nmp = report_of(c);
  EXPECT_LT(nmp["latency_s"]["decode"].get<double>(), npu["latency_s"]["decode"].get<double>());
}

/// Operands from the NPU, batches that need several pieces, PEs past whose banks the bus goes: the schedule is valid and runs.
TEST(NmpVector, every_kind_runs_on_every_kind_of_channel) {
  for (const char* system : {"h2llm", "gddr6-aim", "id-nmp"}) {
    for (const int batch : {1, 16}) {
      Case c = with_vectors(6, {"activation", "residual", "norm", "rotary"});
      c.system = shipped_system(system);
      c.system.nmp.vector.lanes = 64;
      c.model.layers = 2;
      c.workload.batch = batch;
      const json report = report_of(c);
      std::int64_t operations = 0;
      for (const char* op :
           {"norm", "rotary_q", "rotary_k", "residual_attention", "norm_ffn", "activation", "residual_ffn", "final_norm"}) {
        EXPECT_EQ(operator_of(report, op)["vector_ops"], 0) << op;
        operations += operator_of(report, op)["nmp_vector_ops"].get<std::int64_t>();
      }
      // 4 an element of a norm, 3 of a rotation, 1 of a sum, 6 of an activation, 2 where it is looked up.
      const std::int64_t activation = std::string(system) == "gddr6-aim" ? 2 : 6;
      const std::int64_t layer = 2 * 4 * 4096 + 3 * (4096 + 1024) + 2 * 4096 + activation * 14336;
      EXPECT_EQ(operations, batch * (2 * layer + 4 * 4096)) << system;
    }
  }
}

TEST(NmpVector, closed_form_follows) {
  for (const int channels : {4, 6}) {
    for (const int batch : {1, 4}) {
      Case c = with_vectors(channels, {"activation", "norm"});
      c.workload.batch = batch;
      c.model.layers = 1;
      const auto schedule = make_schedule(c.system, c.model, c.workload, c.dataflow);
      const cost::Detailed detailed(c.system);
      double predicted = 0;
      for (Block block; schedule->next(block);) predicted += detailed.block_seconds(block, c.system, predicted);
      const auto simulated = report_of(c)["latency_s"]["decode"].get<double>();
      EXPECT_NEAR(predicted / simulated, 1, 0.02) << channels << " channels, batch " << batch;
    }
  }
}

TEST(NmpVector, a_schedule_is_refused_where_the_channel_cannot_do_it) {
  const auto fault = [](const System& s, const Task& task) {
    Block block = block_of(task);
    block.step = 0;
    OneBlockSchedule schedule = one_block_by_hand(s, std::move(block));
    const auto found = validate_schedule(s, schedule);
    return found ? found->text() : std::string("none");
  };
  System s = one_channel();
  EXPECT_NE(fault(s, gate()).find("its input is not scattered to the channel before it"), std::string::npos) << fault(s, gate());
  s.nmp.vector.lanes = 0;
  EXPECT_NE(fault(s, gate()).find("the channel has no vector unit"), std::string::npos) << fault(s, gate());
  s = one_channel();
  s.nmp.input_buffer_kib = 0.3125;
  EXPECT_NE(fault(s, gate()).find("operands of 256 bytes and results of 128, the input buffer holds 320"), std::string::npos)
      << fault(s, gate());
}

}  // namespace
}  // namespace bondsim::test
