#include "models/results/results_read.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

/// Every field with a value of its own, so that a field that is left out or taken for another is seen.
class RandomResults {
 public:
  explicit RandomResults(std::uint64_t seed) : random_(seed) {}

  Results make() {
    Results r;
    r.schedule.model = "model";
    r.schedule.dataflow = "flow";
    r.schedule.batch = 4;
    r.schedule.layers = 32;
    r.schedule.all_layers = random_() % 2 == 0;
    r.system = "machine";
    r.prompt_tokens = 783;
    r.generated_tokens = 3;
    r.config_digest = "0123abcd";
    r.config_files = {"a.yaml", "b.yaml"};
    r.config_values = {{"system.name", "machine", "", "", "a.yaml:2", "", ""},
                       {"system.energy.hb_io", "0.66", "pJ/bit", "HB port", "e.yaml:9", "paper", "estimate"}};
    r.peaks = {1e15, 2e12, 3e12, 1e11, 5e11};
    r.npu_peak_macs = r.peaks.npu_macs_per_s;
    r.prefill = time();
    r.steps = {time(), time(), time()};
    r.total = r.prefill + r.steps[0] + r.steps[1] + r.steps[2];
    for (const char* phase : {"prefill", "decode"}) {
      for (const char* name : {"q", "softmax", "(background)"}) r.operators.push_back(one_operator(name, phase));
    }
    r.activation = {16, 4, 16, true, 20, 75.5, 915.25, "VDD2H"};
    r.channels = {channel(0, "nmp"), channel(1, "normal")};
    for (const char* id : {"npu.arrays", "npu.vector", "nmp.channel0"}) r.executors.push_back(executor(id, r.operators.size()));
    r.requests = {{0, 4, time(), time()}, {7, 3, time(), time()}};
    r.npu = parts();
    r.npu_prefill = parts();
    r.energy = energies();
    r.energy_total = energy();
    r.energy_estimated = energy();
    r.typical_total = energy();
    r.typical = energies();
    r.typical_estimated = energy();
    r.rails = {{"VDD1", energy(), energy()}, {"VDD2H", energy(), energy()}};
    r.npu_power = power();
    r.events = 123456789012;
    r.wall_s = 1.0 / 3.0;
    return r;
  }

 private:
  Picoseconds time() { return Picoseconds(static_cast<std::int64_t>(random_() % 3'000'000'000'000)); }
  /// From fractions of a picojoule to kilojoules.
  Attojoules energy() {
    return Attojoules(static_cast<WideInt>(random_() >> (random_() % 60)) * static_cast<WideInt>(1 + random_() % 1000));
  }
  EnergyByComponent energies() {
    EnergyByComponent out{};
    for (Attojoules& e : out) e = energy();
    return out;
  }
  TimeParts parts() { return {time(), time(), time(), time(), time(), time(), time(), time(), time(), time()}; }
  PowerResult power() { return {energy(), energy(), time()}; }
  OperatorResult one_operator(const char* name, const char* phase) {
    OperatorResult op;
    op.name = name;
    op.phase = phase;
    op.executor = op.name == "(background)" ? "system" : "nmp";
    op.count = static_cast<std::int64_t>(random_() % 1000);
    op.busy = time();
    op.span = time();
    op.counts.npu_macs = static_cast<std::int64_t>(random_() % 1'000'000'000'000);
    op.counts.vector_ops = static_cast<std::int64_t>(random_() % 1'000'000'000);
    op.counts.hb_read_bits = 8 * static_cast<std::int64_t>(random_() % 1'000'000'000);
    op.energy = energies();
    op.macs = static_cast<std::int64_t>(random_() % 1'000'000'000'000);
    op.bytes = static_cast<std::int64_t>(random_() % 1'000'000'000'000);
    return op;
  }
  ChannelResult channel(int id, const std::string& kind) {
    ChannelResult c;
    c.id = id;
    c.name = kind + ".channel" + std::to_string(id);
    c.kind = kind;
    for (std::int64_t* bytes : {&c.bytes_read, &c.bytes_written, &c.hb_bytes_read, &c.hb_bytes_written}) {
      *bytes = static_cast<std::int64_t>(random_() % 1'000'000'000'000);
    }
    c.time = parts();
    c.prefill = parts();
    c.power = power();
    c.banks = power();
    c.pes = power();
    return c;
  }
  ExecutorResult executor(const char* id, std::size_t operators) {
    ExecutorResult out{id, {}};
    for (std::size_t i = 0; i < operators; ++i) out.busy.push_back(i % 3 == 1 ? Picoseconds() : time());
    return out;
  }

  std::mt19937_64 random_;
};

/// Energies are sums of attojoules that a double rounds one by one: their last digit may differ. All else is equal.
void expect_same(const nlohmann::ordered_json& a, const nlohmann::ordered_json& b) {
  const auto flat_a = a.flatten(), flat_b = b.flatten();
  ASSERT_EQ(flat_a.size(), flat_b.size());
  for (const auto& [key, value] : flat_a.items()) {
    ASSERT_TRUE(flat_b.contains(key)) << key;
    const auto& other = flat_b.at(key);
    const bool energy = key.find("energy") != std::string::npos || key.find("_w") != std::string::npos;
    if (value.is_number_float() && energy) {
      EXPECT_NEAR(value.get<double>(), other.get<double>(), 1e-15 * std::abs(value.get<double>())) << key;
    } else {
      EXPECT_EQ(value, other) << key;
    }
  }
}

TEST(ResultsRead, what_is_read_is_written_as_it_was) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    const std::string text = results_json(RandomResults(seed).make());
    expect_same(nlohmann::ordered_json::parse(results_json(results_from_json(text, "results.json"))), nlohmann::ordered_json::parse(text));
  }
}

TEST(ResultsRead, fields_are_those_that_were_written) {
  const Results r = RandomResults(7).make();
  const Results read = results_from_json(results_json(r), "results.json");
  EXPECT_EQ(read.total, r.total);
  EXPECT_EQ(read.steps, r.steps);
  EXPECT_EQ(read.channels[1].time.sum(), r.channels[1].time.sum());
  EXPECT_EQ(read.executors[2].busy, r.executors[2].busy);
  EXPECT_EQ(read.operators[4].busy, r.operators[4].busy);
  EXPECT_EQ(read.activation.bank_groups, 4);
  EXPECT_NEAR(to_joules(read.operators[0].energy[3]), to_joules(r.operators[0].energy[3]), 1e-15 * to_joules(r.operators[0].energy[3]));
}

std::string error_of(const std::string& text) {
  try {
    results_from_json(text, "r.json");
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(ResultsRead, errors_name_the_key) {
  EXPECT_EQ(error_of("{"), "r.json:1: not valid JSON near byte 2");
  EXPECT_EQ(error_of("[]"), "r.json:1: schema: '' found, allowed: bondsim.results/2");
  auto json = nlohmann::ordered_json::parse(results_json(RandomResults(1).make()));
  auto missing = json;
  missing["channels"][1]["time_ps"].erase("row");
  EXPECT_EQ(error_of(missing.dump()), "r.json:1: channels[1].time_ps.row: missing");
  auto large = json;
  large["operators"][0]["macs"] = 1e300;
  EXPECT_EQ(error_of(large.dump()), "r.json:1: operators[0].macs: 1e+300 found, a whole number of 64 bits is expected");
  auto wrong = json;
  wrong["operators"][0]["macs"] = "many";
  EXPECT_EQ(error_of(wrong.dump()), "r.json:1: operators[0].macs: \"many\" found, a value of another type is expected");
  EXPECT_EQ(error_of(json.dump(2)), "");
  auto marked = json;
  marked["channels"][1]["time_ps"]["row"] = "not a time";
  const std::string lines = marked.dump(1);
  const auto line = 1 + std::count(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(lines.find("not a time")), '\n');
  EXPECT_EQ(error_of(lines).find(fmt::format("r.json:{}: channels[1].time_ps.row: \"not a time\" found", line)), 0u) << error_of(lines);
  EXPECT_THROW(read_results("/nowhere/results.json"), ConfigError);
}

}  // namespace
}  // namespace bondsim
