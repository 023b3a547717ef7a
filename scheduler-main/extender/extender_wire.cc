#include "scheduler-main/extender/extender_wire.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <absl/strings/match.h>
#include <fmt/core.h>

#include "api/errors.h"
#include "api/json.h"
#include "api/json_value.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::scheduler {
namespace {

using api::JsonQuoted;
using api::JsonValue;
using framework::NodePtr;
using framework::PodInfo;
using framework::PodPtr;

absl::Status WrongType(const JsonValue& value, std::string_view field, std::string_view wanted) {
  static constexpr std::string_view kKinds[] = {"null",   "bool",  "number", "number",
                                                "string", "array", "object"};
  return absl::InvalidArgumentError(
      ToAbsl(fmt::format("json: cannot unmarshal {} into Go struct field {} of type {}",
                         kKinds[static_cast<size_t>(value.kind())], field, wanted)));
}

// The member of that name, as written or in another case; null when it is absent or null.
const JsonValue* Field(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.Find(name);
  if (found == nullptr) {
    const auto& members = object.object();
    const auto it = std::find_if(members.begin(), members.end(), [&](const auto& member) {
      return absl::EqualsIgnoreCase(member.first, ToAbsl(name));
    });
    if (it != members.end()) found = &it->second;
  }
  return found != nullptr && found->is_null() ? nullptr : found;
}

absl::StatusOr<std::string> Text(const JsonValue& object, std::string_view name) {
  const JsonValue* value = Field(object, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return WrongType(*value, name, "string");
  return value->string();
}

absl::StatusOr<int64_t> Number(const JsonValue& object, std::string_view name) {
  const JsonValue* value = Field(object, name);
  if (value == nullptr) return 0;
  if (value->kind() != JsonValue::Kind::kInt) return WrongType(*value, name, "int64");
  return value->int_value();
}

absl::StatusOr<JsonValue> ParseAnswer(std::string_view text) {
  auto value = JsonValue::Parse(text);
  if (value.ok()) return value;
  return absl::InvalidArgumentError(ToAbsl(
      fmt::format("the extender's answer is not JSON: {}", ToStd(value.status().message()))));
}

absl::StatusOr<JsonValue> ParseObject(std::string_view text, std::string_view type) {
  BERTH_ASSIGN_OR_RETURN(JsonValue value, ParseAnswer(text));
  if (!value.is_object()) return WrongType(value, "", type);
  return value;
}

// Null when absent.
absl::StatusOr<const JsonValue*> Map(const JsonValue& object, std::string_view name) {
  const JsonValue* value = Field(object, name);
  if (value != nullptr && !value->is_object()) return WrongType(*value, name, "map");
  return value;
}

absl::StatusOr<const JsonValue*> List(const JsonValue& object, std::string_view name) {
  const JsonValue* value = Field(object, name);
  if (value != nullptr && !value->is_array()) return WrongType(*value, name, "slice");
  return value;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Messages(
    const JsonValue& object, std::string_view name) {
  std::vector<std::pair<std::string, std::string>> messages;
  BERTH_ASSIGN_OR_RETURN(const JsonValue* map, Map(object, name));
  if (map == nullptr) return messages;
  for (const auto& [node, message] : map->object()) {
    if (!message.is_string()) return WrongType(message, name, "string");
    messages.emplace_back(node, message.string());
  }
  return messages;
}

std::string PodJson(const PodInfo& pod) {
  std::string out;
  api::PrintJson(pod.object(), out);
  return out;
}

void AppendVictims(const framework::PreemptionCandidate& candidate, bool by_uid,
                   std::string& out) {
  out += JsonQuoted(candidate.node) + R"(:{"Pods":[)";
  for (size_t i = 0; i < candidate.victims.size(); ++i) {
    const PodInfo& victim = *candidate.victims[i];
    if (i > 0) out += ",";
    out += by_uid ? fmt::format(R"({{"UID":{}}})", JsonQuoted(victim.uid)) : PodJson(victim);
  }
  out += fmt::format(R"(],"NumPDBViolations":{}}})", candidate.budget_violations);
}

absl::StatusOr<std::vector<NodePtr>> NamedNodes(const JsonValue& names, std::string_view extender,
                                                const std::vector<NodePtr>& asked) {
  StringMap<NodePtr> by_name;
  for (const NodePtr& node : asked) by_name.emplace(node->metadata().name(), node);
  std::vector<NodePtr> nodes;
  for (const JsonValue& name : names.array()) {
    if (!name.is_string()) return WrongType(name, "NodeNames", "string");
    const auto found = by_name.find(name.string());
    if (found == by_name.end()) {
      return absl::InvalidArgumentError(ToAbsl(fmt::format(
          "extender {} claims a filtered node {} which is not found in the input node list",
          api::GoQuoted(extender), api::GoQuoted(name.string()))));
    }
    nodes.push_back(found->second);
  }
  return nodes;
}

absl::StatusOr<std::vector<NodePtr>> DescribedNodes(const JsonValue& list) {
  std::vector<NodePtr> nodes;
  BERTH_ASSIGN_OR_RETURN(const JsonValue* items, List(list, "items"));
  if (items == nullptr) return nodes;
  for (const JsonValue& item : items->array()) {
    auto node = std::make_shared<api::core::Node>();
    BERTH_RETURN_IF_ERROR(api::ParseJson(item.ToText(), *node));
    nodes.push_back(std::move(node));
  }
  return nodes;
}

}  // namespace

std::string ExtenderArgs(const PodInfo& pod, const std::vector<std::string_view>& nodes_json) {
  size_t size = 0;
  for (const std::string_view node : nodes_json) size += node.size() + 1;
  std::string out = R"({"Pod":)" + PodJson(pod) + R"(,"Nodes":{"metadata":{},"items":[)";
  out.reserve(out.size() + size + 64);
  for (size_t i = 0; i < nodes_json.size(); ++i) {
    if (i > 0) out += ",";
    out += nodes_json[i];
  }
  out += R"(]},"NodeNames":null})";
  return out;
}

std::string ExtenderArgsByName(const PodInfo& pod, const std::vector<NodePtr>& nodes) {
  std::string out = R"({"Pod":)" + PodJson(pod) + R"(,"Nodes":null,"NodeNames":[)";
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (i > 0) out += ",";
    out += JsonQuoted(nodes[i]->metadata().name());
  }
  out += "]}";
  return out;
}

std::string ExtenderBindingArgs(const PodInfo& pod, std::string_view node) {
  return fmt::format(R"({{"PodName":{},"PodNamespace":{},"PodUID":{},"Node":{}}})",
                     JsonQuoted(pod.name), JsonQuoted(pod.namespace_name), JsonQuoted(pod.uid),
                     JsonQuoted(node));
}

std::string ExtenderPreemptionArgs(const PodInfo& pod,
                                   const std::vector<framework::PreemptionCandidate>& candidates,
                                   bool by_uid) {
  std::string map = "{";
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (i > 0) map += ",";
    AppendVictims(candidates[i], by_uid, map);
  }
  map += "}";
  return fmt::format(R"({{"Pod":{},"NodeNameToVictims":{},"NodeNameToMetaVictims":{}}})",
                     PodJson(pod), by_uid ? "null" : map, by_uid ? map : "null");
}

absl::StatusOr<framework::ExtenderFilterResult> ParseFilterResult(
    std::string_view text, std::string_view extender, bool by_name,
    const std::vector<NodePtr>& asked) {
  BERTH_ASSIGN_OR_RETURN(const JsonValue said, ParseObject(text, "v1.ExtenderFilterResult"));
  BERTH_ASSIGN_OR_RETURN(const std::string error, Text(said, "Error"));
  if (!error.empty()) return absl::UnknownError(error);
  framework::ExtenderFilterResult out;
  BERTH_ASSIGN_OR_RETURN(out.failed, Messages(said, "FailedNodes"));
  BERTH_ASSIGN_OR_RETURN(out.unresolvable, Messages(said, "FailedAndUnresolvableNodes"));
  BERTH_ASSIGN_OR_RETURN(const JsonValue* names, List(said, "NodeNames"));
  BERTH_ASSIGN_OR_RETURN(const JsonValue* nodes, Map(said, "Nodes"));
  if (by_name && names != nullptr) {
    BERTH_ASSIGN_OR_RETURN(out.kept, NamedNodes(*names, extender, asked));
  } else if (nodes != nullptr) {
    BERTH_ASSIGN_OR_RETURN(out.kept, DescribedNodes(*nodes));
    out.kept_are_its_own = true;
  }
  return out;
}

absl::StatusOr<framework::Extender::Scores> ParseHostPriorities(std::string_view text) {
  BERTH_ASSIGN_OR_RETURN(const JsonValue said, ParseAnswer(text));
  framework::Extender::Scores scores;
  if (said.is_null()) return scores;
  if (!said.is_array()) return WrongType(said, "", "v1.HostPriorityList");
  for (const JsonValue& item : said.array()) {
    if (!item.is_object()) return WrongType(item, "", "v1.HostPriority");
    BERTH_ASSIGN_OR_RETURN(std::string host, Text(item, "Host"));
    BERTH_ASSIGN_OR_RETURN(const int64_t score, Number(item, "Score"));
    scores.emplace_back(std::move(host), score);
  }
  return scores;
}

absl::Status ParseBindingResult(std::string_view text) {
  BERTH_ASSIGN_OR_RETURN(const JsonValue said, ParseObject(text, "v1.ExtenderBindingResult"));
  BERTH_ASSIGN_OR_RETURN(const std::string error, Text(said, "Error"));
  return error.empty() ? absl::OkStatus() : absl::UnknownError(error);
}

absl::StatusOr<std::vector<framework::ExtenderVictims>> ParsePreemptionResult(
    std::string_view text) {
  BERTH_ASSIGN_OR_RETURN(const JsonValue said, ParseObject(text, "v1.ExtenderPreemptionResult"));
  std::vector<framework::ExtenderVictims> out;
  BERTH_ASSIGN_OR_RETURN(const JsonValue* map, Map(said, "NodeNameToMetaVictims"));
  if (map == nullptr) return out;
  for (const auto& [node, victims] : map->object()) {
    framework::ExtenderVictims each{.node = node, .pod_uids = {}, .budget_violations = 0};
    if (victims.is_object()) {
      BERTH_ASSIGN_OR_RETURN(each.budget_violations, Number(victims, "NumPDBViolations"));
      BERTH_ASSIGN_OR_RETURN(const JsonValue* pods, List(victims, "Pods"));
      for (const JsonValue& pod : pods != nullptr ? pods->array() : JsonValue::Array()) {
        if (!pod.is_object()) return WrongType(pod, "Pods", "v1.MetaPod");
        BERTH_ASSIGN_OR_RETURN(std::string uid, Text(pod, "UID"));
        each.pod_uids.push_back(std::move(uid));
      }
    } else if (!victims.is_null()) {
      return WrongType(victims, "NodeNameToMetaVictims", "v1.MetaVictims");
    }
    out.push_back(std::move(each));
  }
  return out;
}

}  // namespace berth::scheduler
