#include "models/base/input_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "models/base/config_node.hpp"
#include "models/base/csv_table.hpp"
#include "models/results/results_read.hpp"
#include "models/schedule/schedule_json.hpp"
#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim {
namespace {

using test::error_of;
using test::ScratchDirectory;

std::string yaml_error(const std::string& path) {
  return error_of([&] { load_yaml_file(path); });
}

TEST(InputFile, only_regular_files_are_read) {
  const ScratchDirectory scratch;
  std::filesystem::create_directory(scratch.file("directory"));
  ASSERT_EQ(::mkfifo(scratch.file("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink(scratch.file("loop"), scratch.file("loop"));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {scratch.file("directory"), "is a directory, a YAML file is expected"},
      {scratch.file("fifo"), "is a FIFO, a YAML file is expected"},
      {"/dev/zero", "is a device, a YAML file is expected"},
      {scratch.file("loop"), "no such file, or it cannot be read; a YAML file is expected (Too many levels of symbolic links)"},
      {scratch.file("none"), "no such file, or it cannot be read; a YAML file is expected (No such file or directory)"},
      {"/" + std::string(300, 'x'), "no such file, or it cannot be read; a YAML file is expected (File name too long)"}};
  for (const auto& [path, problem] : cases) EXPECT_EQ(yaml_error(path), path + ": " + problem);
  EXPECT_EQ(input_problem(std::string("a\0b", 3), "a file"), "a file name has no NUL byte");
  // Every reader asks the same.
  EXPECT_NE(error_of([&] { CsvTable::load(scratch.file("fifo")); }).find("is a FIFO, a CSV file"), std::string::npos);
  EXPECT_NE(error_of([&] { open_schedule(scratch.file("fifo")); }).find("is a FIFO, a schedule"), std::string::npos);
  EXPECT_NE(error_of([&] { read_results(scratch.file("fifo")); }).find("is a FIFO, a JSON file"), std::string::npos);
}

TEST(InputFile, length_is_limited_in_words) {
  const ScratchDirectory scratch;
  const std::string longest = scratch.write("longest", "#" + std::string(max_yaml_bytes - 1, 'x'));
  EXPECT_EQ(yaml_error(longest), "no error");
  const std::string longer = scratch.write("longer", "#" + std::string(max_yaml_bytes, 'x'));
  EXPECT_EQ(yaml_error(longer), longer + ": is longer than 4 MiB, the most that a YAML file may have");
}

TEST(InputFile, bytes_that_are_no_utf8_are_named_with_their_line) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"a\n# caf\xE9\n", "0xE9"},  {"a\n\xC0\x80", "0xC0"},         {"a\n\xE0\x9F\xBF", "0xE0"},
      {"a\n\xED\xA0\x80", "0xED"}, {"a\n\xF4\x90\x80\x80", "0xF4"}, {"a\n\xF0\x8F\xBF\xBF", "0xF0"},
      {"a\n\x80", "0x80"},         {"a\n\xE2\x82", "0xE2"},         {std::string("a\nb\0", 4), "0x00"},
      {"a\nb\x04", "0x04"},        {"a\n\xFF\xFE", "0xFF"}};
  for (const auto& [text, byte] : bad) {
    EXPECT_EQ(error_of([&, &text = text] { require_text(text, "f"); }),
              "f:2: byte " + byte + " is no UTF-8 text, allowed: UTF-8 without control characters");
  }
  EXPECT_NO_THROW(require_text("\t\r\n\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xF0\x90\x80\x80 \xF4\x8F\xBF\xBF", "f"));
  const ScratchDirectory scratch;
  const std::string latin = scratch.write("latin.yaml", "a: 1\nb: 2  # caf\xE9\n");
  EXPECT_EQ(yaml_error(latin), latin + ":2: byte 0xE9 is no UTF-8 text, allowed: UTF-8 without control characters");
}

TEST(InputFile, marks_and_line_ends_of_other_systems_are_accepted) {
  const ScratchDirectory scratch;
  const std::string path = scratch.write("dos.yaml",
                                         "\xEF\xBB\xBF"
                                         "a: 1\r\nb:\r\n  - |\r\n    x\r\n    y\r\n");
  EXPECT_EQ(read_input_file(path, "a YAML file", max_yaml_bytes), "a: 1\nb:\n  - |\n    x\n    y\n");
  const ConfigNode node = load_yaml_file(path);
  ASSERT_NE(node.find("a"), nullptr);
  EXPECT_EQ(node.find("a")->text, "1");
  EXPECT_EQ(node.find("b")->line, 2);
  EXPECT_EQ(node.find("b")->items.at(0).text, "x\ny\n");
  const CsvTable table = CsvTable::load(scratch.write("dos.csv",
                                                      "\xEF\xBB\xBF"
                                                      "a,b\r\n1,2\r\n"));
  EXPECT_EQ(table.number(0, "a", 0, 9), 1);
}

}  // namespace
}  // namespace bondsim
