#include <fmt/format.h>

#include <memory>

#include "models/base/error.hpp"
#include "tools/app/report/comparison.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {

void add_compare(Command& app, Action& action) {
  auto* command = app.add_subcommand("compare", "figures of runs side by side, as ratios over the first, and the keys they differ in");
  auto directories = std::make_shared<std::vector<std::string>>();
  command->add_option("DIR", *directories, "output directories of run or replay, the one to compare with first")->required();
  command->footer("Example:\n  bondsim compare out/default out/four-fpus");
  command->callback([directories, &action] {
    action = [directories] {
      if (directories->size() < 2) throw ConfigError("compare: one directory named, allowed: two or more");
      fmt::print("{}", report::comparison_text(report::compare_runs(*directories)));
      return 0;
    };
  });
}

}  // namespace bondsim::tools
