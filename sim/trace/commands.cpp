#include "sim/trace/commands.hpp"

#include <fmt/format.h>

#include <charconv>

#include "models/base/error.hpp"
#include "sim/trace/text_lines.hpp"

namespace bondsim {
namespace {

void append_number(std::string& text, std::int32_t value, bool empty_if_none) {
  if (value < 0 && empty_if_none) return;
  fmt::format_to(std::back_inserter(text), "{}", value);
}

}  // namespace

CommandTraceWriter::CommandTraceWriter(std::string directory, std::vector<std::string> channels, bool gzip, const TraceWindow& window)
    : directory_(std::move(directory)), channels_(std::move(channels)), gzip_(gzip), window_(window) {}

void CommandTraceWriter::command(int channel, const CommandRecord& record) {
  if (!window_.holds(record.time)) return;
  const auto [at, opened] = files_.try_emplace(
      channel, fmt::format("{}/{}.commands.csv", directory_, executor_name(ExecutorId::of_channel(channel), channels_)), gzip_);
  std::string& text = at->second.text();
  if (opened) {
    text = fmt::format("{}\n", command_trace_schema);
    if (window_.from.value > 0) text += fmt::format("# from_ps {}\n", window_.from.value);
    text += fmt::format("{}\n", command_trace_header);
  }
  ++commands_;
  fmt::format_to(std::back_inserter(text), "{},{},{},", record.time.value, command_name(record.command), record.bank);
  append_number(text, record.row, true);
  text += ',';
  append_number(text, record.column, true);
  text += ',';
  append_number(text, record.requester, false);
  text += '\n';
  at->second.flush_if_full();
}

void CommandTraceWriter::finish() {
  for (auto& [channel, file] : files_) file.finish();
  files_.clear();
}

// ---- Reading --------------------------------------------------------------------------------------------------------------

namespace {

DramCommand command_of(std::string_view name, const TextLines& lines) {
  for (int c = 0; c < dram_commands; ++c) {
    const auto command = static_cast<DramCommand>(c);
    if (name == command_name(command)) return command;
  }
  lines.fail(fmt::format(
      "command '{}' is not known, allowed: ACT1, ACT2, RD, WR, PRE, PREA, REFab, REFpb, NRD, NWR, MODE_NMP, MODE_NORMAL, CAS_RD, "
      "CAS_WR, RFMab, RFMpb, RDB, WRB",
      name));
}

template <class T>
T number_of(std::string_view text, const char* what, bool may_be_empty, const TextLines& lines) {
  T value = -1;
  if (text.empty() && may_be_empty) return value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) lines.fail(fmt::format("{} '{}' is not a whole number", what, text));
  return value;
}

CommandRecord record_of(std::string_view line, const TextLines& lines) {
  std::string_view cells[6];
  std::size_t count = 0;
  for (std::size_t begin = 0; begin <= line.size(); ++count) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    if (count < 6) cells[count] = line.substr(begin, end - begin);
    begin = end + 1;
  }
  if (count != 6) lines.fail(fmt::format("{} cells found, 6 are expected: {}", count, command_trace_header));
  CommandRecord record;
  record.time = Picoseconds(number_of<std::int64_t>(cells[0], "time_ps", false, lines));
  record.command = command_of(cells[1], lines);
  record.bank = number_of<std::int32_t>(cells[2], "bank", false, lines);
  record.row = number_of<std::int32_t>(cells[3], "row", true, lines);
  record.column = number_of<std::int32_t>(cells[4], "column", true, lines);
  record.requester = number_of<std::int32_t>(cells[5], "requester", true, lines);
  if (record.time.value < 0) lines.fail("time_ps is negative");
  return record;
}

}  // namespace

CommandTraceHead read_command_trace(const std::string& path, const std::function<void(const CommandRecord&)>& take,
                                    const std::function<void(const CommandTraceHead&)>& begin) {
  TextLines lines(path);
  CommandTraceHead head;
  std::string_view line;
  if (!lines.next(line) || line != command_trace_schema) lines.fail(fmt::format("the first line is not '{}'", command_trace_schema));
  bool titled = false;
  while (lines.next(line)) {
    constexpr std::string_view from = "# from_ps ";
    if (line.substr(0, from.size()) == from) {
      head.from = Picoseconds(number_of<std::int64_t>(line.substr(from.size()), "from_ps", false, lines));
      head.whole = false;
    } else if (line.empty() || line[0] == '#') {
      continue;
    } else if (!titled) {
      if (line != command_trace_header) lines.fail(fmt::format("the header is not '{}'", command_trace_header));
      titled = true;
      if (begin) begin(head);
    } else {
      take(record_of(line, lines));
    }
  }
  if (!titled) lines.fail(fmt::format("the header '{}' is missing", command_trace_header));
  return head;
}

}  // namespace bondsim
