#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/command.hpp"
#include "tests/support/serving_setup.hpp"
#include "tools/app/serving/rates.hpp"
#include "tools/app/studies/run_experiment.hpp"

namespace bondsim::tools {
namespace {

using Json = nlohmann::json;

class OfDataflow : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Serving, OfDataflow, ::testing::Values("fc_offloading", "data_centric", "npu_only"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(OfDataflow, one_user_has_the_times_of_a_run_to_the_picosecond) {
  ExperimentRequest request;
  request.file = testing::config_path("experiment/h2llm-llama3-8b-sharegpt");
  request.model = testing::config_path("model/llama-3.2-1b");
  request.dataflow = testing::config_path(std::string("dataflow/") + GetParam());
  request.overrides = {"workload.prompt_tokens=200", "workload.generated_tokens=12"};
  const Experiment alone = load_experiment(request);
  const Experiment user = chat({"serving.requests.arrivals=closed_loop", "serving.requests.users=1", "serving.requests.limit=1",
                                "serving.requests.lengths=fixed", "serving.requests.prompt_tokens=200", "serving.requests.output_tokens=13",
                                "serving.batch.max_batch=1", "serving.kv.context_tokens=212", "serving.kv.addresses=consecutive"},
                               GetParam());
  const std::string expected = run_isolated([&] {
    const Results r = run_experiment(alone);
    return fmt::format("{} {} {:.17g}", r.total.value, r.prefill.value, to_joules(r.energy_total));
  });
  const std::string found = run_isolated([&] {
    ServeOptions options;
    const ServingRun run = serve(user, options);
    EXPECT_EQ(run.totals.ttft.greatest(), run.results->prefill.value);
    EXPECT_EQ(run.totals.latency.greatest(), run.results->total.value);
    EXPECT_EQ(run.totals.end, run.results->total);
    EXPECT_EQ(to_joules(run.totals.energy + run.totals.idle_energy), to_joules(run.results->energy_total));
    if (::testing::Test::HasFailure()) throw InternalError("record and results differ");
    return fmt::format("{} {} {:.17g}", run.results->total.value, run.results->prefill.value, to_joules(run.results->energy_total));
  });
  EXPECT_EQ(found, expected);
}

TEST(Serving, energies_of_requests_and_of_idle_time_sum_to_that_of_the_run) {
  for (const char* policy : {"prefill_first", "co_processing"}) {
    const Experiment e = chat({"serving.requests.limit=6", "serving.requests.rate_per_s=8", "serving.requests.prompt_tokens=150",
                               "serving.requests.output_tokens=8", "serving.kv.context_tokens=1024", "serving.requests.longest_prompt=600",
                               "serving.batch.chunk_tokens=128", std::string("serving.batch.policy=") + policy},
                              "data_centric");
    const std::string answer = run_isolated([&] {
      ServeOptions options;
      Attojoules sum;
      options.requests = [&](const serving::RequestRow& row) { sum += row.energy; };
      const ServingRun run = serve(e, options);
      const bool same = sum + run.totals.idle_energy == run.results->energy_total;
      return fmt::format("{} {} {}", same, run.totals.complete, run.totals.idle_energy.value > 0);
    });
    EXPECT_EQ(answer, "true 6 true") << policy;
  }
}

TEST(Serving, nothing_depends_on_the_order_in_which_modules_are_constructed) {
  const auto with = [](ConstructionOrder order) {
    return run_isolated([&] {
      const Experiment e = chat({"serving.requests.limit=5", "serving.requests.rate_per_s=20", "serving.requests.prompt_tokens=60",
                                 "serving.requests.output_tokens=8", "serving.requests.longest_prompt=200"},
                                "data_centric");
      ServeOptions options;
      options.construction = order;
      std::ostringstream iterations;
      options.iterations = &iterations;
      const ServingRun run = serve(e, options);
      return iterations.str() + std::regex_replace(serving_json(e, run, options.tier), std::regex("\"wall_s\": [^,\n]*"), "");
    });
  };
  EXPECT_EQ(with(ConstructionOrder::npu_first), with(ConstructionOrder::channels_first));
}

/// Every request takes the time S that a lone one takes: Pollaczek and Khinchine give the mean wait.
TEST(Serving, one_request_at_a_time_waits_as_Pollaczek_and_Khinchine_say) {
  const auto with = [](double rate, std::int64_t limit, int seed) {
    return chat({"serving.requests.lengths=fixed", "serving.requests.prompt_tokens=64", "serving.requests.output_tokens=4",
                 "serving.batch.max_batch=1", "serving.kv.context_tokens=128", fmt::format("serving.requests.rate_per_s={}", rate),
                 fmt::format("serving.requests.limit={}", limit), fmt::format("serving.requests.seed={}", seed)});
  };
  const double service_ms = served(with(0.001, 1, 1), ServingTier::detailed)["latency"]["e2e"]["mean_ms"];
  for (const double load : {0.3, 0.6, 0.8}) {
    // The mean of 20,000 waits scatters by 5 % at a load of 0.8, that of 16 runs by a quarter of it.
    double mean = 0;
    for (int seed = 1; seed <= 16; ++seed) {
      const Json json = served(with(load / (service_ms * 1e-3), 20000, seed), ServingTier::detailed);
      mean += json["latency"]["queueing"]["mean_ms"].get<double>() / 16;
    }
    const double expected = load * service_ms / (2 * (1 - load));
    EXPECT_NEAR(mean, expected, 0.03 * expected) << load;
  }
}

/// One iteration at a time, contexts drawn evenly up to the longest. With attention on PEs the fullest channel decides, most of all where
/// a request has one channel.
TEST(Serving, tables_of_the_closed_form_are_within_one_percent_of_the_form_itself_and_four_where_a_request_has_one_channel) {
  for (const auto& [dataflow, placement, limit] : {std::make_tuple("fc_offloading", "balanced", 0.01),
                                                   {"data_centric", "balanced", 0.01},
                                                   {"data_centric", "request_channel", 0.04}}) {
    const Experiment e =
        chat({"serving.batch.max_batch=8", "serving.kv.context_tokens=2048", std::string("serving.kv.placement=") + placement}, dataflow);
    EXPECT_LT(table_error(e, 40), limit) << dataflow << " " << placement;
  }
}

TEST(Serving, the_closed_form_is_within_two_percent_of_cycles) {
  for (const char* policy : {"prefill_first", "co_processing"}) {
    const Experiment e =
        chat({"serving.requests.limit=24", "serving.requests.rate_per_s=6", "serving.requests.prompt_tokens=200",
              "serving.requests.output_tokens=24", "serving.kv.context_tokens=1024", "serving.requests.longest_prompt=800",
              "serving.requests.longest_output=100", "serving.batch.max_batch=8", std::string("serving.batch.policy=") + policy});
    const Json cycle = served(e, ServingTier::cycle), form = served(e, ServingTier::detailed);
    const double joules = cycle["energy"]["total_j"];
    EXPECT_NEAR(form["energy"]["total_j"].get<double>(), joules, 0.02 * joules) << policy;
    for (const char* latency : {"ttft", "tpot"}) {
      for (const char* value : {"mean_ms", "p99_ms"}) {
        const double expected = cycle["latency"][latency][value];
        EXPECT_NEAR(form["latency"][latency][value].get<double>(), expected, 0.02 * expected) << policy << " " << latency << " " << value;
      }
    }
  }
}

TEST(Serving, faster_ports_make_no_latency_longer_than_the_order_within_an_iteration_does) {
  Json last;
  for (const double gbps : {6.4, 12.8, 25.6}) {
    const Json now = served(chat({"serving.requests.limit=60", "serving.requests.rate_per_s=4", "serving.requests.prompt_tokens=200",
                                  "serving.requests.output_tokens=40", "serving.kv.context_tokens=1024",
                                  "serving.requests.longest_prompt=800", fmt::format("system.nmp.hb.bandwidth_gbps={}", gbps)},
                                 "data_centric"),
                            ServingTier::detailed);
    if (!last.is_null()) {
      for (const char* latency : {"ttft", "tpot", "e2e"}) {
        const double before = last["latency"][latency]["p99_ms"], after = now["latency"][latency]["p99_ms"];
        // Who comes between two shorter iterations may find another batch: the order within one is the noise.
        EXPECT_LE(after, before * 1.05) << latency << " at " << gbps << " GB/s";
      }
    }
    last = now;
  }
}

using test::bondsim_command;

TEST(Serving, bad_input_of_the_command_says_what_is_allowed) {
  const std::string serve = "serve experiment/h2llm-llama3-8b-sharegpt --tier detailed --set serving.requests.limit=1 ";
  const auto refused = [&](const std::string& arguments, const std::string& says, int status) {
    const auto result = bondsim_command(serve + arguments);
    EXPECT_EQ(result.status, status) << arguments << "\n" << result.output;
    EXPECT_NE(result.output.find(says), std::string::npos) << arguments << "\n" << result.output;
  };
  refused("--set serving.batch.policy=fifo", "allowed: static, prefill_first, decode_first, chunked_prefill, co_processing", 2);
  refused("--requests nowhere.csv", "nowhere.csv: no such file", 2);
  refused("--rate 1,x", "'x' found, allowed: numbers", 2);
  refused("--rate 1,2,1.0000001", "'1.0000001' found twice, allowed: each once, to six digits", 2);
  refused("--reuse page", "allowed: with --tier cycle", 2);
  refused("--rate 1 --json", "allowed: without --rate", 2);
  refused("--set workload.batch=2", "allowed: system, model, serving, dataflow", 2);
  refused("--set serving.kv.context_tokens=100000", "holds at most 8192", 1);
  refused("--set serving.kv.capacity_tokens=8", "at least a page of 16 tokens", 2);
  EXPECT_EQ(bondsim_command(serve + "-q").output, "");
}

/// Rates run in workers side by side; how many there are is not seen. A rate whose requests cannot be served ends all with its reason.
TEST(Serving, rates_are_the_same_whatever_the_number_of_workers) {
  const test::ScratchDirectory scratch;
  const std::string serve = "serve experiment/h2llm-llama3-8b-sharegpt --tier detailed --set serving.requests.limit=8 --rate 1,2,4 ";
  for (const char* jobs : {"1", "3"}) {
    const auto result = bondsim_command(serve + "-j " + jobs + " --out " + scratch.file(jobs));
    ASSERT_EQ(result.status, 0) << result.output;
  }
  for (const char* file : {"curve.csv", "rate-1/requests.csv", "rate-2/iterations.csv", "rate-4/serving.json"}) {
    const std::string one = test::file_text(scratch.file(std::string("1/") + file));
    EXPECT_FALSE(one.empty()) << file;
    EXPECT_TRUE(one == test::file_text(scratch.file(std::string("3/") + file))) << file;
  }
  const auto result = bondsim_command(serve + "--set serving.kv.context_tokens=100000 --out " + scratch.file("none"));
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.output.find("holds at most 8192"), std::string::npos) << result.output;
  EXPECT_FALSE(std::filesystem::exists(scratch.file("none")));
}

/// One request at a time and evenly spaced ones: above the rate 1/S of service request n waits n (S - 1/rate). Of 100 requests 90 keep an
/// SLO that leaves a wait of W up to the rate at which the 90th waits W: 1 / (S - W/89).
TEST(Serving, the_highest_rate_that_keeps_the_slo_is_the_one_that_the_queue_gives) {
  const auto with = [](const std::string& arrivals, double slo_ms) {
    return chat({"serving.requests.arrivals=" + arrivals, "serving.requests.lengths=fixed", "serving.requests.prompt_tokens=64",
                 "serving.requests.output_tokens=4", "serving.batch.max_batch=1", "serving.kv.context_tokens=128",
                 "serving.requests.rate_per_s=0.5", "serving.requests.limit=100", fmt::format("serving.slo.ttft_ms={}", slo_ms),
                 "serving.slo.tpot_ms=1000000"});
  };
  const Json alone = served(with("uniform", 1e6), ServingTier::detailed);
  const double service_ms = alone["latency"]["e2e"]["mean_ms"], first_ms = alone["latency"]["ttft"]["mean_ms"];
  ASSERT_EQ(alone["latency"]["queueing"]["max_ms"].get<double>(), 0);
  for (const auto& [services, begin] : {std::make_pair(0.5, 0.4), {30.0, 3.0}}) {
    const double wait_ms = services * service_ms, expected = 1e3 / (service_ms - wait_ms / 89);
    const FoundRate found = find_rate(with("uniform", first_ms + wait_ms), 0.9, begin * expected, ServingTier::detailed, nullptr);
    EXPECT_LE(found.rate_per_s, expected * 1.0001) << wait_ms;
    EXPECT_GE(found.rate_per_s, expected / 1.0201) << wait_ms;
    EXPECT_FALSE(found.at_least) << wait_ms;
  }
  // All keep it at every rate that is tried: none is called the highest.
  const FoundRate open = find_rate(with("uniform", 1e6), 0.9, 1, ServingTier::detailed, nullptr);
  EXPECT_TRUE(open.at_least);
  EXPECT_EQ(open.rate_per_s, 1024);
  for (const RatePoint& point : open.points) EXPECT_GE(point.attainment, 0.9) << point.rate_per_s;
  // Nobody keeps it at any rate.
  EXPECT_EQ(find_rate(with("uniform", 0.5 * first_ms), 0.9, 1, ServingTier::detailed, nullptr).rate_per_s, 0);
}

TEST(Serving, equal_seeds_write_equal_bytes) {
  const test::ScratchDirectory scratch;
  std::string first;
  for (const char* name : {"a", "b"}) {
    const auto result = bondsim_command("serve experiment/h2llm-llama3-8b-sharegpt --tier detailed --set serving.requests.limit=20 --out " +
                                        scratch.file(name));
    ASSERT_EQ(result.status, 0) << result.output;
    std::string text;
    for (const char* file : {"/serving.json", "/requests.csv", "/iterations.csv"}) text += test::file_text(scratch.file(name) + file);
    if (!first.empty()) {
      EXPECT_TRUE(text == first);
    }
    first = text;
  }
}

TEST(Serving, a_stopped_run_is_marked_as_partial_and_counts_what_is_left) {
  const Experiment e = chat({"serving.requests.limit=50", "serving.requests.rate_per_s=50"});
  volatile std::sig_atomic_t stop = 0;
  ServeOptions options;
  options.tier = ServingTier::detailed;
  options.stop = &stop;
  options.requests = [&](const serving::RequestRow&) { stop = 1; };
  const ServingRun run = serve(e, options);
  EXPECT_TRUE(run.partial);
  EXPECT_GT(run.totals.unfinished, 0);
  EXPECT_EQ(run.totals.arrived, run.totals.complete + run.totals.unfinished);
  EXPECT_TRUE(Json::parse(serving_json(e, run, options.tier))["partial"].get<bool>());
}

TEST(Serving, drafts_of_depth_0_change_nothing_and_cycles_confirm_the_closed_form) {
  const std::vector<std::string> few = {"serving.requests.limit=6",          "serving.batch.max_batch=4",
                                        "serving.requests.rate_per_s=10",    "serving.requests.prompt_tokens=100",
                                        "serving.requests.output_tokens=12", "serving.requests.longest_output=40"};
  std::vector<std::string> none = few;
  none.push_back("serving.speculation.depth=0");
  const Json plain = served(chat(few), ServingTier::cycle), depth_0 = served(chat(none), ServingTier::cycle);
  EXPECT_EQ(depth_0["time_s"], plain["time_s"]);
  EXPECT_EQ(depth_0["latency"], plain["latency"]);
  std::vector<std::string> drafts = few;
  for (const char* set : {"serving.speculation.depth=3", "serving.speculation.acceptance=[0.7]", "serving.speculation.draft=layers",
                          "serving.speculation.layers=2"}) {
    drafts.push_back(set);
  }
  const Json cycle = served(chat(drafts), ServingTier::cycle), form = served(chat(drafts), ServingTier::detailed);
  EXPECT_EQ(cycle["tokens"], plain["tokens"]);
  EXPECT_GT(cycle["speculation"]["tokens"].get<double>() / cycle["speculation"]["verifications"].get<double>(), 1.5);
  EXPECT_NEAR(form["latency"]["tpot"]["mean_ms"].get<double>() / cycle["latency"]["tpot"]["mean_ms"].get<double>(), 1, 0.03);
}

}  // namespace
}  // namespace bondsim::tools
