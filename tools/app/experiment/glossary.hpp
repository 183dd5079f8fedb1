#pragma once
#include <string>
#include <vector>

namespace bondsim::tools {

/// A word of the summaries and reports.
struct GlossaryEntry {
  std::string word;
  std::string meaning;
};

/// All entries of tools/GLOSSARY.md, in its order: its paragraphs of the form `**word**: meaning`. @throws ConfigError when it is missing.
std::vector<GlossaryEntry> glossary();

/// The entry of a word; case, and `_`, `-` and spaces, do not matter. @throws ConfigError naming the nearest word, or all
GlossaryEntry explain_word(const std::string& word);

}  // namespace bondsim::tools
