#include "bench/scheduler_perf/text_template.h"

#include <gtest/gtest.h>

namespace berth::bench {
namespace {

std::string Rendered(std::string_view text, int64_t index = 17, int64_t count = 20) {
  const auto parsed = TextTemplate::Parse("t", text);
  if (!parsed.ok()) return std::string(parsed.status().message());
  const auto out = parsed->Render(index, count);
  return out.ok() ? *out : std::string(out.status().message());
}

TEST(TextTemplateTest, PrintsValues) {
  const struct { std::string_view text, want; } cases[] = {
      {"plain", "plain"},
      {"", ""},
      {"a-{{.Index}}", "a-17"},
      {"{{ .Index }} of {{ .Count }}!", "17 of 20!"},
      {"8{{Mod .Index 12}}", "85"},
      {"{{AddInt .Index 1 2}}", "20"},
      {"{{AddFloat .Index 0.5}}", "17.5"},
      {"{{SubtractInt .Index 20}}", "-3"},
      {"{{SubtractFloat .Index 0.5}}", "16.5"},
      {"{{MultiplyInt 3 2.5}}", "7"},
      {"{{MultiplyFloat 3 2.5}}", "7.5"},
      {"{{DivideInt 30000 .Count}}Mi", "1500Mi"},
      {"{{DivideInt -7 2}}", "-3"},
      {"{{DivideFloat 1 4}}", "0.25"},
      {"{{DivideFloat 4 2}}", "2"},
      {"{{Mod -7 3}}", "-1"},
      {"{{Mod 7.9 3}}", "1"},
      {"{{AddInt (Mod .Index 5) (MultiplyInt 2 3)}}", "8"},
      {"{{AddInt \"4\" 1}}", "5"},
      {"{{\"text\"}}", "text"},
      {"{{ 5 }}", "5"},
      {"{{AddInt}}", "0"},
      {"{not} {{.Index}} }}", "{not} 17 }}"},
  };
  for (const auto& c : cases) EXPECT_EQ(Rendered(c.text), c.want) << c.text;
}

TEST(TextTemplateTest, RefusesTheRestByName) {
  const struct { std::string_view text, want; } cases[] = {
      {"a\n{{if .Index}}x{{end}}", "template: t:2: {{if}} is not supported"},
      {"{{range 3}}", "template: t:1: {{range}} is not supported"},
      {"{{$x := 1}}", "template: t:1: variables are not supported"},
      {"{{.Index | Mod 3}}", "template: t:1: pipelines are not supported"},
      {"{{- .Index}}", "template: t:1: trimming of white space is not supported"},
      {"{{/* why */}}", "template: t:1: comments are not supported"},
      {"{{.Name}}", "template: t:1: the field .Name is not supported"},
      {"{{div .Index 3}}", "template: t:1: function \"div\" not defined"},
      {"{{Mod .Index}}", "template: t:1: wrong number of args for Mod: want 2 got 1"},
      {"{{.Index", "template: t:1: unclosed action"},
      {"{{}}", "template: t:1: missing value for command"},
      {"{{(Mod 5 3}}", "template: t:1: unclosed left paren"},
      {"{{1x}}", "template: t:1: bad number syntax: \"1x\""},
      {"{{\"a}}", "template: t:1: unterminated quoted string"},
      {"{{DivideInt 1 0}}", "template: t:1: division by zero"},
      {"{{Mod 1 0.5}}", "template: t:1: integer divide by zero"},
      {"{{AddInt \"x\" 1}}", "template: t:1: cannot cast x to float64"},
  };
  for (const auto& c : cases) EXPECT_EQ(Rendered(c.text), c.want) << c.text;
  EXPECT_NE(Rendered(std::string("{{") + std::string(100, '(')).find("t:1"), std::string::npos);
}

TEST(TextTemplateTest, KnowsWhatIsConstant) {
  EXPECT_TRUE(TextTemplate::Parse("t", "same")->constant());
  EXPECT_FALSE(TextTemplate::Parse("t", "{{.Index}}")->constant());
}

}  // namespace
}  // namespace berth::bench
