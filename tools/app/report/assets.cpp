#include "tools/app/report/assets.hpp"

/// Puts a file into the program as it is. The symbols are its first byte and the byte behind its last.
#define EMBED(name, path)                                                                                     \
  __asm__(".section .rodata\n.balign 16\nbondsim_" #name "_begin:\n.incbin \"" path "\"\nbondsim_" #name      \
          "_end:\n.byte 0\n.previous\n.global bondsim_" #name "_begin\n.global bondsim_" #name "_end\n");     \
  extern "C" const char bondsim_##name##_begin[];                                                             \
  extern "C" const char bondsim_##name##_end[];                                                               \
  static std::string_view name##_text() {                                                                     \
    return {bondsim_##name##_begin, static_cast<std::size_t>(bondsim_##name##_end - bondsim_##name##_begin)}; \
  }

EMBED(template, BONDSIM_REPORT_DIR "/template.html")
EMBED(style, BONDSIM_REPORT_DIR "/style.css")
EMBED(script, BONDSIM_REPORT_BUILD_DIR "/script.js")
EMBED(charts, BONDSIM_REPORT_BUILD_DIR "/charts.js")

namespace bondsim::tools::report {

std::string_view page_template() { return template_text(); }
std::string_view style() { return style_text(); }
std::string_view script() { return script_text(); }
std::string_view chart_library() { return charts_text(); }

}  // namespace bondsim::tools::report
