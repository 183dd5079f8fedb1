#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bondsim::tools {

/// One option or positional argument of a command. Its methods return it, to be chained.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option* required(bool value = true);
  Option* range(int least, int most);        ///< both included
  Option* range(double least, double most);  ///< both included
  Option* one_of(const std::vector<std::string>& values);
  Option* needs(Option* other);
  Option* needs(const std::string& other);
  Option* excludes(Option* other);
  Option* delimiter(char between);         ///< several values in one argument
  Option* allow_extra_args(bool allowed);  ///< false: one value each time it is given
  Option* capture_default_str();           ///< the help shows the value that the target has now
  /// An old spelling: the help leaves it out; where it is given, standard error says what it is called now.
  Option* now_called(const std::string& name);

 private:
  CLI::Option* option_;
};

/// A command with its options; CLI11 parses behind it, in command.cpp only: its headers take seconds to compile.
/// Targets of options must outlive parsing. A name is `-s,--long`, `--long`, or a word for a positional argument.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Command* add_subcommand(const std::string& name, const std::string& about);
  Option* add_option(const std::string& name, std::string& target, const std::string& about);
  Option* add_option(const std::string& name, int& target, const std::string& about);
  Option* add_option(const std::string& name, std::int64_t& target, const std::string& about);
  Option* add_option(const std::string& name, std::uint64_t& target, const std::string& about);
  Option* add_option(const std::string& name, unsigned& target, const std::string& about);
  Option* add_option(const std::string& name, double& target, const std::string& about);
  Option* add_option(const std::string& name, std::vector<std::string>& target, const std::string& about);
  Option* add_option(const std::string& name, std::vector<int>& target, const std::string& about);
  Option* add_option(const std::string& name, std::vector<std::int64_t>& target, const std::string& about);
  Option* add_flag(const std::string& name, bool& target, const std::string& about);
  Option* add_flag_callback(const std::string& name, std::function<void()> given, const std::string& about);
  /// An option added before. @throws when there is none of that name
  Option* get_option(const std::string& name);

  void require_subcommand(int count);
  void footer(const std::string& text);             ///< below the help
  void callback(std::function<void()> when_named);  ///< after parsing, when the command line names this command

 protected:
  Option* keep(CLI::Option* option);

  CLI::App* app_;

 private:
  template <class T>
  Option* add(const std::string& name, T& target, const std::string& about);

  std::vector<std::unique_ptr<Option>> options_;
  std::vector<std::unique_ptr<Command>> subcommands_;
};

/// The whole command line: exactly one subcommand, --help, --help-all and --version. `help`, `help COMMAND` and `version` are the same as
/// words. Every command has -q, --quiet.
class CommandLine : public Command {
 public:
  CommandLine(const std::string& name, const std::string& about, const std::string& version);
  ~CommandLine();

  /// Sets targets and calls callbacks. With --quiet, standard output goes nowhere from here on and no progress is shown.
  /// @return an exit status where the program ends now: 0 after help, 2 for a line that is wrong
  std::optional<int> parse(int argc, char** argv);

 private:
  void add_quiet();
  /// The command of the tree that a word names; null when none does.
  const CLI::App* command_called(const std::string& word) const;
  /// Commands that the line names, from the outermost to the innermost, and their names: `bondsim trace slice`.
  std::pair<std::vector<const CLI::App*>, std::string> named_commands() const;
  /// What is wrong with the line in words that help more than CLI11's; empty when they are as good.
  std::string unknown_command(const std::vector<std::string>& words) const;
  std::string unknown_option(const std::vector<std::string>& words) const;

  bool quiet_ = false;

  std::unique_ptr<CLI::App> root_;
};

}  // namespace bondsim::tools
