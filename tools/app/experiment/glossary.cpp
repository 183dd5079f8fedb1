#include "tools/app/experiment/glossary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <fstream>

#include "models/base/error.hpp"
#include "models/base/nearest.hpp"
#include "tools/app/experiment/shipped.hpp"

namespace bondsim::tools {
namespace {

/// As words are compared.
std::string plain(std::string word) {
  for (char& c : word) {
    const bool between = c == '_' || c == '-';
    c = between ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

}  // namespace

std::vector<GlossaryEntry> glossary() {
  std::ifstream in(shipped("tools/GLOSSARY.md"));
  std::vector<GlossaryEntry> entries;
  for (std::string line; std::getline(in, line);) {
    const std::size_t end = line.find("**: ");
    if (line.rfind("**", 0) == 0 && end != std::string::npos) entries.push_back({line.substr(2, end - 2), line.substr(end + 4)});
  }
  return entries;
}

GlossaryEntry explain_word(const std::string& word) {
  const std::vector<GlossaryEntry> entries = glossary();
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const GlossaryEntry& entry) { return plain(entry.word) == plain(word); });
  if (found != entries.end()) return *found;
  std::vector<std::string> words;
  words.reserve(entries.size());
  for (const GlossaryEntry& entry : entries) words.push_back(entry.word);
  throw ConfigError(fmt::format("help: '{}' is no word of the glossary and no command{}, allowed: {}", word,
                                did_you_mean(plain(word), words), fmt::join(words, ", ")));
}

}  // namespace bondsim::tools
