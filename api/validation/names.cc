#include "api/validation/names.h"

#include <algorithm>

#include <fmt/core.h>

namespace berth::api::validation {
namespace {

constexpr size_t kLabelBytesMax = 63;
constexpr size_t kSubdomainBytesMax = 253;

constexpr std::string_view kLabelRegex = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
constexpr std::string_view kSubdomainRegex =
    "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
constexpr std::string_view kUnderscoreSubdomainRegex =
    "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
constexpr std::string_view kKeyRegex = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
constexpr std::string_view kValueRegex = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLowerOrDigit(char c) { return IsLower(c) || IsDigit(c); }
bool IsAlphanumeric(char c) { return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z'); }

template <typename Predicate>
bool AllOf(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

// [a-z0-9]([-a-z0-9]*[a-z0-9])?
bool LooksLikeLabel(std::string_view text) {
  return !text.empty() && IsLowerOrDigit(text.front()) && IsLowerOrDigit(text.back()) &&
         AllOf(text, [](char c) { return IsLowerOrDigit(c) || c == '-'; });
}

// _?[a-z0-9]([-_a-z0-9]*[a-z0-9])?
bool LooksLikeUnderscoreLabel(std::string_view text) {
  if (text.starts_with('_')) text.remove_prefix(1);
  return !text.empty() && IsLowerOrDigit(text.front()) && IsLowerOrDigit(text.back()) &&
         AllOf(text, [](char c) { return IsLowerOrDigit(c) || c == '-' || c == '_'; });
}

template <typename Predicate>
bool EachPart(std::string_view text, Predicate predicate) {
  while (true) {
    const size_t dot = text.find('.');
    if (!predicate(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool LooksLikeSubdomain(std::string_view text) { return EachPart(text, LooksLikeLabel); }

// ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]
bool LooksLikeKey(std::string_view text) {
  return !text.empty() && IsAlphanumeric(text.front()) && IsAlphanumeric(text.back()) &&
         AllOf(text, [](char c) {
           return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

std::string MaxCharacters(size_t max) {
  return fmt::format("must be no more than {} characters", max);
}

std::string MaxBytes(size_t max) { return fmt::format("must be no more than {} bytes", max); }

std::string SubdomainComplaint() {
  return RegexComplaint(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
      "'.', and must start and end with an alphanumeric character",
      kSubdomainRegex, {"example.com"});
}

std::string KeyComplaint() {
  return RegexComplaint(
      "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
      "alphanumeric character",
      kKeyRegex, {"MyName", "my.name", "123-abc"});
}

void CheckDots(std::string_view text, Complaints& out) {
  if (text == ".") {
    out.emplace_back("must not be '.'");
  } else if (text == "..") {
    out.emplace_back("must not be '..'");
  } else if (text.starts_with("..")) {
    out.emplace_back("must not start with '..'");
  }
}

}  // namespace

std::string RegexComplaint(std::string_view text, std::string_view regex,
                           const std::vector<std::string_view>& examples) {
  std::string out(text);
  out.append(" (");
  for (size_t i = 0; i < examples.size(); ++i) {
    out += fmt::format("{}'{}', ", i == 0 ? "e.g. " : " or ", examples[i]);
  }
  return out.append("regex used for validation is '").append(regex).append("')");
}

std::string Joined(const Complaints& complaints, std::string_view separator) {
  std::string out;
  for (const std::string& text : complaints) {
    if (!out.empty()) out.append(separator);
    out.append(text);
  }
  return out;
}

Complaints IsDns1123Label(std::string_view text) {
  Complaints out;
  if (text.size() > kLabelBytesMax) out.push_back(MaxCharacters(kLabelBytesMax));
  if (LooksLikeLabel(text)) return out;
  if (LooksLikeSubdomain(text)) {
    out.emplace_back("must not contain dots");
  } else {
    out.push_back(RegexComplaint(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
        "and must start and end with an alphanumeric character",
        kLabelRegex, {"my-name", "123-abc"}));
  }
  return out;
}

Complaints IsDns1123Subdomain(std::string_view text) {
  Complaints out;
  if (text.size() > kSubdomainBytesMax) out.push_back(MaxCharacters(kSubdomainBytesMax));
  if (!LooksLikeSubdomain(text)) out.push_back(SubdomainComplaint());
  return out;
}

Complaints IsDns1123SubdomainWithUnderscore(std::string_view text) {
  Complaints out;
  if (text.size() > kSubdomainBytesMax) out.push_back(MaxCharacters(kSubdomainBytesMax));
  if (!EachPart(text, LooksLikeUnderscoreLabel)) {
    out.push_back(RegexComplaint(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', "
        "'-' or '.', and must start and end with an alphanumeric character",
        kUnderscoreSubdomainRegex, {"example.com"}));
  }
  return out;
}

Complaints IsDns1035Label(std::string_view text) {
  Complaints out;
  if (text.size() > kLabelBytesMax) out.push_back(MaxCharacters(kLabelBytesMax));
  if (!LooksLikeLabel(text) || !IsLower(text.front())) {
    out.push_back(RegexComplaint(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
        "an alphabetic character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", {"my-name", "abc-123"}));
  }
  return out;
}

Complaints IsQualifiedName(std::string_view text) {
  Complaints out;
  std::string_view name = text;
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (text.find('/', slash + 1) != std::string_view::npos) {
      return {fmt::format("a valid label key {} with an optional DNS subdomain prefix and '/' "
                          "(e.g. 'example.com/MyName')",
                          KeyComplaint())};
    }
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (prefix.empty()) {
      out.emplace_back("prefix part must be non-empty");
    } else {
      if (prefix.size() > kSubdomainBytesMax) {
        out.push_back("prefix part " + MaxBytes(kSubdomainBytesMax));
      }
      if (!LooksLikeSubdomain(prefix)) out.push_back("prefix part " + SubdomainComplaint());
    }
  }
  if (name.empty()) {
    out.emplace_back("name part must be non-empty");
  } else if (name.size() > kLabelBytesMax) {
    out.push_back("name part " + MaxBytes(kLabelBytesMax));
  }
  if (!LooksLikeKey(name)) out.push_back("name part " + KeyComplaint());
  return out;
}

Complaints IsLabelValue(std::string_view text) {
  Complaints out;
  if (text.size() > kLabelBytesMax) out.push_back(MaxBytes(kLabelBytesMax));
  if (!text.empty() && !LooksLikeKey(text)) {
    out.push_back(RegexComplaint(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character",
        kValueRegex, {"MyValue", "my_value", "12345"}));
  }
  return out;
}

Complaints IsConfigMapKey(std::string_view text) {
  Complaints out;
  if (text.size() > kSubdomainBytesMax) out.push_back(MaxCharacters(kSubdomainBytesMax));
  const auto allowed = [](char c) { return IsAlphanumeric(c) || c == '-' || c == '.' || c == '_'; };
  if (text.empty() || !AllOf(text, allowed)) {
    out.push_back(RegexComplaint(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        "[-._a-zA-Z0-9]+", {"key.name", "KEY_NAME", "key-name"}));
  }
  CheckDots(text, out);
  return out;
}

Complaints IsEnvVarName(std::string_view text) {
  if (text.empty()) return {"environment variable name must be non-empty"};
  if (AllOf(text, [](char c) { return c >= ' ' && c <= '~' && c != '='; })) return {};
  return {
      "a valid environment variable name must consist only of printable ASCII characters other "
      "than '='"};
}

Complaints IsCIdentifier(std::string_view text) {
  const auto allowed = [](char c) { return IsAlphanumeric(c) || c == '_'; };
  if (!text.empty() && !IsDigit(text.front()) && AllOf(text, allowed)) return {};
  return {RegexComplaint(
      "a valid C identifier must start with alphabetic character or '_', followed by a string of "
      "alphanumeric characters or '_'",
      "[A-Za-z_][A-Za-z0-9_]*", {"my_name", "MY_NAME", "MyName"})};
}

Complaints IsPortName(std::string_view text) {
  Complaints out;
  if (text.size() > 15) out.push_back(MaxCharacters(15));
  if (text.empty() || !AllOf(text, [](char c) { return IsLowerOrDigit(c) || c == '-'; })) {
    out.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (std::none_of(text.begin(), text.end(), IsLower)) {
    out.emplace_back("must contain at least one letter (a-z)");
  }
  if (text.find("--") != std::string_view::npos) {
    out.emplace_back("must not contain consecutive hyphens");
  }
  if (text.starts_with('-') || text.ends_with('-')) {
    out.emplace_back("must not begin or end with a hyphen");
  }
  return out;
}

Complaints IsPortNumber(int64_t port) { return IsInRange(port, 1, 65535); }

Complaints IsInRange(int64_t value, int64_t min, int64_t max) {
  if (value >= min && value <= max) return {};
  return {fmt::format("must be between {} and {}, inclusive", min, max)};
}

Complaints IsPercent(std::string_view text) {
  const bool good = text.size() > 1 && text.ends_with('%') &&
                    AllOf(text.substr(0, text.size() - 1), IsDigit);
  if (good) return {};
  return {RegexComplaint(
      "a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%",
      {"1%", "93%"})};
}

Complaints IsHttpHeaderName(std::string_view text) {
  const auto allowed = [](char c) { return IsAlphanumeric(c) || c == '-'; };
  if (!text.empty() && AllOf(text, allowed)) return {};
  return {RegexComplaint("a valid HTTP header must consist of alphanumeric characters or '-'",
                         "[-A-Za-z0-9]+", {"X-Header-Name"})};
}

Complaints IsPathSegmentName(std::string_view text) {
  if (text == "." || text == "..") return {fmt::format("may not be '{}'", text)};
  return IsPathSegmentPrefix(text);
}

Complaints IsPathSegmentPrefix(std::string_view text) {
  Complaints out;
  for (const char c : {'/', '%'}) {
    if (text.find(c) == std::string_view::npos) continue;
    out.push_back(fmt::format("may not contain '{}'", c));
  }
  return out;
}

}  // namespace berth::api::validation
