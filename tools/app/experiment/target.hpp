#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/base/fields.hpp"

/// What others published, to be held against: one file of configs/reproduce/ (`schema: bondsim.target/1`) for each of them.
namespace bondsim::tools {

enum class FigureUnit { us, cycles, tokens_per_s, mw };

/// What is run for a figure: GEMMs alone on the PEs or on the arrays, one after the other, or a whole model; or a command trace of others
/// is priced.
enum class FigureWork { pes, arrays, model, commands };

}  // namespace bondsim::tools

namespace bondsim {
template <>
inline constexpr EnumEntry<tools::FigureUnit> enum_names<tools::FigureUnit>[] = {{"us", tools::FigureUnit::us},
                                                                                 {"cycles", tools::FigureUnit::cycles},
                                                                                 {"tokens_per_s", tools::FigureUnit::tokens_per_s},
                                                                                 {"mw", tools::FigureUnit::mw}};
template <>
inline constexpr EnumEntry<tools::FigureWork> enum_names<tools::FigureWork>[] = {{"pes", tools::FigureWork::pes},
                                                                                 {"arrays", tools::FigureWork::arrays},
                                                                                 {"model", tools::FigureWork::model},
                                                                                 {"commands", tools::FigureWork::commands}};
}  // namespace bondsim

namespace bondsim::tools {

/// `times` operators of `count` products of [m, k] x [k, n] each.
struct FigureGemm {
  std::int64_t times = 1;
  std::int64_t count = 1;
  std::int64_t m = 1;
  std::int64_t n = 0;
  std::int64_t k = 0;
};
template <class Visitor>
void fields(Visitor& v, FigureGemm& c) {
  v.field("times", c.times, defaulted("operators of this shape").range(1, 1 << 20));
  v.field("count", c.count, defaulted("products of an operator, e.g. heads").range(1, 1 << 20));
  v.field("m", c.m, defaulted("rows of activations").range(1, 1 << 24));
  v.field("n", c.n, required("columns").range(1, 1 << 24));
  v.field("k", c.k, required("length of the sums").range(1, 1 << 24));
}

/// One published number.
struct PublishedFigure {
  std::string name;
  double published = 0;
  FigureUnit unit = FigureUnit::us;
  std::string source;
  FigureWork work = FigureWork::pes;
  std::vector<FigureGemm> gemms;
  bool whole_products = false;
  bool banks_alone = false;
  std::string trace;
  int driven_channels = 1;
  int resting_channels = 0;
  std::vector<std::string> set;
  double least = 0;
  double most = 0;
  std::string cause;
};
template <class Visitor>
void fields(Visitor& v, PublishedFigure& c) {
  v.field("name", c.name, required("which number it is"));
  v.field("published", c.published, required("the number").range(1e-12, 1e18));
  v.field("unit", c.unit, required("of the number; cycles are of CK on PEs, of the NPU's clock on arrays"));
  v.field("source", c.source, required("where exactly it stands"));
  v.field("work", c.work,
          required("GEMMs alone on the PEs or the arrays, the target's model as a whole, or the energy of a command trace"));
  v.sections("gemms", c.gemms, defaulted("work pes and arrays: GEMMs, one after the other; their times are summed"));
  v.field("whole_products", c.whole_products, defaulted("work pes: each product lies on one channel, whatever the others wait for"));
  v.field("banks_alone", c.banks_alone,
          defaulted("work pes: time in which the banks of the busiest channel work, without transfers over its bus"));
  v.field("trace", c.trace, defaulted("work commands: a trace of HBM-Power's format, of one pseudo channel"));
  v.field("driven_channels", c.driven_channels, defaulted("work commands: channels that have the trace").range(1, 4096));
  v.field("resting_channels", c.resting_channels, defaulted("work commands: channels that have no command meanwhile").range(0, 4096));
  v.field("set", c.set, defaulted("values changed for this figure, e.g. system.channels.nmp=8"));
  v.field("least", c.least, defaulted("lowest ratio of ours to the number; 0: the target's").range(0, 1e6));
  v.field("most", c.most, defaulted("highest ratio; 0: the target's").range(0, 1e6));
  v.field("cause", c.cause, defaulted("of what is left between the two"));
}

/// A publication with its numbers.
struct Target {
  std::string name;
  std::string title;
  std::string licence;
  std::string published_has;
  std::string ours_has;
  std::string system;
  std::string model;
  std::string workload;
  std::string dataflow;
  double least = 0;
  double most = 0;
  std::vector<PublishedFigure> figures;
  std::string directory;  ///< of the file, for what it names

  std::string path(const std::string& file) const;
  double least_of(const PublishedFigure& figure) const { return figure.least > 0 ? figure.least : least; }
  double most_of(const PublishedFigure& figure) const { return figure.most > 0 ? figure.most : most; }
};
template <class Visitor>
void fields(Visitor& v, Target& c) {
  v.field("name", c.name, required("short name, that of the file"));
  v.field("title", c.title, required("who published it, and where"));
  v.field("licence", c.licence, required("of the published numbers"));
  v.field("published_has", c.published_has, required("what the published numbers contain"));
  v.field("ours_has", c.ours_has, required("what ours contain"));
  v.field("system", c.system, required("system file, relative to this one"));
  v.field("model", c.model, defaulted("work model: model file"));
  v.field("workload", c.workload, defaulted("work model: workload file"));
  v.field("dataflow", c.dataflow, defaulted("work model: dataflow file"));
  v.field("least", c.least, required("lowest ratio of ours to the published number").range(1e-6, 1e6));
  v.field("most", c.most, required("highest ratio").range(1e-6, 1e6));
  v.sections("figures", c.figures, required("the numbers"));
}

/// @throws ConfigError
Target load_target(const std::string& file);

/// A file of configs/reproduce/ and what it is.
struct TargetFile {
  std::string name;
  std::string file;
  bool experiments = false;  ///< a paper's experiments (bondsim reproduce), not a target
};
/// All of them, ascending, or the one of a name, or a file of one's own. @param name empty: all. @throws ConfigError listing the names
std::vector<TargetFile> target_files(const std::string& name = "");

}  // namespace bondsim::tools
