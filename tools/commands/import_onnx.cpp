#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "mapping/llm/onnx.hpp"
#include "mapping/llm/size.hpp"
#include "models/base/input_file.hpp"
#include "tools/app/output/output_file.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

struct ImportOptions {
  std::string model;
  std::string out;
  OnnxOptions onnx;
};

int import_onnx(const ImportOptions& options) {
  std::ifstream in = open_input_file(options.model, "an ONNX model");
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const GraphFile graph = read_onnx(bytes, options.model, options.onnx);
  const std::string text = to_text(graph, "From " + options.model + " by bondsim import-onnx.");
  const Model model = decode_model(parse_yaml(text, options.out));  // what is written is what a run would read
  OutputFile out(options.out);
  out.stream() << text;
  out.commit();
  fmt::print("{}: {} operators a layer, {} layers, {:.3f} M parameters; written to {}\n", options.model, graph.layer.size(), graph.layers,
             static_cast<double>(model_size(model).parameters) / 1e6, options.out);
  return 0;
}

}  // namespace

void add_import_onnx(Command& app, Action& action) {
  auto* command = app.add_subcommand("import-onnx", "a bondsim.graph/1 file from the operators of an ONNX model");
  auto options = std::make_shared<ImportOptions>();
  command->add_option("MODEL", options->model, "ONNX file; weights in files beside it are not needed")->required();
  command->add_option("--out", options->out, "graph file to write")->required();
  command->add_option("--layers", options->onnx.layers, "times the file's graph runs, when it is one layer of many")->range(1, 4096);
  command->add_option("--query-heads", options->onnx.query_heads, "attention heads of Q, when the file does not say")->range(1, 4096);
  command->add_option("--kv-heads", options->onnx.kv_heads, "attention heads of K and V, when the file does not say")->range(1, 4096);
  command->add_option("--max-context", options->onnx.max_context, "longest context")->range(1, 1 << 24);
  command->footer(
      "Example:\n  bondsim import-onnx layer.onnx --layers 32 --out layer.yaml\n  bondsim run configs/system/h2llm.yaml --model layer.yaml "
      "...");
  command->callback([options, &action] { action = [options] { return import_onnx(*options); }; });
}

}  // namespace bondsim::tools
