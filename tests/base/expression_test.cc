#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "base/expression/program.h"
#include "base/random.h"

namespace berth::expression {
namespace {

class Record final : public Map {
 public:
  explicit Record(std::map<std::string, Value> fields) : fields_(std::move(fields)) {}
  std::optional<Value> Find(const Value& key) const override {
    const std::string* name = key.AsString();
    const auto it = name == nullptr ? fields_.end() : fields_.find(*name);
    if (it == fields_.end()) return std::nullopt;
    return it->second;
  }
  size_t size() const override { return fields_.size(); }
  std::vector<Value> Keys() const override {
    std::vector<Value> out;
    for (const auto& [name, value] : fields_) out.push_back(Value::String(name));
    return out;
  }

 private:
  const std::map<std::string, Value> fields_;
};

class Length final : public Object {
 public:
  explicit Length(int64_t metres) : metres_(metres) {}
  std::string_view TypeName() const override { return "length"; }
  bool Equals(const Object& other) const override {
    const auto* same = dynamic_cast<const Length*>(&other);
    return same != nullptr && same->metres_ == metres_;
  }
  Answer Call(std::string_view method, std::span<const Value> arguments) const override {
    if (method != "longerThan" || arguments.size() != 1 || arguments[0].AsInt() == nullptr) {
      return Answer::Failed("no such method of length");
    }
    return Answer::Of(Value::Bool(metres_ > *arguments[0].AsInt()));
  }

 private:
  const int64_t metres_;
};

class World final : public Environment {
 public:
  Value Root(std::string_view) const override {
    return Value::OfMap(std::make_shared<Record>(std::map<std::string, Value>{
        {"name", Value::String("a100")},
        {"index", Value::Int(3)},
        {"list", Value::List({Value::Int(1), Value::Int(2), Value::Int(3)})},
        {"big", Value::String(std::string(20000, 'x'))},
        {"none", Value()},
        {"cable", Value::OfObject(std::make_shared<Length>(5))}}));
  }
  Answer Call(std::string_view, std::span<const Value> arguments) const override {
    if (arguments.size() != 1 || arguments[0].AsInt() == nullptr) {
      return Answer::Failed("metres() takes an int");
    }
    return Answer::Of(Value::OfObject(std::make_shared<Length>(*arguments[0].AsInt())));
  }
};

const Names& TestNames() {
  static const Names* const kNames = new Names{{"x"}, {"metres"}, {"longerThan"}};
  return *kNames;
}

// The value, or "error: ...".
std::string Of(std::string_view text, const Limits& limits = {}) {
  auto parsed = Program::Parse(text, TestNames(), limits);
  if (const Problem* problem = ProblemOf(parsed)) return "error: " + problem->ToText();
  const auto result = std::get<Program>(parsed).Evaluate(World());
  if (const Problem* problem = ProblemOf(result)) return "error: " + problem->ToText();
  return std::get<Value>(result).ToText();
}

struct Case {
  std::string_view text, want;
};

void Check(std::span<const Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(Of(c.text), c.want) << c.text;
}

TEST(ExpressionTest, Literals) {
  const Case cases[] = {
      {"true", "true"}, {"null", "null"}, {"42", "42"}, {"0x1F", "31"}, {"7u", "7u"},
      {"1.5", "1.5"}, {".5", "0.5"}, {"1e3", "1000"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"9223372036854775808", "error: column 1: number out of range"},
      {"18446744073709551615u", "18446744073709551615u"},
      {"18446744073709551616u", "error: column 1: number out of range"},
      {"'it''s'", "error: column 5: expected an operator or the end, found \"s\""},
      {R"('a"b')", R"("a"b")"}, {R"("\u00e9\x41\101\n")", "\"\u00e9AA\n\""},
      {R"(r"a\n")", R"("a\n")"}, {"\"\"\"a\"b\"\"\"", R"("a"b")"},
      {"'open", "error: column 1: string is not closed"},
      {R"('\q')", "error: column 2: unknown escape in a string"},
      {R"('\ud800')", "error: column 2: unknown escape in a string"},
      {R"('\x4')", "error: column 2: unknown escape in a string"},
      {"[1, 'a', []]", "[1, \"a\", []]"}, {"[1,]", "[1]"},
      {"1 // a remark\n + 1", "2"},
  };
  Check(cases);
}

TEST(ExpressionTest, OperatorsAndTheirOrder) {
  const Case cases[] = {
      {"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"7 / 2", "3"}, {"-7 / 2", "-3"}, {"-7 % 3", "-1"},
      {"10 - 3 - 2", "5"}, {"--3", "3"}, {"!!true", "true"}, {"'a' + 'b'", "\"ab\""},
      {"[1] + [2]", "[1, 2]"}, {"1.0 / 0.0", "inf"},
      {"1 / 0", "error: column 3: division by zero"},
      {"1 % 0", "error: column 3: modulus by zero"},
      {"9223372036854775807 + 1", "error: column 21: integer overflow"},
      {"-9223372036854775808 / -1", "error: column 22: integer overflow"},
      {"1u - 2u", "error: column 4: unsigned integer overflow"},
      {"1 + 1.0", "error: column 3: no such overload: int + double"},
      {"1 == 1.0 && 1u == 1 && 1 != 2", "true"},
      {"9223372036854775807 == 9223372036854775807.0", "false"},
      {"1 < 2.5 && 'a' < 'b' && false < true", "true"},
      {"1 == '1'", "false"}, {"[1, [2]] == [1.0, [2u]]", "true"}, {"null == x.none", "true"},
      {"1 < 'a'", "error: column 3: no such overload: int and string have no order"},
      {"2 in [1, 2]", "true"}, {"'name' in x", "true"}, {"'other' in x", "false"},
      {"1 in 2", "error: column 3: no such overload: int in int"},
      {"x.index > 2 ? 'many' : 'few'", "\"many\""},
      {"true ? (false ? 1 : 2) : 3", "2"}, {"false ? 1 : true ? 2 : 3", "2"},
      {"1 ? 2 : 3", "error: column 1: no such overload: int where a bool is needed"},
  };
  Check(cases);
}

TEST(ExpressionTest, AndAndOrPassOverProblemsThatDoNotMatter) {
  const Case cases[] = {
      {"x.missing || true", "true"}, {"true || x.missing", "true"},
      {"x.missing && false", "false"}, {"false && x.missing", "false"},
      {"x.missing || false", "error: column 3: no such key: missing"},
      {"true && x.missing", "error: column 11: no such key: missing"},
      {"1 || true", "true"}, {"1 || false",
       "error: column 1: no such overload: int where a bool is needed"},
      {"x.missing == 1 || x.index == 3", "true"},
      {"[1, 0].exists(i, 1 / i == 1)", "true"},
      {"[0, 1].exists(i, 1 / i == 1)", "true"},
      {"[0, 2].exists(i, 1 / i == 1)", "error: column 20: division by zero"},
      {"[0, 2].all(i, 1 / i == 1)", "false"},
  };
  Check(cases);
}

TEST(ExpressionTest, FieldsFunctionsAndMacros) {
  const Case cases[] = {
      {"x.name", "\"a100\""}, {"x['name']", "\"a100\""},
      {"x['no']", "error: column 2: no such key: no"},
      {"x.name.length", "error: column 8: no such field: length of string"},
      {"x.list[2]", "3"}, {"x.list[3]", "error: column 7: index out of bounds: 3"},
      {"has(x.name) && !has(x.missing)", "true"},
      {"has(x)", "error: column 1: has() takes a field: has(a.b)"},
      {"x.name.startsWith('a') && x.name.endsWith('0') && x.name.contains('10')", "true"},
      {"'\u00e9t\u00e9'.size() == 3 && size('ab') == 2 && size(x.list) == 3", "true"},
      {"'aB'.upperAscii() + 'aB'.lowerAscii()", "\"ABab\""},
      {"1a", "error: column 1: malformed number"},
      {"x.index.startsWith('a')",
       "error: column 9: no such overload: int.startsWith(string)"},
      {"int('12') + int(3.9) + int(4u)", "19"}, {"string(5) + string(true)", "\"5true\""},
      {"double('1.5')", "1.5"}, {"uint(-1)", "error: column 1: uint overflow"},
      {"int('twelve')", "error: column 1: \"twelve\" is no int"},
      {"x.list.all(i, i > 0) && x.list.exists(i, i == 2) && x.list.exists_one(i, i == 2)", "true"},
      {"x.list.filter(i, i > 1).map(i, i * 2)", "[4, 6]"},
      {"x.list.map(i, i > 1, i * 2)", "[4, 6]"},
      {"[[1, 2], [3]].all(l, l.exists(i, i > 1))", "true"},
      {"cel.bind(n, x.index, n + n)", "6"},
      {"x.cable.longerThan(4) && metres(5) == x.cable && metres(6) != x.cable", "true"},
      {"metres('a')", "error: column 1: metres() takes an int"},
      {"x.cable < x.cable", "error: column 9: no such overload: length and length have no order"},
  };
  Check(cases);
}

TEST(ExpressionTest, WhatIsNotThereIsRefusedByName) {
  const Case cases[] = {
      {"", "error: column 1: expected a value, found the end"},
      {"y", "error: column 1: undeclared name: y"},
      {"x.name.matches('a.*')", "error: column 8: function matches() is not supported"},
      {"type(x)", "error: column 1: function type() is not supported"},
      {"{'a': 1}", "error: column 1: map literals are not supported"},
      {"x.?name", "error: column 3: optional fields are not supported"},
      {"b'a'", "error: column 1: bytes literals are not supported"},
      {"x.list.all(i, i > 0) && i", "error: column 25: undeclared name: i"},
      {"1 +", "error: column 4: expected a value, found the end"},
      {"(1", "error: column 3: expected ')', found the end"},
      {"1 = 1", "error: column 3: unexpected character '='"},
      {"in", "error: column 1: expected a value, found 'in'"},
  };
  Check(cases);
}

TEST(ExpressionTest, NothingRunsWithoutBound) {
  const auto repeat = [](std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  const std::string deep = "nested too deeply: more than 100 levels";
  EXPECT_NE(Of(repeat("(", 5000) + "1").find(deep), std::string::npos);
  EXPECT_NE(Of(repeat("[", 5000)).find(deep), std::string::npos);
  EXPECT_NE(Of(repeat("!", 5000) + "true").find(deep), std::string::npos);
  EXPECT_NE(Of(repeat("1+", 5000) + "1").find(deep), std::string::npos);
  EXPECT_NE(Of(repeat("true?1:", 1000) + "1").find(deep), std::string::npos);
  EXPECT_EQ(Of(repeat("false||", 1000) + "true"), "true");
  EXPECT_NE(Of(std::string(20000, ' ') + "1").find("longer than 10240 bytes"), std::string::npos);

  const std::string costly = "costs more than 1000000 to evaluate";
  const std::string ten = "[1,2,3,4,5,6,7,8,9,0]";
  std::string nested = "true";
  for (int i = 0; i < 9; ++i) nested = ten + ".all(i" + std::to_string(i) + ", " + nested + ")";
  EXPECT_NE(Of(nested).find(costly), std::string::npos);
  EXPECT_NE(Of(nested + " || true").find(costly), std::string::npos) << "not passed over";
  EXPECT_NE(Of("x.list.map(a, x.list.map(b, x.list.map(c, x.list.map(d, x.big + x.big + x.big))))")
                .find(costly), std::string::npos);
  // Two lists that share what they hold, 2^40 elements to compare.
  std::string shared = "a40 == b40";
  for (int i = 40; i > 0; --i) {
    for (const char* name : {"a", "b"}) {
      const std::string inner = name + std::to_string(i - 1);
      shared = "cel.bind(" + std::string(name) + std::to_string(i) + ", [" + inner + ", " + inner +
               "], " + shared + ")";
    }
  }
  shared = "cel.bind(a0, 1, cel.bind(b0, 1, " + shared + "))";
  EXPECT_NE(Of(shared, {.max_height = 200}).find(costly), std::string::npos);
}

// Whatever the text: an answer or a problem inside the text, and the same one again.
TEST(ExpressionTest, AnyTextIsAnsweredAndTheSameWayEachTime) {
  constexpr std::string_view kPieces[] = {
      "x", ".", "name", "list", "[", "]", "(", ")", "1", "2u", "'a'", "&&", "||", "!", "-", "+",
      "*", "/", "==", "<", " in ", "?", ":", ",", ".all(i,", "i", "has(", "size(", "true", "null",
      "cel.bind(v,", "v", "\\", "\"", "r'", "0x", "1e", ".map(i,"};
  Random random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (uint64_t n = 1 + random.Below(12); n > 0; --n) {
      text += kPieces[random.Below(std::size(kPieces))];
    }
    auto parsed = Program::Parse(text, TestNames());
    if (const Problem* problem = ProblemOf(parsed)) {
      EXPECT_LE(problem->position, text.size()) << text;
      continue;
    }
    EXPECT_EQ(Of(text), Of(text)) << text;
  }
}

}  // namespace
}  // namespace berth::expression
