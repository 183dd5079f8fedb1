#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "tools/app/experiment/glossary.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {

void add_help(Command& app, Action& action) {
  auto* command = app.add_subcommand("help", "what a word of the summaries and reports means; or the help of a command");
  auto words = std::make_shared<std::vector<std::string>>();
  command->add_option("WORD", *words, "a word, e.g. dependency or hb_io; or the name of a command")->required();
  command->footer("Example:\n  bondsim help host_transfer\n  bondsim help run");
  command->callback([words, &action] {
    action = [words] {
      const GlossaryEntry entry = explain_word(fmt::format("{}", fmt::join(*words, " ")));
      fmt::print("{}: {}\n", entry.word, entry.meaning);
      return 0;
    };
  });
}

}  // namespace bondsim::tools
