#include "tools/commands/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>

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

/// CLI11 only says that a command is missing; users should hear which ones there are. Empty when the command is known.
std::string CommandLine::unknown_command(int argc, char** argv) const {
  if (argc < 2 || argv[1][0] == '-') return "";
  std::string known;
  for (const CLI::App* command : root_->get_subcommands([](CLI::App*) { return true; })) {
    if (command->get_name() == argv[1]) return "";
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  return fmt::format("unknown command '{}', allowed: {}", argv[1], known);
}

std::optional<int> CommandLine::parse(int argc, char** argv) {
  if (const std::string wrong = unknown_command(argc, argv); !wrong.empty()) {
    fmt::print(stderr, "{}: {}\n", root_->get_name(), wrong);
    return 2;
  }
  try {
    root_->parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return root_->exit(e) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

}  // namespace bondsim::tools
