#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <utility>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"
#include "tools/app/processes/pool.hpp"
#include "tools/commands/commands.hpp"

namespace {

/// Standard error may be closed, which must not hide the exit status.
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(fmt::format(format, std::forward<Args>(args)...).c_str(), stderr);
}

/// Standard files that are closed would be taken by the next file that is opened, and written to as if they were what they are not.
/// A file that grows beyond the limit of its size is an error of the write, as on a full disk.
void prepare_process() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF && ::open("/dev/null", O_RDONLY) < 0) std::_Exit(1);
  }
  std::signal(SIGXFSZ, SIG_IGN);
}

/// Of the exception being handled: says it on standard error, a rank of an MPI job with its number. The one place that turns errors into
/// exit statuses: 1 cannot be met or written, 2 bad input, 3 a defect.
int exit_status_of_error() {
  const int rank = bondsim::tools::rank_in_job();
  const std::string who = rank > 0 ? fmt::format("bondsim: rank {}: ", rank) : "bondsim: ";
  try {
    throw;  // cppcheck-suppress rethrowNoCurrentException ; it is called in handlers alone
  } catch (const bondsim::InfeasibleError& e) {
    say("{}{}\n", who, e.what());
    return 1;
  } catch (const bondsim::IoError& e) {
    say("{}{}\n", who, e.what());
    return 1;
  } catch (const bondsim::ConfigError& e) {
    say("{}{}\n", who, e.what());
    return 2;
  } catch (const std::filesystem::filesystem_error& e) {
    say("{}{}\n", who, e.what());
    return 1;
  } catch (const std::bad_alloc&) {
    say("{}not enough memory\n", who);
    return 1;
  } catch (const std::exception& e) {
    if (std::ferror(stdout) != 0) {
      say("{}standard output cannot be written: {}\n", who, e.what());
      return 1;
    }
    say("{}internal error: {}\nThis is a defect of bondsim; please report it with the command you ran.\n", who, e.what());
    return 3;
  }
}

int run_action(const bondsim::tools::Action& action) {
  try {
    const int status = action();
    if (std::ferror(stdout) == 0) errno = 0;  // else it is of the write that failed
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw bondsim::IoError(fmt::format("standard output cannot be written: {}", std::strerror(errno)));
    }
    return status;
  } catch (...) {
    return exit_status_of_error();
  }
}

}  // namespace

int main(int argc, char** argv) {
  prepare_process();
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);  // the terminal is bondsim's
  bondsim::tools::CommandLine app("bondsim", "bondsim: cycle-level simulation of LLM inference on hybrid-bonded near-memory DRAM",
                                  BONDSIM_VERSION);
  bondsim::tools::Action action;
  // Commands, in the order of --help.
  bondsim::tools::add_run(app, action);
  bondsim::tools::add_serve(app, action);
  bondsim::tools::add_profile(app, action);
  bondsim::tools::add_map(app, action);
  bondsim::tools::add_import_onnx(app, action);
  bondsim::tools::add_replay(app, action);
  bondsim::tools::add_estimate(app, action);
  bondsim::tools::add_validate(app, action);
  bondsim::tools::add_dse(app, action);
  bondsim::tools::add_dataflows(app, action);
  bondsim::tools::add_speculate(app, action);
  bondsim::tools::add_heat(app, action);
  bondsim::tools::add_sweep(app, action);
  bondsim::tools::add_compare(app, action);
  bondsim::tools::add_report(app, action);
  bondsim::tools::add_reproduce(app, action);
  bondsim::tools::add_dram(app, action);
  bondsim::tools::add_check_trace(app, action);
  bondsim::tools::add_trace(app, action);
  bondsim::tools::add_init(app, action);
  bondsim::tools::add_schema(app, action);
  bondsim::tools::add_list(app, action);
  bondsim::tools::add_help(app, action);
  if (const auto status = app.parse(argc, argv)) return run_action([&] { return *status; });
  return run_action(action);
}
