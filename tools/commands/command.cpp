#include "tools/commands/command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <utility>

#include "models/base/nearest.hpp"
#include "tools/app/experiment/progress.hpp"

namespace bondsim::tools {

// ---- Options --------------------------------------------------------------------------------------------------------------

Option* Option::required(bool value) {
  option_->required(value);
  return this;
}

Option* Option::range(int least, int most) {
  option_->check(CLI::Range(least, most));
  return this;
}

Option* Option::range(double least, double most) {
  option_->check(CLI::Range(least, most));
  return this;
}

Option* Option::one_of(const std::vector<std::string>& values) {
  option_->check(CLI::IsMember(values));
  return this;
}

Option* Option::needs(Option* other) {
  option_->needs(other->option_);
  return this;
}

Option* Option::needs(const std::string& other) {
  option_->needs(other);
  return this;
}

Option* Option::excludes(Option* other) {
  option_->excludes(other->option_);
  return this;
}

Option* Option::now_called(const std::string& name) {
  const std::string old = option_->get_name();
  option_->group("");
  option_->each([old, name](const std::string&) { fmt::print(stderr, "note: {} is now {}\n", old, name); });
  return this;
}

Option* Option::delimiter(char between) {
  option_->delimiter(between);
  return this;
}

Option* Option::allow_extra_args(bool allowed) {
  option_->allow_extra_args(allowed);
  return this;
}

Option* Option::capture_default_str() {
  option_->capture_default_str();
  return this;
}

// ---- Commands -------------------------------------------------------------------------------------------------------------

Option* Command::keep(CLI::Option* option) {
  options_.push_back(std::make_unique<Option>(option));
  return options_.back().get();
}

template <class T>
Option* Command::add(const std::string& name, T& target, const std::string& about) {
  return keep(app_->add_option(name, target, about));
}

Option* Command::add_option(const std::string& name, std::string& target, const std::string& about) { return add(name, target, about); }
Option* Command::add_option(const std::string& name, int& target, const std::string& about) { return add(name, target, about); }
Option* Command::add_option(const std::string& name, std::int64_t& target, const std::string& about) { return add(name, target, about); }
Option* Command::add_option(const std::string& name, std::uint64_t& target, const std::string& about) { return add(name, target, about); }
Option* Command::add_option(const std::string& name, unsigned& target, const std::string& about) { return add(name, target, about); }
Option* Command::add_option(const std::string& name, double& target, const std::string& about) { return add(name, target, about); }
Option* Command::add_option(const std::string& name, std::vector<std::string>& target, const std::string& about) {
  return add(name, target, about);
}
Option* Command::add_option(const std::string& name, std::vector<int>& target, const std::string& about) {
  return add(name, target, about);
}
Option* Command::add_option(const std::string& name, std::vector<std::int64_t>& target, const std::string& about) {
  return add(name, target, about);
}

Option* Command::add_flag(const std::string& name, bool& target, const std::string& about) {
  return keep(app_->add_flag(name, target, about));
}

Option* Command::add_flag_callback(const std::string& name, std::function<void()> given, const std::string& about) {
  return keep(app_->add_flag_callback(name, std::move(given), about));
}

Option* Command::get_option(const std::string& name) { return keep(app_->get_option(name)); }

Command* Command::add_subcommand(const std::string& name, const std::string& about) {
  subcommands_.push_back(std::make_unique<Command>(app_->add_subcommand(name, about)));
  return subcommands_.back().get();
}

void Command::require_subcommand(int count) { app_->require_subcommand(count); }
void Command::footer(const std::string& text) { app_->footer(text); }
void Command::callback(std::function<void()> when_named) { app_->callback(std::move(when_named)); }

// ---- The command line -----------------------------------------------------------------------------------------------------

CommandLine::CommandLine(const std::string& name, const std::string& about, const std::string& version)
    : Command(nullptr), root_(std::make_unique<CLI::App>(about, name)) {
  app_ = root_.get();
  app_->set_version_flag("--version", name + " " + version);
  app_->require_subcommand(1);
  app_->set_help_all_flag("--help-all", "help of every command");
}

CommandLine::~CommandLine() = default;

const CLI::App* CommandLine::command_called(const std::string& word) const {
  const auto all = root_->get_subcommands([](const CLI::App*) { return true; });
  const auto named = std::find_if(all.begin(), all.end(), [&](const CLI::App* command) { return command->get_name() == word; });
  return named == all.end() ? nullptr : *named;
}

/// CLI11 only says that a command is missing; users should hear which ones there are.
std::string CommandLine::unknown_command(const std::vector<std::string>& words) const {
  if (words.empty() || words[0].empty() || words[0][0] == '-' || command_called(words[0]) != nullptr) return "";
  std::vector<std::string> known;
  for (const CLI::App* command : root_->get_subcommands([](const CLI::App*) { return true; })) known.push_back(command->get_name());
  return fmt::format("unknown command '{}'{}, allowed: {}", words[0], did_you_mean(words[0], known), fmt::join(known, ", "));
}

std::pair<std::vector<const CLI::App*>, std::string> CommandLine::named_commands() const {
  std::vector<const CLI::App*> commands;
  std::string path = root_->get_name();
  for (const CLI::App* command = root_.get(); !command->get_subcommands().empty();) {
    command = command->get_subcommands().front();
    commands.push_back(command);
    path += " " + command->get_name();
  }
  return {commands, path};
}

std::string CommandLine::unknown_option(const std::vector<std::string>& words) const {
  std::vector<std::string> known;
  const auto [commands, path] = named_commands();
  for (const CLI::App* command : commands) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
      for (const std::string& name : option->get_snames()) known.push_back("-" + name);
    }
  }
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (name.size() < 2 || name[0] != '-' || (name[1] >= '0' && name[1] <= '9')) continue;
    const bool taken = std::find(known.begin(), known.end(), name) != known.end();
    const bool joined = name[1] != '-' && std::find(known.begin(), known.end(), name.substr(0, 2)) != known.end();
    if (!taken && !joined)
      return fmt::format("{}: unknown option '{}'{}; {} --help lists them", path, name, did_you_mean(name, known), path);
  }
  return "";
}

/// Commands within commands included.
void CommandLine::add_quiet() {
  std::vector<CLI::App*> open = root_->get_subcommands([](const CLI::App*) { return true; });
  while (!open.empty()) {
    CLI::App* command = open.back();
    open.pop_back();
    const auto inner = command->get_subcommands([](const CLI::App*) { return true; });
    open.insert(open.end(), inner.begin(), inner.end());
    if (inner.empty() && command->get_option_no_throw("--quiet") == nullptr)
      command->add_flag("-q,--quiet", quiet_, "print nothing; errors and the exit status remain");
  }
}

std::optional<int> CommandLine::parse(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "version") words[0] = "--version";
  if (words.size() == 1 && words[0] == "help") words[0] = "--help";
  if (words.size() == 2 && words[0] == "help" && command_called(words[1]) != nullptr) words = {words[1], "--help"};
  if (const std::string wrong = unknown_command(words); !wrong.empty()) {
    fmt::print(stderr, "{}: {}\n", root_->get_name(), wrong);
    return 2;
  }
  add_quiet();
  try {
    root_->parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them from the back
  } catch (const CLI::ParseError& e) {
    const bool unclear = dynamic_cast<const CLI::ExtrasError*>(&e) != nullptr || dynamic_cast<const CLI::RequiredError*>(&e) != nullptr;
    const std::string wrong = unclear ? unknown_option(words) : "";
    if (wrong.empty() && e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return root_->exit(e);
    const std::string path = named_commands().second;
    fmt::print(stderr, "{}\n", wrong.empty() ? fmt::format("{}: {}; {} --help says what is allowed", path, e.what(), path) : wrong);
    return 2;
  }
  if (quiet_) {
    hide_progress();
    if (std::freopen("/dev/null", "w", stdout) == nullptr) {
      fmt::print(stderr, "{}: --quiet: /dev/null cannot be opened\n", root_->get_name());
      return 1;
    }
  }
  return std::nullopt;
}

}  // namespace bondsim::tools
