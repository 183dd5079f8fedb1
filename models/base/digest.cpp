#include "models/base/digest.hpp"

#include <boost/uuid/detail/sha1.hpp>
#include <vector>

#include "models/base/input_file.hpp"

namespace bondsim {
namespace {

std::string name_of(boost::uuids::detail::sha1& sha) {
  unsigned int words[5];
  sha.get_digest(words);
  return fmt::format("{:08x}{:08x}", words[0], words[1]).substr(0, 12);
}

}  // namespace

std::string canonical_text(const ConfigNode& node, const std::string& path) {
  std::string out;
  switch (node.kind) {
    case ConfigNode::Kind::null:
      return path + " = null\n";
    case ConfigNode::Kind::scalar:
      return path + " = " + node.text + "\n";
    case ConfigNode::Kind::sequence:
      for (std::size_t i = 0; i < node.items.size(); ++i) out += canonical_text(node.items[i], fmt::format("{}[{}]", path, i));
      return out;
    case ConfigNode::Kind::map:
      for (const auto& entry : node.entries) out += canonical_text(entry.second, path.empty() ? entry.first : path + "." + entry.first);
      return out;
  }
  return out;
}

std::string digest(const std::string& text) {
  boost::uuids::detail::sha1 sha;
  sha.process_bytes(text.data(), text.size());
  return name_of(sha);
}

std::string file_digest(const std::string& path) {
  std::ifstream in = open_input_file(path, "a table");
  boost::uuids::detail::sha1 sha;
  std::vector<char> part(1 << 16);
  while (in.read(part.data(), static_cast<std::streamsize>(part.size())) || in.gcount() > 0) {
    sha.process_bytes(part.data(), static_cast<std::size_t>(in.gcount()));
  }
  return name_of(sha);
}

}  // namespace bondsim
