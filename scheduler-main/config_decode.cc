// Text to configuration: YAML, types, strict fields, plugin arguments, defaults.
#include <fmt/core.h>

#include "api/errors.h"
#include "api/yaml.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "plugins/registry.h"
#include "scheduler-main/config.h"
#include "scheduler-main/config_fields.h"
#include "scheduler-main/json_duplicates.h"

namespace berth::scheduler {
namespace {

using api::JsonValue;

absl::Status Invalid(std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); }

// Joins strict errors of the file itself and of nested arguments into one text.
class StrictErrors {
 public:
  // "strict decoding error: a, b": kept without the lead. Empty: nothing.
  void Add(std::string_view text) {
    constexpr std::string_view kLead = "strict decoding error: ";
    if (text.empty()) return;
    if (text.starts_with(kLead)) text.remove_prefix(kLead.size());
    text_ += text_.empty() ? std::string(kLead) : ", ";
    text_ += text;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string StringMember(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.Find(name);
  return member != nullptr && member->is_string() ? member->string() : std::string();
}

bool IsKnownArgsKind(std::string_view kind) {
  return kind.ends_with("Args") && plugins::HasArgs(kind.substr(0, kind.size() - 4));
}

// The document must say that it is ours.
absl::Status CheckKind(const JsonValue& document, std::string_view text) {
  const bool is_object = document.is_object();
  const std::string kind = is_object ? StringMember(document, "kind") : "";
  const std::string version = is_object ? StringMember(document, "apiVersion") : "";
  if (!is_object && !document.is_null()) {
    return Invalid("couldn't get version/kind; json parse error: json: cannot unmarshal " +
                   plugins::codec::Describe(document) + " into Go value of type struct");
  }
  if (kind.empty()) return Invalid(fmt::format("Object 'Kind' is missing in '{}'", text));
  if (version.empty()) return Invalid(fmt::format("Object 'apiVersion' is missing in '{}'", text));
  if (version != kConfigApiVersion || (kind != kConfigKind && !IsKnownArgsKind(kind))) {
    return Invalid(fmt::format("no kind {} is registered for version {}; expected kind {} of {}",
                               api::GoQuoted(kind), api::GoQuoted(version),
                               api::GoQuoted(kConfigKind), kConfigApiVersion));
  }
  if (kind != kConfigKind) {
    return Invalid(fmt::format("couldn't decode as KubeSchedulerConfiguration, got {}, Kind={}: ",
                               version, kind));
  }
  return absl::OkStatus();
}

// Completes the arguments of one pluginConfig entry in place. Arguments of plugins that are not
// upstream's stay as they are, for their own factory.
absl::Status DecodeArgs(PluginConfigSection& entry, const std::string& at, StrictErrors& strict) {
  if (!plugins::HasArgs(entry.name)) return absl::OkStatus();
  const std::string wanted = entry.name + "Args";
  if (entry.args.is_object()) {
    const std::string kind = StringMember(entry.args, "kind");
    const std::string version = StringMember(entry.args, "apiVersion");
    if (!version.empty() && version != kConfigApiVersion) {
      return Invalid(fmt::format(
          "decoding {}: decoding args for plugin {}: no kind {} is registered for version {}", at,
          entry.name, api::GoQuoted(kind.empty() ? wanted : kind), api::GoQuoted(version)));
    }
    if (!kind.empty() && kind != wanted) {
      return Invalid(fmt::format(
          "decoding {}: args for plugin {} were not of type {}.kubescheduler.config.k8s.io, got "
          "{}.kubescheduler.config.k8s.io",
          at, entry.name, wanted, kind));
    }
  }
  plugins::CompletedArgs completed = plugins::CompleteArgs(entry.name, entry.args);
  if (!completed.problem.empty()) {
    return Invalid(fmt::format("decoding {}: decoding args for plugin {}: {}", at, entry.name,
                               completed.problem));
  }
  if (!completed.strict_problem.empty()) {
    strict.Add(fmt::format("decoding {}: strict decoding error: decoding args for plugin {}: {}",
                           at, entry.name, completed.strict_problem));
  }
  entry.args = std::move(completed.json);
  return absl::OkStatus();
}

absl::Status DecodeAllArgs(Configuration& config, StrictErrors& strict) {
  for (size_t i = 0; i < config.profiles.size(); ++i) {
    auto& entries = config.profiles[i].plugin_config;
    for (size_t j = 0; j < entries.size(); ++j) {
      const std::string at = fmt::format(".profiles[{}].pluginConfig[{}]", i, j);
      BERTH_RETURN_IF_ERROR(DecodeArgs(entries[j], at, strict));
    }
  }
  return absl::OkStatus();
}

bool HasMember(const JsonValue& document, std::string_view section, std::string_view name) {
  const JsonValue* held = document.Find(section);
  return held != nullptr && held->is_object() && held->Find(name) != nullptr;
}

}  // namespace

absl::StatusOr<Configuration> DecodeConfig(std::string_view text,
                                           const framework::PodGroupFeatures& groups) {
  BERTH_ASSIGN_OR_RETURN(std::vector<std::string> documents, api::YamlToJson(text));
  const std::string json = documents.empty() ? "null" : documents.front();
  BERTH_ASSIGN_OR_RETURN(JsonValue document, JsonValue::Parse(json));
  BERTH_RETURN_IF_ERROR(CheckKind(document, text));
  plugins::DecodeProblems problems(kConfigKind);
  for (const std::string& path : DuplicateFields(json)) problems.Duplicate(path);
  auto config = plugins::Decode<Configuration>(document, problems);
  if (const std::string wrong = problems.WrongText(); !wrong.empty()) return Invalid(wrong);
  StrictErrors strict;
  strict.Add(problems.StrictText());
  BERTH_RETURN_IF_ERROR(DecodeAllArgs(config, strict));
  if (!strict.text().empty()) return Invalid(strict.text());
  config.client_connection.qps_is_explicit =
      HasMember(document, "clientConnection", "qps") && config.client_connection.qps != 0;
  SetDefaults(config, groups);
  return config;
}

}  // namespace berth::scheduler
