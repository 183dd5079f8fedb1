#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/base/fields.hpp"

namespace bondsim::serving {

/// Where requests come from: `made`, or a trace in the format of its source.
enum class TraceFormat { made, mooncake, azure, burstgpt, vidur, llmservingsim };
/// Times between made requests; closed_loop: each of N users asks again when the answer is complete and read.
enum class ArrivalKind { poisson, gamma, uniform, closed_loop };
/// Lengths of made requests; file: those of a trace, in its order, again from the start at its end.
enum class LengthKind { fixed, lognormal, file };

/// Section `requests` of a serving file.
struct RequestsConfig {
  TraceFormat source = TraceFormat::made;
  std::string file;
  ArrivalKind arrivals = ArrivalKind::poisson;
  double rate_per_s = 1;
  double cv = 1;
  int users = 1;
  double think_s = 0;
  LengthKind lengths = LengthKind::fixed;
  std::int64_t prompt_tokens = 512;
  std::int64_t output_tokens = 128;
  double prompt_cv = 1;
  double output_cv = 1;
  std::int64_t longest_prompt = 1 << 20;
  std::int64_t longest_output = 1 << 20;
  std::string lengths_file;
  TraceFormat lengths_format = TraceFormat::azure;
  std::int64_t seed = 1;
  std::int64_t limit = 1000;
  double rate_scale = 1;
  double window_begin_s = 0;
  double window_end_s = 0;
};

template <class Visitor>
void fields(Visitor& v, RequestsConfig& c) {
  v.field("source", c.source, defaulted("made by the keys below, or a trace: the format of `file`"));
  v.field("file", c.file, defaulted("trace, relative to the file that names it"));
  v.field("arrivals", c.arrivals, defaulted("made: times between requests; closed_loop: each user asks again after its answer"));
  v.field("rate_per_s", c.rate_per_s, defaulted("made: requests a second on average").range(1e-6, 1e6).in("1/s"));
  v.field("cv", c.cv, defaulted("gamma: standard deviation of the times between requests over their mean").range(0.01, 100));
  v.field("users", c.users, defaulted("closed_loop: users, each with one request at a time").range(1, 1 << 20));
  v.field("think_s", c.think_s, defaulted("closed_loop: from the end of an answer to the user's next request").range(0, 1e6).in("s"));
  v.field("lengths", c.lengths, defaulted("made: tokens of prompts and answers"));
  v.field("prompt_tokens", c.prompt_tokens, defaulted("made: prompt, lognormal: its mean").range(1, 1 << 24).in("token"));
  v.field("output_tokens", c.output_tokens, defaulted("made: answer, lognormal: its mean").range(1, 1 << 24).in("token"));
  v.field("prompt_cv", c.prompt_cv, defaulted("lognormal: standard deviation of prompts over their mean").range(0, 20));
  v.field("output_cv", c.output_cv, defaulted("lognormal: standard deviation of answers over their mean").range(0, 20));
  v.field("longest_prompt", c.longest_prompt, defaulted("lognormal: longer prompts are cut to this").range(1, 1 << 24).in("token"));
  v.field("longest_output", c.longest_output, defaulted("lognormal: longer answers are cut to this").range(1, 1 << 24).in("token"));
  v.field("lengths_file", c.lengths_file, defaulted("lengths from a file: the trace, relative to the file that names it"));
  v.field("lengths_format", c.lengths_format, defaulted("lengths from a file: its format, not `made`"));
  v.field("seed", c.seed, defaulted("of everything drawn; equal seeds give equal requests").range(0, 1e15));
  v.field("limit", c.limit, defaulted("requests at most; 0: all of the trace").range(0, 1e7));
  v.field("rate_scale", c.rate_scale, defaulted("requests come this many times as fast as made or written").range(1e-6, 1e6));
  v.field("window_begin_s", c.window_begin_s, defaulted("trace: earlier requests are left out; time 0 is here").range(0, 1e10).in("s"));
  v.field("window_end_s", c.window_end_s, defaulted("trace: requests from here on are left out; 0: none").range(0, 1e10).in("s"));
}

}  // namespace bondsim::serving

namespace bondsim {

template <>
inline constexpr EnumEntry<serving::TraceFormat> enum_names<serving::TraceFormat>[] = {
    {"made", serving::TraceFormat::made},   {"mooncake", serving::TraceFormat::mooncake},
    {"azure", serving::TraceFormat::azure}, {"burstgpt", serving::TraceFormat::burstgpt},
    {"vidur", serving::TraceFormat::vidur}, {"llmservingsim", serving::TraceFormat::llmservingsim}};

template <>
inline constexpr EnumEntry<serving::ArrivalKind> enum_names<serving::ArrivalKind>[] = {{"poisson", serving::ArrivalKind::poisson},
                                                                                       {"gamma", serving::ArrivalKind::gamma},
                                                                                       {"uniform", serving::ArrivalKind::uniform},
                                                                                       {"closed_loop", serving::ArrivalKind::closed_loop}};

template <>
inline constexpr EnumEntry<serving::LengthKind> enum_names<serving::LengthKind>[] = {
    {"fixed", serving::LengthKind::fixed}, {"lognormal", serving::LengthKind::lognormal}, {"file", serving::LengthKind::file}};

}  // namespace bondsim
