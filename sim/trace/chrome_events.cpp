#include "sim/trace/chrome_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace bondsim {
namespace {

/// Viewers keep nanoseconds: an arrow must leave its slice a little before the end to be seen as in it.
constexpr Picoseconds before_end{2000};

void put_us(std::string& text, const char* key, Picoseconds t) {
  fmt::format_to(std::back_inserter(text), "\"{}\":{}.{:06}", key, t.value / 1'000'000, t.value % 1'000'000);
}

void put_track(std::string& text, Track track) {
  fmt::format_to(std::back_inserter(text), "\"pid\":{},\"tid\":{},", track.process, track.thread);
}

}  // namespace

std::string json_string(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ChromeEvents::ChromeEvents(const std::string& path, bool gzip, const std::string& about) : file_(path, gzip) {
  file_.text() = "{\"displayTimeUnit\":\"ns\",\"otherData\":" + about + ",\"traceEvents\":[\n{\"ph\":\"M\",\"name\":\"trace\",\"pid\":0}";
}

std::string& ChromeEvents::begin() {
  file_.text() += ",\n{";
  return file_.text();
}

void ChromeEvents::end() {
  file_.text() += '}';
  file_.flush_if_full();
}

void ChromeEvents::name_process(int process, const std::string& name) {
  fmt::format_to(std::back_inserter(begin()), "\"ph\":\"M\",\"name\":\"process_name\",\"pid\":{},\"args\":{{\"name\":{}}}", process,
                 json_string(name));
  end();
  fmt::format_to(std::back_inserter(begin()), "\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":{0},\"args\":{{\"sort_index\":{0}}}",
                 process);
  end();
}

void ChromeEvents::name_thread(Track track, const std::string& name) {
  fmt::format_to(std::back_inserter(begin()), "\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":{},\"tid\":{},\"args\":{{\"name\":{}}}",
                 track.process, track.thread, json_string(name));
  end();
  fmt::format_to(std::back_inserter(begin()),
                 "\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":{},\"tid\":{},\"args\":{{\"sort_index\":{}}}", track.process,
                 track.thread, track.thread);
  end();
}

void ChromeEvents::slice(Track track, Picoseconds start, Picoseconds stop, const std::string& name, const char* category,
                         const std::string& arguments) {
  std::string& text = begin();
  text += "\"ph\":\"X\",";
  put_track(text, track);
  put_us(text, "ts", start);
  text += ',';
  put_us(text, "dur", stop - start);
  fmt::format_to(std::back_inserter(text), ",\"name\":{},\"cat\":\"{}\"", json_string(name), category);
  if (!arguments.empty()) fmt::format_to(std::back_inserter(text), ",\"args\":{{{}}}", arguments);
  end();
}

void ChromeEvents::instant(Track track, Picoseconds at, const std::string& name, const std::string& arguments) {
  std::string& text = begin();
  text += "\"ph\":\"i\",\"s\":\"t\",";
  put_track(text, track);
  put_us(text, "ts", at);
  fmt::format_to(std::back_inserter(text), ",\"name\":{},\"args\":{{{}}}", json_string(name), arguments);
  end();
}

void ChromeEvents::arrow(std::int64_t id, Track from, Picoseconds from_start, Picoseconds from_end, Track to, Picoseconds to_start) {
  std::string& text = begin();
  fmt::format_to(std::back_inserter(text), "\"ph\":\"s\",\"id\":{},\"name\":\"d\",\"cat\":\"d\",", id);
  put_track(text, from);
  put_us(text, "ts", std::max(from_start, from_end - before_end));
  end();
  begin();
  fmt::format_to(std::back_inserter(text), "\"ph\":\"f\",\"bp\":\"e\",\"id\":{},\"name\":\"d\",\"cat\":\"d\",", id);
  put_track(text, to);
  put_us(text, "ts", to_start);
  end();
}

void ChromeEvents::counter(int process, Picoseconds at, const char* name, std::initializer_list<std::pair<const char*, double>> values) {
  counter(process, at, name, std::vector<std::pair<std::string, double>>(values.begin(), values.end()));
}

void ChromeEvents::counter(int process, Picoseconds at, const std::string& name,
                           const std::vector<std::pair<std::string, double>>& values) {
  std::string& text = begin();
  fmt::format_to(std::back_inserter(text), "\"ph\":\"C\",\"pid\":{},\"name\":\"{}\",", process, name);
  put_us(text, "ts", at);
  text += ",\"args\":{";
  const char* separator = "";
  for (const auto& [key, value] : values) {
    fmt::format_to(std::back_inserter(text), "{}\"{}\":{:.9g}", separator, key, value);
    separator = ",";
  }
  text += '}';
  end();
}

void ChromeEvents::finish() {
  file_.text() += "\n]}\n";
  file_.finish();
}

}  // namespace bondsim
