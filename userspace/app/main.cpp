// observe: watches the kernel's scheduler while a program runs, and explains what happened.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "app/catalogue.h"
#include "app/doctor.h"
#include "app/message.h"
#include "app/options.h"
#include "app/session.h"
#include "app/terminal_device.h"
#include "capture/capture.h"

namespace observe::app {
namespace {

int print(std::string_view text) {
  const Result<void> written = write_all(STDOUT_FILENO, text, "to standard output");
  return written ? 0 : report_error(written.error());
}

int print_words(std::string_view text) {
  const bool unicode = style_for(STDOUT_FILENO, Colour::kNever).unicode;
  return print(unicode ? std::string(text) : render::ascii_symbols(text));
}

std::size_t columns() { return style_for(STDOUT_FILENO, Colour::kNever).columns; }

// One function per thing that can be asked for; std::visit demands all of them.
struct Execute {
  int operator()(const RunInvocation& run) const { return run_session(run); }
  int operator()(const ReportInvocation& report) const { return run_report(report); }
  int operator()(const ListInvocation& list) const {
    const auto workloads = workloads::registry();
    return list.json ? print(list_json(workloads)) : print_words(list_text(workloads, columns()));
  }
  int operator()(const ExplainInvocation& explain) const {
    return print_words(explain_text(*explain.workload, columns()));
  }
  int operator()(const DoctorInvocation& doctor) const {
    const std::vector<Capability> capabilities = probe_capabilities();
    const int status = print(doctor_text(capabilities, style_for(STDOUT_FILENO, doctor.colour)));
    if (status != 0) return status;
    return can_observe(capabilities) ? 0 : static_cast<int>(Failure::kNotAllowed);
  }
  int operator()(const TextInvocation& text) const { return print_words(text.text); }
};

int run(const std::vector<std::string>& arguments) {
  const Result<Invocation> invocation = parse_command_line(arguments, workloads::read_machine());
  if (!invocation) return report_error(invocation.error());
  return std::visit(Execute{}, *invocation);
}

}  // namespace
}  // namespace observe::app

int main(int argc, char** argv) try {
  // A reader that goes away is a failed write, with a message and exit status 1.
  std::signal(SIGPIPE, SIG_IGN);
  // Who starts us with it ignored would have the kernel throw away how our children ended.
  std::signal(SIGCHLD, SIG_DFL);
  return observe::app::run({argv + (argc > 0 ? 1 : 0), argv + argc});
} catch (const std::exception& error) {
  // Only memory that is not to be had comes this way; everything has been undone by now.
  std::fprintf(stderr, "observe: cannot go on: %s\n", error.what());
  return 1;
}
