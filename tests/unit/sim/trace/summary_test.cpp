#include "sim/trace/summary.hpp"

#include <gtest/gtest.h>

#include "tests/support/command.hpp"

/// Summaries of traces written by hand, to the letter: what is counted, from when to when, and shares of it.
namespace bondsim {
namespace {

TEST(TraceSummary, of_commands_counts_them_banks_and_rows) {
  const test::ScratchDirectory scratch;
  const std::string path = scratch.write("c.csv",
                                         "# bondsim.commands/1\ntime_ps,command,bank,row,column,requester\n"
                                         "7500,ACT1,4,9,,1\n8750,ACT2,4,9,,1\n"
                                         "20000,RD,4,9,0,0\n22500,RD,4,9,8,0\n25000,RD,4,9,16,1\n40000,REFab,-1,,,-1\n");
  EXPECT_EQ(trace_summary(path),
            path +
                ": commands, 7.500 to 40.000 ns, from the beginning of the run; 6 commands on 1 banks for 3 operators\n"
                "  ACT1                    1   16.7 %\n"
                "  ACT2                    1   16.7 %\n"
                "  RD                      3   50.0 %\n"
                "  REFab                   1   16.7 %\n"
                "3.00 column accesses a row opened\n");
}

TEST(TraceSummary, of_tasks_counts_what_a_row_stands_for) {
  const test::ScratchDirectory scratch;
  const std::string path = scratch.write("t.csv",
                                         "# bondsim.tasks/2\n"
                                         "start_ps,end_ps,task,operator,layer,step,kind,layers,steps,block,bytes,hb_bytes,macs,compute_ps,"
                                         "vector_ps,column_ps,row_ps,refresh_ps,"
                                         "mode_switch_ps,buffer_wait_ps,host_transfer_ps,dependency_ps,idle_ps\n"
                                         "1000,3000,0,q,0,0,nmp_gemm,2,3,1,16,64,500,400,0,1600,0,0,0,0,0,0,0\n"
                                         "3000,4000,1,q,0,0,host_load,2,1,1,32,0,0,0,0,0,0,0,0,0,1000,0,0\n"
                                         "4000,8000,,,-1,1,idle,1,1,2,0,0,0,0,0,0,0,0,0,0,0,0,4000\n");
  EXPECT_EQ(trace_summary(path),
            path +
                ": tasks, 1.000 to 8.000 ns of simulated time, 2 blocks of 2 steps; with the layers and steps they stand for 18.000 ns\n"
                "  kind              rows           time ns   share           bytes              macs\n"
                "  host_load            1             2.000  11.1 %              64                 0\n"
                "  idle                 1             4.000  22.2 %               0                 0\n"
                "  nmp_gemm             1            12.000  66.7 %              96              3000\n"
                "time parts: compute 13.3 % column 53.3 % host_transfer 11.1 % idle 22.2 %\n");
}

TEST(TraceSummary, of_slices_takes_those_that_nest_once_and_names_the_straggler) {
  const test::ScratchDirectory scratch;
  const auto meta = [](const char* what, int process, int thread, const char* name) {
    return fmt::format("{{\"ph\":\"M\",\"name\":\"{}\",\"pid\":{},\"tid\":{},\"args\":{{\"name\":\"{}\"}}}},\n", what, process, thread,
                       name);
  };
  const auto slice = [](int process, double start, double length, const char* category) {
    return fmt::format("{{\"ph\":\"X\",\"pid\":{},\"tid\":1,\"ts\":{:.6f},\"dur\":{:.6f},\"name\":\"x\",\"cat\":\"{}\"}},\n", process,
                       start, length, category);
  };
  std::string text = "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"schema\":\"bondsim.perfetto/1\"},\"traceEvents\":[\n";
  for (int p = 3; p <= 5; ++p)
    text += meta("process_name", p, 0, fmt::format("nmp.channel{}", p - 3).c_str()) + meta("thread_name", p, 1, "tasks");
  text += slice(3, 0.002, 0.004, "work") + slice(3, 0.003, 0.001, "work") + slice(3, 0.008, 0.002, "wait");
  text += slice(4, 0.002, 0.002, "work") + slice(4, 0.003, 0.002, "work");
  text += slice(5, 0.004, 0.005, "work");
  text += "{\"ph\":\"C\",\"pid\":3,\"ts\":0.012000,\"name\":\"n\",\"args\":{\"x\":1}}\n]}\n";
  const std::string path = scratch.write("p.json", text);
  EXPECT_EQ(trace_summary(path), path +
                                     ": perfetto, 2.000 to 12.000 ns of simulated time; 6 slices, 0 arrows, 1 counter values, 0 instants\n"
                                     "  process             track                           slices           busy ns   share\n"
                                     "  nmp.channel0        tasks                                3             4.000  40.0 %\n"
                                     "  nmp.channel1        tasks                                2             3.000  30.0 %\n"
                                     "  nmp.channel2        tasks                                1             5.000  50.0 %\n"
                                     "straggler: nmp.channel2, tasks busy 5.000 ns, 25.00 % longer than the mean of 3\n");
}

}  // namespace
}  // namespace bondsim
