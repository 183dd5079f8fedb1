#include "tools/app/report/page.hpp"

#include "models/base/digest.hpp"
#include "models/base/error.hpp"
#include "tools/app/report/assets.hpp"

namespace bondsim::tools::report {
namespace {

/// Escapes text so that it cannot end the <script> around it.
std::string inside_script(std::string text) {
  for (std::size_t at = 0; (at = text.find("</", at)) != std::string::npos; at += 3) text.replace(at, 2, "<\\/");
  for (std::size_t at = 0; (at = text.find("<!--", at)) != std::string::npos; at += 5) text.replace(at, 4, "<\\!--");
  return text;
}

/// In JSON, unlike in a program, only \u escapes are allowed outside the known ones.
std::string inside_data(std::string text) {
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos; at += 6) text.replace(at, 1, "\\u003c");
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : std::string(1, c);
  return out;
}

/// Title of the browser's tab.
std::string title(const Json& inputs) {
  for (const auto& [kind, items] : inputs.items()) {
    if (items.empty()) continue;
    const std::string first = items[0]["label"].get<std::string>();
    return items.size() > 1 ? fmt::format("{} and {} more", first, items.size() - 1) : first;
  }
  return "nothing";
}

void put(std::string& out, const std::string& mark, const std::string& text) {
  const std::size_t at = out.find(mark);
  check(at != std::string::npos, "the report's template has no {}", mark);
  out.replace(at, mark.size(), text);
}

/// What scripts of the page carry, and no other script: a name in the data would have to hold the digest of all data.
std::string nonce(const std::string& data) { return digest(data + "of the page"); }

}  // namespace

std::string page(const Json& inputs, const std::string& version) {
  Json data = inputs;
  data["version"] = version;
  const std::string text = data.dump();
  std::string out(page_template());
  for (int i = 0; i < 3; ++i) put(out, "{{nonce}}", nonce(text));
  // From the end to the beginning: what was put in is not searched for the next mark.
  put(out, "{{script}}", inside_script(std::string(script())));
  put(out, "{{charts}}", inside_script(std::string(chart_library())));
  put(out, "{{data}}", inside_data(text));
  put(out, "{{style}}", std::string(style()));
  put(out, "{{title}}", escaped(title(inputs)));
  return out;
}

}  // namespace bondsim::tools::report
