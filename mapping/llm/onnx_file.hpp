#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bondsim {

/// An operator of an ONNX graph: names of tensors in and out, and its attributes that are whole numbers.
struct OnnxNode {
  std::string type;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, std::int64_t> ints;
};

/// Dimensions of a tensor; 0: not known.
using OnnxShape = std::vector<std::int64_t>;

/// What an ONNX file says of its graph: operators in its order, which is topological, and shapes. Protobuf's wire format alone is read;
/// the elements of constants are not.
class OnnxFile {
 public:
  /// @throws ConfigError with `name` when the bytes are no ONNX model
  OnnxFile(const std::string& bytes, const std::string& name);

  /// Dimensions of a constant; null when the tensor is none.
  const OnnxShape* weights(const std::string& tensor) const;
  /// 0 when it is not known.
  std::int64_t dimension(const std::string& tensor, std::size_t axis) const;

  const std::vector<OnnxNode>& nodes() const { return nodes_; }

 private:
  OnnxNode node(std::string_view bytes) const;
  void read_tensor(std::string_view bytes);
  void read_shape(std::string_view bytes);

  std::string name_;
  std::vector<OnnxNode> nodes_;
  std::map<std::string, OnnxShape> constants_, shapes_;
};

}  // namespace bondsim
