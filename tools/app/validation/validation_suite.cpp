#include <fmt/format.h>

#include <map>
#include <set>

#include "tools/app/validation/validation.hpp"

/// Operators of published models over the published space of devices.
namespace bondsim::tools {
namespace {

struct Shape {
  int count, m, n, k;
};

/// FPUs, MHz, GB/s of legal PEs of the published space (H2-LLM, ISCA'25).
struct Pe {
  int fpus, mhz;
  const char* gbps;
};

constexpr Pe pes[] = {{8, 600, "25.6"}, {8, 400, "6.4"}, {4, 1000, "12.8"}, {2, 800, "51.2"}, {1, 400, "25.6"}, {4, 600, "6.4"}};

/// Rows of a suite; one that is there already is not added again: each operator counts once.
class SuiteWriter {
 public:
  void nmp(const Shape& s, int channels, const Pe& pe, const char* bytes, int weight_kib, int input_kib, double output_kib) {
    add(fmt::format("NMP,{},{},{},{},{},{},,{},{},{},16,16,12.8,,{},{},{}\n", bytes, s.count, s.m, s.n, s.k, channels, pe.fpus, pe.mhz,
                    pe.gbps, weight_kib, input_kib, output_kib));
  }
  void npu(const Shape& s, int channels, const char* bytes, int peak_tmacs) {
    add(fmt::format("NPU,{},{},{},{},{},0,{},,,,,,12.8,{},,,\n", bytes, s.count, s.m, s.n, s.k, channels, peak_tmacs));
  }
  CsvTable table(const std::string& name) const { return CsvTable::parse(text_, "suite " + name); }

 private:
  void add(const std::string& row) {
    if (rows_.insert(row).second) text_ += row;
  }

  std::set<std::string> rows_;
  std::string text_ =
      "model,element_size_bytes,B,M,N,K,nmp_channels,normal_channels,fpu_num,freq_mhz,pe_bw_gbps,fpu_simd_width,pe_num_per_channel,"
      "ext_bw_per_channel_gbps,npu_capacity_tmacs,weight_buffer_kib,input_buffer_kib,output_buffer_kib\n";
};

CsvTable quick() {
  SuiteWriter out;
  const Shape shapes[] = {{1, 1, 4096, 4096}, {1, 16, 4096, 4096}, {1, 4, 4096, 14336}, {32, 4, 850, 128}, {8, 4, 128, 2000}};
  for (const Shape& s : shapes) {
    for (const Pe& pe : {pes[0], pes[1], pes[3]}) out.nmp(s, 6, pe, "2", 32, 32, 4);
    out.npu(s, 8, "2", 128);
  }
  for (const Shape& s : {Shape{1, 628, 4096, 4096}, Shape{1, 2048, 4096, 4096}}) out.npu(s, 8, "2", 128);
  return out.table("quick");
}

CsvTable full() {
  SuiteWriter out;
  const Shape weights[] = {{1, 1, 4096, 4096}, {1, 1, 14336, 4096}, {1, 1, 4096, 14336},
                           {1, 1, 1024, 4096}, {1, 1, 256, 4096},   {1, 1, 16384, 4096}};
  const Shape caches[] = {{8, 4, 224, 128}, {8, 4, 992, 128}, {8, 4, 128, 992}, {16, 1, 1983, 128}, {16, 1, 128, 1983}, {4, 16, 850, 256}};
  for (const Pe& pe : pes) {
    for (const int channels : {2, 6, 8}) {
      for (const Shape& s : weights) {
        for (const int m : {1, 4, 16}) out.nmp({s.count, m, s.n, s.k}, channels, pe, "2", 32, 32, 4);
      }
      for (const Shape& s : caches) out.nmp(s, channels, pe, "2", 32, 32, 4);
    }
    for (const int weight_kib : {4, 128}) {
      for (const int input_kib : {4, 128}) {
        for (const double output_kib : {0.25, 8.0}) {
          for (const int m : {1, 16}) out.nmp({1, m, 4096, 4096}, 6, pe, "2", weight_kib, input_kib, output_kib);
        }
      }
    }
    for (const int m : {1, 16}) out.nmp({1, m, 4096, 4096}, 6, pe, "0.5", 32, 32, 4);
  }
  for (const int channels : {2, 8}) {
    for (const Shape& s : weights) {
      for (const int m : {1, 16, 157, 1886}) out.npu({s.count, m, s.n, s.k}, channels, "2", 128);
    }
    for (const Shape& s : caches) out.npu(s, channels, "2", 128);
  }
  // Prefills of batches, weights of 16, 8 and 4 bits.
  for (const char* bytes : {"2", "1", "0.5"}) {
    for (const int m : {783, 4096, 16384, 65536}) {
      for (const Shape& s : {weights[0], weights[1], weights[2], weights[3]}) out.npu({s.count, m, s.n, s.k}, 8, bytes, 128);
    }
  }
  // Attention of prefill operator by operator: heads of a batch, GQA and MHA; decode of a batch, caches of 16 and 8 bits.
  for (const Shape& s : {Shape{8, 3132, 783, 128}, Shape{128, 3132, 128, 783}, Shape{512, 783, 783, 128}, Shape{64, 7544, 1886, 128}})
    out.npu(s, 8, "2", 128);
  for (const char* bytes : {"2", "1"}) {
    for (const Shape& s : {Shape{128, 4, 784, 128}, Shape{512, 4, 128, 1024}, Shape{512, 1, 784, 128}})
      out.nmp(s, 6, pes[0], bytes, 32, 32, 4);
  }
  // Decode of batches, and the rows an expert of eight gets of them.
  for (const char* bytes : {"2", "1", "0.5"}) {
    for (const int m : {2, 8, 32, 64}) {
      for (const Shape& s : {weights[0], weights[2], weights[3]}) out.nmp({s.count, m, s.n, s.k}, 6, pes[0], bytes, 32, 32, 4);
    }
  }
  return out.table("full");
}

/// Verifications of 2 to 16 rows: weights of Llama-3-8B and its draft, batch 1 and 4; heads over a context, GQA of four queries and MHA.
CsvTable verification() {
  SuiteWriter out;
  const Shape weights[] = {{1, 1, 4096, 4096}, {1, 1, 14336, 4096}, {1, 1, 4096, 14336}, {1, 1, 1024, 4096}, {1, 1, 8192, 2048}};
  for (const int rows : {2, 3, 5, 8, 9, 16}) {
    for (const Shape& s : weights) {
      for (const Pe& pe : {pes[0], pes[1], pes[2]}) out.nmp({1, rows, s.n, s.k}, 6, pe, "2", 32, 32, 4);
      out.nmp({1, 4 * rows, s.n, s.k}, 6, pes[0], "2", 32, 32, 4);
      out.npu({1, rows, s.n, s.k}, 8, "2", 128);
    }
    for (const int group : {1, 4}) {
      for (const Pe& pe : {pes[0], pes[2]}) {
        out.nmp({8, group * rows, 992, 128}, 6, pe, "2", 32, 32, 4);
        out.nmp({8, group * rows, 128, 992}, 6, pe, "2", 32, 32, 4);
      }
      out.npu({8, group * rows, 992, 128}, 8, "2", 128);
      out.npu({8, group * rows, 128, 992}, 8, "2", 128);
    }
  }
  return out.table("verification");
}

}  // namespace

ValidationSet validation_suite(const std::string& name, const std::string& system_file) {
  if (name == "steps" || name == "quick_steps") return step_suite(system_file, name == "quick_steps");
  const std::map<std::string, CsvTable (*)()> suites = {{"quick", quick}, {"full", full}, {"verification", verification}};
  const auto suite = suites.find(name);
  if (suite == suites.end()) {
    throw ConfigError(fmt::format("--suite: '{}' is not known, allowed: quick, full, verification, quick_steps, steps", name));
  }
  return validation_of_rows(load_system(system_file, {}), suite->second());
}

}  // namespace bondsim::tools
