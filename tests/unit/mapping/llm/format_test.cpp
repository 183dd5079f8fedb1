#include "mapping/llm/format.hpp"

#include <gtest/gtest.h>

#include <map>

#include "mapping/dataflow/formats.hpp"
#include "mapping/emit/mapper.hpp"
#include "mapping/plan/plan.hpp"
#include "models/base/multiply.hpp"
#include "models/energy/model.hpp"
#include "models/schedule/schedule_json.hpp"
#include "models/system/energy_counts.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

Model llama(const std::string& bits) {
  ConfigNode node = load_yaml_file(testing::config_path("model/llama-3-8b"));
  for (auto& entry : node.entries) {
    if (entry.first == "bits")
      entry.second = parse_yaml("{" + bits + "}", "test").entries.empty() ? ConfigNode{} : parse_yaml("{" + bits + "}", "test");
  }
  return decode_model(node);
}

std::string error_of(const std::string& bits) {
  try {
    llama(bits);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

/// Bits an element takes, from each format's definition: payload + (scale + zero point) / block, sparse ones (payload + index) x kept / of.
TEST(Format, bits_of_an_element_count_scales_and_indices) {
  const std::map<std::string, double> bits = {
      {"fp32", 32},        {"fp16", 16},         {"bf16", 16},           {"fp8_e4m3", 8},         {"fp8_e4m3_b128", 8 + 32.0 / 16384},
      {"int8", 8},         {"int8_g128", 8.125}, {"int4_g128", 4.15625}, {"int4_g128_z16", 4.25}, {"int4_g64", 4.3125},
      {"int4_g32", 4.625}, {"fp6_e3m2", 6},      {"mxfp8", 8.25},        {"mxfp6", 6.25},         {"mxfp4", 4.25},
      {"nvfp4", 4.5},      {"fp16_2of4", 9},     {"int8_2of4", 5}};
  EXPECT_EQ(shipped_formats().size(), bits.size());
  for (const Format& f : shipped_formats()) {
    ASSERT_EQ(bits.count(f.name), 1u) << f.name;
    EXPECT_EQ(f.element().bits(), bits.at(f.name)) << f.name;
    EXPECT_FALSE(f.source.empty()) << f.name;
  }
}

/// The linear layers of Llama-3-8B hold 6,979,321,856 weights, embedding and LM head 525,336,576 each. AWQ and GPTQ files leave those two
/// at 16 bits: 5.73 GB, the size of the published 4 bit files; all at 16 bits it is 16.06 GB.
TEST(Format, weights_of_llama_3_8b_take_the_bytes_of_published_files) {
  const double linear = 32.0 * (2.0 * 4096 * 4096 + 2.0 * 4096 * 1024 + 3.0 * 4096 * 14336), table = 128256.0 * 4096;
  ASSERT_EQ(linear, 6979321856.0);
  const std::map<std::string, double> gigabytes = {{"fp16", 16.06}, {"int8", 9.08}, {"int4_g128", 5.73}, {"mxfp4", 5.81}, {"nvfp4", 6.03}};
  for (const auto& [name, published] : gigabytes) {
    const Model m = llama("weight: {default: " + name + ", lm_head: fp16, embedding: fp16}");
    std::int64_t bytes = bytes_of(m.vocab * m.hidden, m.bits.weight.of("embedding"));
    const OperatorGraph layer = layer_graph(m), head = head_graph(m);
    for (OperatorId v = 0; v < layer.size(); ++v) {
      if (layer[v].kind == OperatorKind::weight_gemm) bytes += 32 * bytes_of(layer[v].n * layer[v].k, operand_bits(m, layer[v]).stationary);
    }
    for (OperatorId v = 0; v < head.size(); ++v) {
      if (head[v].kind == OperatorKind::weight_gemm) bytes += bytes_of(head[v].n * head[v].k, operand_bits(m, head[v]).stationary);
    }
    const double element = name == "fp16" ? 16 : name == "int8" ? 8 : name == "int4_g128" ? 4 + 20.0 / 128 : name == "mxfp4" ? 4.25 : 4.5;
    EXPECT_EQ(static_cast<double>(bytes), linear * element / 8 + 2 * table * 2) << name;
    EXPECT_NEAR(static_cast<double>(bytes) / 1e9, published, 0.005) << name;
  }
}

TEST(Format, names_operators_and_numbers_are_checked) {
  EXPECT_EQ(error_of("weight: int4_g128"), "");
  EXPECT_EQ(error_of("weight: {number: int4, block: 256, scale_bits: 16}"), "");
  EXPECT_NE(error_of("weight: int5").find("model.bits.weight: 'int5' is no format, allowed: whole bits, or one of bf16, fp16"),
            std::string::npos);
  EXPECT_NE(error_of("weight: 12").find("12 bit elements are not supported"), std::string::npos);
  EXPECT_NE(error_of("weight: 64").find("64 bit is out of range, allowed: 4 to 32"), std::string::npos);
  EXPECT_NE(error_of("weight: {default: int8, f9: fp16}").find("model.bits.weight.f9: 'f9' is no operator, allowed: default, embedding, q"),
            std::string::npos);
  EXPECT_NE(error_of("weight: {f1: fp16}").find("without 'default'"), std::string::npos);
  EXPECT_NE(error_of("weight: {number: int4, block: 100, scale_bits: 16}").find("model.bits.weight.block"), std::string::npos);
  EXPECT_NE(error_of("weight: {number: fp16, sparsity: {kept: 4, of: 4, index_bits: 2}}").find("fewer"), std::string::npos);
}

TEST(Format, of_an_operator_comes_before_that_of_experts_and_the_default) {
  const Model m = llama("weight: {default: int8, experts: mxfp4, f2: fp16}");
  EXPECT_EQ(m.bits.weight.of("q").number, Number::int8);
  EXPECT_EQ(m.bits.weight.of("f1").number, Number::int8);
  EXPECT_EQ(m.bits.weight.of("e3.f1").number, Number::fp4);
  EXPECT_EQ(m.bits.weight.of("e3.f2").number, Number::fp16);
  EXPECT_EQ(m.bits.activation.of("q").number, Number::fp16) << "a width stands for a number where another operand has one";
  EXPECT_EQ(llama("weight: 4").bits.activation.of("q").number, Number::any);
}

TEST(Element, text_reads_back) {
  for (const Format& f : shipped_formats()) EXPECT_EQ(parse_element(element_text(f.element())), f.element()) << f.name;
  for (const int bits : {4, 8, 16, 32}) EXPECT_EQ(parse_element(element_text(bits)), Element(bits));
  for (const char* text : {"", "x", "int4", "int4:", "int9:4", "int4:0", "int4:4.0001", "int4:4:5/4", "16 ", "int4:4:2/4x"}) {
    EXPECT_THROW(parse_element(text), ConfigError) << text;
  }
}

Element of(Number number) {
  Element e = payload_bits(number);
  e.number = number;
  return e;
}

TEST(Multiplication, an_engine_takes_what_it_says_and_converts_for_16_bit_activations) {
  const MultiplyConfig int8{Number::int8, Number::int8, false, 2, Conversion::native, ""};
  const MultiplyConfig sparse{Number::fp16, Number::fp16, true, 2, Conversion::native, ""};
  const std::vector<MultiplyConfig> list = {int8, sparse};
  EXPECT_TRUE(multiplication({}, 16, 4)->base()) << "widths alone";
  EXPECT_TRUE(multiplication({}, of(Number::fp16), of(Number::fp16))->base());
  EXPECT_EQ(multiplication({}, of(Number::fp16), of(Number::int4))->conversion, Conversion::stage);
  EXPECT_EQ(multiplication({}, of(Number::bf16), of(Number::fp16))->conversion, Conversion::stage);
  EXPECT_FALSE(multiplication({}, of(Number::int8), of(Number::int8)));
  EXPECT_EQ(multiplication(list, of(Number::int8), of(Number::int8))->rate, 2);
  EXPECT_FALSE(multiplication(list, of(Number::int8), of(Number::int4)));
  Element half = of(Number::fp16);
  half.kept = 2, half.of = 4;
  EXPECT_TRUE(multiplication(list, of(Number::fp16), half)->skips_zeros);
  EXPECT_EQ(multiplication({sparse}, of(Number::fp16), of(Number::fp16))->rate, 1) << "dense weights have no zeros to skip";
  EXPECT_EQ(multiplication({}, of(Number::fp16), half)->conversion, Conversion::stage) << "zeros are put back";
}

std::map<std::string, std::int64_t> decode_weight_bytes(const System& system, const Model& model) {
  const auto schedule = make_schedule(system, model, testing::lengths(1, 64, 1), testing::dataflow("fc_offloading"));
  std::map<std::string, std::int64_t> bytes;
  Block block;
  while (schedule->next(block)) {
    for (const Task& t : block.tasks) {
      if (t.kind != TaskKind::nmp_gemm) continue;
      for (const Extent& e : t.nmp.stationary)
        bytes[schedule->header().operators[static_cast<std::size_t>(t.op)].name] += e.bytes() * block.executions();
    }
  }
  return bytes;
}

/// 4.25 bits of 16: groups of 128 with 16 bits of scale and of zero point. The LM head stays at 16 bits.
TEST(Format, decode_reads_a_quantised_weights_part_of_fp16) {
  const System system = testing::h2llm_system();
  const auto whole = decode_weight_bytes(system, llama("weight: fp16"));
  const auto quantised = decode_weight_bytes(system, llama("weight: {default: int4_g128_z16, lm_head: fp16}"));
  ASSERT_EQ(whole.count("f1"), 1u);
  for (const auto& [name, bytes] : whole) {
    const double share = name == "lm_head" ? 1 : 4.25 / 16;
    EXPECT_NEAR(static_cast<double>(quantised.at(name)) / static_cast<double>(bytes), share, 0.004)
        << name << ": whole accesses of 64 bytes";
  }
}

TEST(Format, engines_that_do_not_multiply_the_activations_are_named) {
  const Model m = llama("activation: int8, weight: int8");
  try {
    System system = testing::h2llm_system();
    system.npu.formats.clear();
    require_formats(system, m);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("model.bits: q: int8 x int8 elements, system.npu.formats does not say"), std::string::npos)
        << e.what();
  }
}

/// Whoever plans is told, whatever the dataflow has the engine do.
TEST(Format, a_model_an_engine_does_not_multiply_is_refused_when_it_is_planned) {
  const Model m = llama("activation: int8, weight: int8, kv: int8");
  const Workload w = testing::lengths(1, 64, 1);
  const Dataflow dataflow = testing::dataflow("npu_only");
  const auto refusal = [&](const System& system) -> std::string {
    try {
      make_plan(system, m, w, dataflow, {});
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  const System both = testing::h2llm_system();
  System npu = both, pes = both;
  npu.npu.formats.clear();
  pes.nmp.formats.clear();
  EXPECT_EQ(refusal(both), "");
  EXPECT_NE(refusal(npu).find("int8 x int8 elements, system.npu.formats does not say"), std::string::npos) << refusal(npu);
  EXPECT_NE(refusal(pes).find("int8 x int8 elements, system.nmp.formats does not say"), std::string::npos) << refusal(pes);
}

/// MACs of other numbers leave FP16's price for their own; without an entry they keep it as an estimate; conversions cost a MAC, an
/// estimate.
TEST(FormatEnergy, by_entry_or_flagged_as_estimate) {
  EnergyTable table;
  table.pe_mac_hybrid_bonded = {{600, {1.0, "pJ/MAC", "", "", Confidence::paper}}};
  table.mac_formats = {{MacEngine::pe, Number::int8, Number::int8, {0.25, "pJ/MAC", "", "", Confidence::paper}}};
  EnergyContext context;
  context.pe_clock_mhz = 600;
  const EnergyModel model(table, context);
  NmpConfig nmp;
  nmp.formats = {{Number::int8, Number::int8, false, 2, Conversion::native, ""},
                 {Number::fp8, Number::fp8, false, 2, Conversion::native, ""}};
  const auto of_pair = [&](Element a, Element w) { return pe_mac_counts({1, 2, 3, 5}, {a, w, 16, 32}, nmp, table); };
  const auto pj = [](Attojoules e) { return static_cast<double>(e.value) * 1e-6; };
  const EnergyCounts fp16 = of_pair(of(Number::fp16), of(Number::fp16)), int8 = of_pair(of(Number::int8), of(Number::int8)),
                     fp8 = of_pair(of(Number::fp8), of(Number::fp8)), w4 = of_pair(of(Number::fp16), of(Number::int4));
  EXPECT_DOUBLE_EQ(pj(total_of(model.energy(fp16))), 30);
  EXPECT_DOUBLE_EQ(pj(model.estimated(fp16)), 0);
  EXPECT_DOUBLE_EQ(pj(total_of(model.energy(int8))), 7.5);
  EXPECT_DOUBLE_EQ(pj(model.estimated(int8)), 0);
  EXPECT_DOUBLE_EQ(pj(total_of(model.energy(fp8))), 30);
  EXPECT_DOUBLE_EQ(pj(model.estimated(fp8)), 30);
  EXPECT_DOUBLE_EQ(pj(total_of(model.energy(w4))), 60) << "30 MACs and 30 conversions";
  EXPECT_DOUBLE_EQ(pj(model.estimated(w4)), 30);
}

}  // namespace
}  // namespace bondsim
