#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <limits>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/meta_v1.pb.h"
#include "api/selectors.h"
#include "api/validation/names.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::api {
namespace {

// A selector of more requirements is matched by the labels, not by the requirements.
constexpr size_t kShortRequirementsMax = 8;

bool Contains(const std::vector<std::string>& sorted, std::string_view value) {
  return std::binary_search(sorted.begin(), sorted.end(), value, std::less<>());
}

constexpr std::string_view kOperatorTexts[] = {" in ", " notin ", "=", "==", "!=",
                                               "",     "",        ">", "<"};

bool TakesSet(SelectorOperator op) {
  return op == SelectorOperator::kIn || op == SelectorOperator::kNotIn;
}

bool TakesNumber(SelectorOperator op) {
  return op == SelectorOperator::kGreaterThan || op == SelectorOperator::kLessThan;
}

// Go's strconv.ParseInt(text, 10, 64).
std::optional<int64_t> ParseInt64(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string JsonList(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) {
    if (out.size() > 1) out.append(",");
    out.append(GoQuoted(value));
  }
  return out.append("]");
}

// A failure's text as upstream aggregates it.
std::string AggregateText(const FieldErrors& errors) {
  std::string out;
  for (const FieldError& error : errors) {
    if (!out.empty()) out.append(", ");
    out.append(error.field).append(": ").append(error.text);
  }
  return errors.size() > 1 ? fmt::format("[{}]", out) : out;
}

void CheckValueCount(SelectorOperator op, const std::vector<std::string>& values,
                     FieldErrors& errors) {
  const auto complain = [&](std::string_view text) {
    errors.push_back(InvalidValue("values", JsonList(values), text));
  };
  switch (op) {
    case SelectorOperator::kIn: case SelectorOperator::kNotIn:
      if (values.empty()) complain("for 'in', 'notin' operators, values set can't be empty");
      break;
    case SelectorOperator::kExists: case SelectorOperator::kDoesNotExist:
      if (!values.empty()) complain("values set must be empty for exists and does not exist");
      break;
    case SelectorOperator::kGreaterThan: case SelectorOperator::kLessThan:
      if (values.size() != 1) complain("for 'Gt', 'Lt' operators, exactly one value is required");
      break;
    default:
      if (values.size() != 1) complain("exact-match compatibility requires one single value");
  }
}

absl::StatusOr<LabelRequirement> MakeRequirement(std::string key, SelectorOperator op,
                                                 std::vector<std::string> values) {
  FieldErrors errors;
  if (const auto bad = validation::IsQualifiedName(key); !bad.empty()) {
    errors.push_back(InvalidString("key", key, validation::Joined(bad, "; ")));
  }
  CheckValueCount(op, values, errors);
  int64_t bound = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!TakesNumber(op)) break;
    const std::optional<int64_t> number = ParseInt64(values[i]);
    bound = number.value_or(0);
    if (number.has_value()) continue;
    errors.push_back(InvalidString(fmt::format("values[{}]", i), values[i],
                                   "for 'Gt', 'Lt' operators, the value must be an integer"));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (const auto bad = validation::IsLabelValue(values[i]); !bad.empty()) {
      errors.push_back(InvalidString(fmt::format("values[{}][{}]", i, key), values[i],
                                     validation::Joined(bad, "; ")));
    }
  }
  if (!errors.empty()) return absl::InvalidArgumentError(AggregateText(errors));
  SortUnique(values);
  return LabelRequirement{std::move(key), op, std::move(values), bound};
}

// --- the query's syntax ------------------------------------------------------------------------

enum class Lexeme { kEnd, kError, kIdentifier, kComma, kOpen, kClose, kNot, kOperator };

struct Scanned {
  Lexeme lexeme = Lexeme::kEnd;
  std::string text;
  SelectorOperator op = SelectorOperator::kExists;  // of kOperator
};

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsMark(char c) { return std::string_view("=!(),<>").find(c) != std::string_view::npos; }

// in and notin are operators or values, as the place demands.
bool IsWord(const Scanned& item) {
  return item.lexeme == Lexeme::kIdentifier ||
         (item.lexeme == Lexeme::kOperator && TakesSet(item.op));
}

class SelectorScanner {
 public:
  explicit SelectorScanner(std::string_view text) : text_(text) {}

  std::vector<Scanned> All() {
    std::vector<Scanned> out;
    do {
      out.push_back(Next());
    } while (out.back().lexeme != Lexeme::kEnd);
    return out;
  }

 private:
  // A NUL byte ends the text, as it does upstream.
  bool AtEnd() const { return position_ >= text_.size() || text_[position_] == '\0'; }

  Scanned Next() {
    while (!AtEnd() && IsBlank(text_[position_])) ++position_;
    if (AtEnd()) return {};
    return IsMark(text_[position_]) ? Symbol() : Word();
  }

  Scanned Word() {
    const size_t start = position_;
    while (!AtEnd() && !IsBlank(text_[position_]) && !IsMark(text_[position_])) ++position_;
    std::string word(text_.substr(start, position_ - start));
    if (word == "in") return {Lexeme::kOperator, std::move(word), SelectorOperator::kIn};
    if (word == "notin") return {Lexeme::kOperator, std::move(word), SelectorOperator::kNotIn};
    return {Lexeme::kIdentifier, std::move(word)};
  }

  Scanned Symbol() {
    static const Scanned kSymbols[] = {
        {Lexeme::kOperator, "==", SelectorOperator::kDoubleEquals},
        {Lexeme::kOperator, "!=", SelectorOperator::kNotEquals},
        {Lexeme::kOperator, "=", SelectorOperator::kEquals},
        {Lexeme::kOperator, ">", SelectorOperator::kGreaterThan},
        {Lexeme::kOperator, "<", SelectorOperator::kLessThan},
        {Lexeme::kNot, "!"}, {Lexeme::kOpen, "("}, {Lexeme::kClose, ")"}, {Lexeme::kComma, ","},
    };
    for (const Scanned& symbol : kSymbols) {
      if (!text_.substr(position_).starts_with(symbol.text)) continue;
      position_ += symbol.text.size();
      return symbol;
    }
    ++position_;
    return {Lexeme::kError, {}};
  }

  std::string_view text_;
  size_t position_ = 0;
};

class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : items_(SelectorScanner(text).All()) {}

  absl::StatusOr<std::vector<LabelRequirement>> Parse() {
    std::vector<LabelRequirement> out;
    if (Peek().lexeme == Lexeme::kEnd) return out;
    if (!StartsRequirement(Peek())) {
      return Fail("found '{}', expected: !, identifier, or 'end of string'", Peek().text);
    }
    while (true) {
      auto requirement = ParseRequirement();
      if (!requirement.ok()) {
        return Fail("unable to parse requirement: {}", requirement.status().message());
      }
      out.push_back(*std::move(requirement));
      const Scanned& separator = Take();
      if (separator.lexeme == Lexeme::kEnd) return out;
      if (separator.lexeme != Lexeme::kComma) {
        return Fail("found '{}', expected: ',' or 'end of string'", separator.text);
      }
      if (!StartsRequirement(Peek())) {
        return Fail("found '{}', expected: identifier after ','", Peek().text);
      }
    }
  }

 private:
  static bool StartsRequirement(const Scanned& item) {
    return IsWord(item) || item.lexeme == Lexeme::kNot;
  }

  template <typename T>
  static absl::Status Fail(fmt::string_view format, const T& found) {
    return absl::InvalidArgumentError(
        fmt::format(fmt::runtime(format), std::string_view(found.data(), found.size())));
  }

  const Scanned& Peek() const { return items_[position_]; }
  // The end is never passed.
  const Scanned& Take() {
    const Scanned& item = items_[position_];
    if (position_ + 1 < items_.size()) ++position_;
    return item;
  }

  absl::StatusOr<LabelRequirement> ParseRequirement() {
    const Scanned* item = &Take();
    const bool negated = item->lexeme == Lexeme::kNot;
    if (negated) item = &Take();
    if (!IsWord(*item)) return Fail("found '{}', expected: identifier", item->text);
    const std::string key = item->text;
    if (const auto bad = validation::IsQualifiedName(key); !bad.empty()) {
      const FieldError error = InvalidString("<nil>", key, validation::Joined(bad, "; "));
      return absl::InvalidArgumentError(fmt::format("{}: {}", error.field, error.text));
    }
    const bool alone = Peek().lexeme == Lexeme::kEnd || Peek().lexeme == Lexeme::kComma;
    if (negated) return MakeRequirement(key, SelectorOperator::kDoesNotExist, {});
    if (alone) return MakeRequirement(key, SelectorOperator::kExists, {});
    const Scanned& op = Take();
    if (op.lexeme != Lexeme::kOperator) {
      return Fail("found '{}', expected: in, notin, =, ==, !=, gt, lt", op.text);
    }
    BERTH_ASSIGN_OR_RETURN(auto values, TakesSet(op.op) ? ParseValues() : ParseExactValue());
    return MakeRequirement(key, op.op, std::move(values));
  }

  absl::StatusOr<std::vector<std::string>> ParseExactValue() {
    if (Peek().lexeme == Lexeme::kEnd || Peek().lexeme == Lexeme::kComma) {
      return std::vector<std::string>{""};
    }
    const Scanned& item = Take();
    if (!IsWord(item)) return Fail("found '{}', expected: identifier", item.text);
    return std::vector<std::string>{item.text};
  }

  // (x,y), (), (,x), (x,,y), (x,): an empty place is an empty value.
  absl::StatusOr<std::vector<std::string>> ParseValues() {
    const Scanned& open = Take();
    if (open.lexeme != Lexeme::kOpen) return Fail("found '{}' expected: '('", open.text);
    const Lexeme first = Peek().lexeme;
    if (first == Lexeme::kClose) {
      Take();
      return std::vector<std::string>{""};
    }
    if (!IsWord(Peek()) && first != Lexeme::kComma) {
      return Fail("found '{}', expected: ',', ')' or identifier", Peek().text);
    }
    std::vector<std::string> values;
    while (true) {
      const Scanned& item = Take();
      const Scanned& next = Peek();
      if (IsWord(item)) {
        values.push_back(item.text);
        if (next.lexeme != Lexeme::kComma && next.lexeme != Lexeme::kClose) {
          return Fail("found '{}', expected: ',' or ')'", next.text);
        }
      } else if (item.lexeme == Lexeme::kComma) {
        const bool empty_place =
            values.empty() || next.lexeme == Lexeme::kClose || next.lexeme == Lexeme::kComma;
        if (empty_place) values.emplace_back();
      } else {
        return Fail("found '{}', expected: ',', or identifier", item.text);
      }
      if (next.lexeme == Lexeme::kClose) break;
    }
    Take();
    SortUnique(values);
    return values;
  }

  const std::vector<Scanned> items_;
  size_t position_ = 0;
};

absl::StatusOr<SelectorOperator> OperatorOf(std::string_view name) {
  if (name == "In") return SelectorOperator::kIn;
  if (name == "NotIn") return SelectorOperator::kNotIn;
  if (name == "Exists") return SelectorOperator::kExists;
  if (name == "DoesNotExist") return SelectorOperator::kDoesNotExist;
  return absl::InvalidArgumentError(
      fmt::format("{} is not a valid label selector operator", GoQuoted(name)));
}

}  // namespace

bool LabelRequirement::Accepts(std::optional<std::string_view> value) const {
  const auto listed = [&] { return Contains(values, *value); };
  switch (op) {
    case SelectorOperator::kIn: case SelectorOperator::kEquals:
    case SelectorOperator::kDoubleEquals:
      return value.has_value() && listed();
    case SelectorOperator::kNotIn: case SelectorOperator::kNotEquals:
      return !value.has_value() || !listed();
    case SelectorOperator::kExists: return value.has_value();
    case SelectorOperator::kDoesNotExist: return !value.has_value();
    case SelectorOperator::kGreaterThan: case SelectorOperator::kLessThan: break;
  }
  if (!value.has_value()) return false;
  const std::optional<int64_t> number = ParseInt64(*value);
  if (!number.has_value()) return false;
  return op == SelectorOperator::kGreaterThan ? *number > bound : *number < bound;
}

std::string LabelRequirement::ToString() const {
  if (op == SelectorOperator::kExists) return key;
  if (op == SelectorOperator::kDoesNotExist) return "!" + key;
  std::string joined;
  for (const std::string& value : values) {
    if (&value != &values.front()) joined.append(",");
    joined.append(value);
  }
  const std::string_view text = kOperatorTexts[static_cast<size_t>(op)];
  return TakesSet(op) ? fmt::format("{}{}({})", key, text, joined)
                      : fmt::format("{}{}{}", key, text, joined);
}

LabelSelector LabelSelector::Nothing() {
  LabelSelector out;
  out.nothing_ = true;
  return out;
}

void LabelSelector::Finish() {
  std::stable_sort(requirements_.begin(), requirements_.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  if (requirements_.size() <= kShortRequirementsMax) return;
  auto rules = std::make_shared<StringMap<KeyRule>>();
  for (const LabelRequirement& requirement : requirements_) {
    (*rules)[requirement.key].Add(requirement);
  }
  for (auto& [key, rule] : *rules) {
    SortUnique(rule.excluded);
    if (rule.present) ++demanded_;
  }
  rules_ = std::move(rules);
}

void LabelSelector::KeyRule::Add(const LabelRequirement& requirement) {
  switch (requirement.op) {
    case SelectorOperator::kIn: case SelectorOperator::kEquals:
    case SelectorOperator::kDoubleEquals: {
      present = true;
      std::vector<std::string> both;
      if (limited) {
        std::set_intersection(allowed.begin(), allowed.end(), requirement.values.begin(),
                              requirement.values.end(), std::back_inserter(both));
      }
      allowed = limited ? std::move(both) : requirement.values;
      limited = true;
      return;
    }
    case SelectorOperator::kNotIn: case SelectorOperator::kNotEquals:
      excluded.insert(excluded.end(), requirement.values.begin(), requirement.values.end());
      return;
    case SelectorOperator::kExists: present = true; return;
    case SelectorOperator::kDoesNotExist: absent = true; return;
    case SelectorOperator::kGreaterThan:
      present = true;
      above = std::max(requirement.bound, above.value_or(requirement.bound));
      return;
    case SelectorOperator::kLessThan:
      present = true;
      below = std::min(requirement.bound, below.value_or(requirement.bound));
      return;
  }
}

bool LabelSelector::KeyRule::Accepts(std::string_view value) const {
  if (absent || (limited && !Contains(allowed, value)) || Contains(excluded, value)) return false;
  if (!above && !below) return true;
  const std::optional<int64_t> number = ParseInt64(value);
  return number && (!above || *number > *above) && (!below || *number < *below);
}

// Labels without a rule of their own are free; a rule without a label matters when it demands one.
bool LabelSelector::MatchesByKey(const Labels& labels) const {
  if (demanded_ > labels.size()) return false;
  size_t met = 0;
  for (const auto& [key, value] : labels) {
    const auto it = rules_->find(key);
    if (it == rules_->end()) continue;
    if (!it->second.Accepts(value)) return false;
    if (it->second.present) ++met;
  }
  return met == demanded_;
}

absl::StatusOr<LabelSelector> LabelSelector::Parse(std::string_view text) {
  auto requirements = SelectorParser(text).Parse();
  if (!requirements.ok()) {
    const auto message = requirements.status().message();
    return BadRequest({message.data(), message.size()});
  }
  LabelSelector out;
  out.requirements_ = *std::move(requirements);
  out.Finish();
  return out;
}

absl::StatusOr<LabelSelector> LabelSelector::FromMessage(const meta::LabelSelector& message) {
  LabelSelector out;
  for (const auto& [key, value] : message.match_labels()) {
    BERTH_ASSIGN_OR_RETURN(auto made, MakeRequirement(key, SelectorOperator::kEquals, {value}));
    out.requirements_.push_back(std::move(made));
  }
  for (const auto& expression : message.match_expressions()) {
    BERTH_ASSIGN_OR_RETURN(const SelectorOperator op, OperatorOf(expression.operator_()));
    BERTH_ASSIGN_OR_RETURN(
        auto made, MakeRequirement(expression.key(), op,
                                   {expression.values().begin(), expression.values().end()}));
    out.requirements_.push_back(std::move(made));
  }
  out.Finish();
  return out;
}

LabelSelector LabelSelector::FromLabels(const Labels& labels) {
  LabelSelector out;
  for (const auto& [key, value] : labels) {
    out.requirements_.push_back({key, SelectorOperator::kEquals, {value}});
  }
  out.Finish();
  return out;
}

bool LabelSelector::Matches(const Labels& labels) const {
  if (nothing_) return false;
  if (rules_ != nullptr) return MatchesByKey(labels);
  for (const LabelRequirement& requirement : requirements_) {
    const auto it = labels.find(requirement.key);
    std::optional<std::string_view> value;
    if (it != labels.end()) value = it->second;
    if (!requirement.Accepts(value)) return false;
  }
  return true;
}

std::string LabelSelector::ToString() const {
  std::string out;
  for (const LabelRequirement& requirement : requirements_) {
    if (!out.empty()) out.append(",");
    out.append(requirement.ToString());
  }
  return out;
}

}  // namespace berth::api
