#pragma once
#include <sstream>
#include <string>
#include <vector>

/// Tables of text, whatever their columns are aligned by.
namespace bondsim::test {

/// Lines with one space between words.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string joined;
    for (std::string word; words >> word;) joined += (joined.empty() ? "" : " ") + word;
    out.push_back(joined);
  }
  return out;
}

}  // namespace bondsim::test
