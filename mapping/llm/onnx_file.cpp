#include "mapping/llm/onnx_file.hpp"

#include <google/protobuf/io/coded_stream.h>

#include <limits>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

/// A field of a protobuf message: a number, or bytes that may be a message, a text or a packed list.
struct Field {
  std::uint32_t number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};

/// Fields of a message in their order. @throws ConfigError when the bytes are no message
std::vector<Field> fields_of(std::string_view message, const std::string& file) {
  using google::protobuf::io::CodedInputStream;
  const auto fail = [&] { throw ConfigError(file + ": is no ONNX model, allowed: a ModelProto as onnx.save() writes it"); };
  if (message.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw ConfigError(file + ": longer than 2 GB, allowed: weights in a file beside it");
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(message.data()), static_cast<int>(message.size()));
  std::vector<Field> out;
  while (const std::uint32_t tag = in.ReadTag()) {
    Field f;
    f.number = tag >> 3;
    std::uint32_t small = 0;
    int length = 0;
    switch (tag & 7) {
      case 0:
        if (!in.ReadVarint64(&f.value)) fail();
        break;
      case 1:
        if (!in.ReadLittleEndian64(&f.value)) fail();
        break;
      case 2: {
        if (!in.ReadVarintSizeAsInt(&length)) fail();
        const int at = in.CurrentPosition();
        if (length < 0 || !in.Skip(length)) fail();
        f.bytes = message.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(length));
        break;
      }
      case 5:
        if (!in.ReadLittleEndian32(&small)) fail();
        f.value = small;
        break;
      default:
        fail();
    }
    out.push_back(f);
  }
  if (!in.ConsumedEntireMessage()) fail();
  return out;
}

// Field numbers of onnx.proto (ONNX 1.12, IR version 8).
constexpr std::uint32_t model_graph = 7, graph_node = 1, graph_initializer = 5, graph_value_info = 13, graph_input = 11, graph_output = 12;
constexpr std::uint32_t node_input = 1, node_output = 2, node_type = 4, node_attribute = 5;
constexpr std::uint32_t attribute_name = 1, attribute_int = 3, tensor_dims = 1, tensor_name = 8, value_name = 1, value_type = 2;

}  // namespace

OnnxFile::OnnxFile(const std::string& bytes, const std::string& name) : name_(name) {
  std::string_view graph;
  for (const Field& f : fields_of(bytes, name)) {
    if (f.number == model_graph) graph = f.bytes;
  }
  if (graph.empty()) throw ConfigError(name + ": has no graph, allowed: an ONNX model");
  for (const Field& f : fields_of(graph, name)) {
    if (f.number == graph_node) nodes_.push_back(node(f.bytes));
    if (f.number == graph_initializer) read_tensor(f.bytes);
    if (f.number == graph_value_info || f.number == graph_input || f.number == graph_output) read_shape(f.bytes);
  }
  if (nodes_.empty()) throw ConfigError(name + ": has no operators, allowed: an ONNX model");
}

const OnnxShape* OnnxFile::weights(const std::string& tensor) const {
  const auto at = constants_.find(tensor);
  return at == constants_.end() ? nullptr : &at->second;
}

std::int64_t OnnxFile::dimension(const std::string& tensor, std::size_t axis) const {
  const auto at = shapes_.find(tensor);
  return at == shapes_.end() || axis >= at->second.size() ? 0 : at->second[axis];
}

OnnxNode OnnxFile::node(std::string_view bytes) const {
  OnnxNode n;
  for (const Field& f : fields_of(bytes, name_)) {
    if (f.number == node_input) n.inputs.emplace_back(f.bytes);
    if (f.number == node_output) n.outputs.emplace_back(f.bytes);
    if (f.number == node_type) n.type = std::string(f.bytes);
    if (f.number != node_attribute) continue;
    std::string key;
    std::int64_t value = 0;
    bool is_int = false;
    for (const Field& a : fields_of(f.bytes, name_)) {
      if (a.number == attribute_name) key = std::string(a.bytes);
      if (a.number == attribute_int) value = static_cast<std::int64_t>(a.value), is_int = true;
    }
    if (is_int) n.ints[key] = value;
  }
  return n;
}

void OnnxFile::read_tensor(std::string_view bytes) {
  OnnxShape dims;
  std::string key;
  for (const Field& f : fields_of(bytes, name_)) {
    if (f.number == tensor_name) key = std::string(f.bytes);
    if (f.number != tensor_dims) continue;
    if (f.bytes.data() == nullptr) dims.push_back(static_cast<std::int64_t>(f.value));
    google::protobuf::io::CodedInputStream packed(reinterpret_cast<const std::uint8_t*>(f.bytes.data()), static_cast<int>(f.bytes.size()));
    for (std::uint64_t d = 0; f.bytes.data() != nullptr && packed.ReadVarint64(&d);) dims.push_back(static_cast<std::int64_t>(d));
  }
  constants_[key] = dims;
}

/// ValueInfoProto.type.tensor_type.shape.dim[].dim_value
void OnnxFile::read_shape(std::string_view bytes) {
  std::string key;
  std::string_view at;
  for (const Field& f : fields_of(bytes, name_)) {
    if (f.number == value_name) key = std::string(f.bytes);
    if (f.number == value_type) at = f.bytes;
  }
  for (const std::uint32_t step : {1u, 2u}) {  // tensor_type, shape
    std::string_view inner;
    for (const Field& f : fields_of(at, name_)) {
      if (f.number == step && f.bytes.data() != nullptr) inner = f.bytes;
    }
    at = inner;
  }
  OnnxShape dims;
  for (const Field& dim : fields_of(at, name_)) {
    std::int64_t value = 0;
    for (const Field& f : fields_of(dim.bytes, name_)) {
      if (f.number == 1) value = static_cast<std::int64_t>(f.value);
    }
    dims.push_back(value);
  }
  shapes_[key] = dims;
}

}  // namespace bondsim
