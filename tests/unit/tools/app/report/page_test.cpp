#include "tools/app/report/page.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bondsim::tools::report {
namespace {

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

Json inputs_named(const std::string& label) { return {{"runs", Json::array({{{"label", label}, {"note", "a <!-- b"}}})}}; }

/// Scripts begin and end where the template has them: nothing that a name, a script or the chart library holds ends one.
TEST(ReportPage, a_name_cannot_end_a_script_or_begin_a_tag) {
  const std::string plain = page(inputs_named("plain"), "1");
  const std::string evil = page(inputs_named("</script><script>alert(1)</script><!--"), "1");
  EXPECT_EQ(times(plain, "<script"), times(plain, "</script>"));
  EXPECT_EQ(times(evil, "<script"), times(plain, "<script"));
  EXPECT_EQ(times(evil, "</script"), times(plain, "</script"));
  EXPECT_EQ(times(evil, "<!--"), times(plain, "<!--"));
  EXPECT_EQ(times(evil, "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;!--"), 1U) << "the tab's title, escaped";
  EXPECT_EQ(times(evil, "\\u003c/script>\\u003cscript>alert(1)\\u003c/script>\\u003c!--"), 1U) << "the data, escaped as JSON does";
  EXPECT_EQ(times(evil, "{{"), times(plain, "{{")) << "every mark of the template has its text";
}

/// Browsers differ in what ends a script; a `</` in it may, so there is none, and no `<!--` either.
TEST(ReportPage, scripts_hold_nothing_that_might_end_them) {
  const std::string text = page(inputs_named("</p><!--"), "1");
  std::size_t scripts = 0;
  for (std::size_t at = text.find("<script"); at != std::string::npos; at = text.find("<script", at + 1)) {
    const std::size_t begin = text.find('>', at) + 1, end = text.find("</script>", begin);
    ASSERT_NE(end, std::string::npos);
    const std::string script = text.substr(begin, end - begin);
    EXPECT_EQ(times(script, "</"), 0U);
    EXPECT_EQ(times(script, "<!--"), 0U);
    ++scripts;
  }
  EXPECT_EQ(scripts, 3U) << "data, charts, code";
}

/// A page runs scripts with its own mark alone, which depends on all data.
TEST(ReportPage, scripts_carry_a_mark_that_no_other_page_has) {
  const std::string a = page(inputs_named("a"), "1"), b = page(inputs_named("b"), "1");
  const auto mark = [](const std::string& text) {
    const std::size_t at = text.find("nonce=\"") + 7;
    return text.substr(at, text.find('"', at) - at);
  };
  EXPECT_GE(mark(a).size(), 8U);
  EXPECT_NE(mark(a), mark(b));
  EXPECT_EQ(times(a, mark(a)), 3U) << "the policy and two scripts";
  EXPECT_NE(a.find("Content-Security-Policy"), std::string::npos);
  EXPECT_NE(a.find("<title>a"), std::string::npos) << a.substr(0, 400);
}

TEST(ReportPage, the_tab_names_the_first_of_several) {
  Json inputs = inputs_named("first");
  inputs["runs"].push_back({{"label", "second"}});
  inputs["runs"].push_back({{"label", "third"}});
  EXPECT_NE(page(inputs, "1").find("<title>first and 2 more"), std::string::npos);
}

}  // namespace
}  // namespace bondsim::tools::report
