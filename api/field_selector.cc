#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

#include <fmt/core.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/events_v1.pb.h"
#include "api/selectors.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using FieldPath = std::vector<const FieldDescriptor*>;

// A field objects can be selected by. alias: the field it is another name of. path: where the
// value is, when not under the field's own name; "-" when the value is always empty.
struct SelectableField {
  std::string_view field;
  std::string_view alias = {};
  std::string_view path = {};
  std::string_view fallback = {};
};

constexpr SelectableField kPodFields[] = {
    {"metadata.name"}, {"metadata.namespace"}, {"spec.nodeName"}, {"spec.restartPolicy"},
    {"spec.schedulerName"}, {"spec.serviceAccountName"}, {"spec.hostNetwork"}, {"status.phase"},
    {"status.podIP"}, {"status.nominatedNodeName"}, {"status.podIPs", "", "-"},
    {"spec.host", "spec.nodeName"},
};
constexpr SelectableField kNodeFields[] = {{"metadata.name"}, {"spec.unschedulable"}};
constexpr SelectableField kNamespaceFields[] = {{"metadata.name"}, {"status.phase"}};
constexpr SelectableField kCoreEventFields[] = {
    {"involvedObject.kind"}, {"involvedObject.namespace"}, {"involvedObject.name"},
    {"involvedObject.uid"}, {"involvedObject.apiVersion"}, {"involvedObject.resourceVersion"},
    {"involvedObject.fieldPath"}, {"reason"}, {"reportingComponent"},
    {"source", "", "source.component", "reportingComponent"}, {"type"}, {"metadata.name"},
    {"metadata.namespace"},
};
// The names of events.k8s.io, and the same values in the stored form.
struct EventField {
  std::string_view field;
  std::string_view stored;
};
constexpr EventField kEventFields[] = {
    {"regarding.kind", "involvedObject.kind"},
    {"regarding.namespace", "involvedObject.namespace"},
    {"regarding.name", "involvedObject.name"},
    {"regarding.uid", "involvedObject.uid"},
    {"regarding.apiVersion", "involvedObject.apiVersion"},
    {"regarding.resourceVersion", "involvedObject.resourceVersion"},
    {"regarding.fieldPath", "involvedObject.fieldPath"},
    {"reason", "reason"},
    {"reportingController", "reportingComponent"},
    {"type", "type"},
    {"metadata.name", "metadata.name"},
    {"metadata.namespace", "metadata.namespace"},
};
constexpr SelectableField kReplicationControllerFields[] = {
    {"metadata.name"}, {"metadata.namespace"}, {"status.replicas"}};
constexpr SelectableField kServiceFields[] = {
    {"metadata.name"}, {"metadata.namespace"}, {"spec.clusterIP"}, {"spec.type"}};
constexpr SelectableField kStatefulSetFields[] = {
    {"metadata.name"}, {"metadata.namespace"}, {"status.successful", "", "-"}};
constexpr SelectableField kResourceSliceFields[] = {
    {"metadata.name"}, {"spec.nodeName"}, {"spec.driver"}};
constexpr SelectableField kMetadataFields[] = {{"metadata.name"}, {"metadata.namespace"}};

std::span<const SelectableField> FieldsOf(const Resource& resource) {
  if (resource.kind == "StatefulSet") return kStatefulSetFields;
  if (resource.kind == "ResourceSlice") return kResourceSliceFields;
  if (!resource.group.empty()) return kMetadataFields;
  if (resource.kind == "ReplicationController") return kReplicationControllerFields;
  if (resource.kind == "Service") return kServiceFields;
  if (resource.kind == "Pod") return kPodFields;
  if (resource.kind == "Node") return kNodeFields;
  if (resource.kind == "Namespace") return kNamespaceFields;
  if (resource.kind == "Event") return kCoreEventFields;
  return kMetadataFields;
}

bool IsEventsGroup(const Resource& resource) { return resource.group == "events.k8s.io"; }

FieldPath Resolve(const Descriptor* type, std::string_view dotted) {
  FieldPath path;
  while (!dotted.empty()) {
    const size_t end = std::min(dotted.find('.'), dotted.size());
    const std::string name(dotted.substr(0, end));
    dotted.remove_prefix(std::min(end + 1, dotted.size()));
    const FieldDescriptor* found = nullptr;
    for (int i = 0; i < type->field_count() && found == nullptr; ++i) {
      if (type->field(i)->json_name() == name) found = type->field(i);
    }
    BERTH_CHECK(found != nullptr);
    path.push_back(found);
    type = found->message_type();
  }
  return path;
}

// Calls use(text) with the value at the path; absent messages yield the field's zero.
template <typename Use>
bool WithValue(const Message& message, const FieldPath& path, Use use) {
  const Message* at = &message;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    at = &at->GetReflection()->GetMessage(*at, path[i]);
  }
  const FieldDescriptor* field = path.back();
  const auto* reflection = at->GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    return use(std::string_view(reflection->GetBool(*at, field) ? "true" : "false"));
  }
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    std::string unused;
    return use(std::string_view(reflection->GetStringReference(*at, field, &unused)));
  }
  char buffer[24];
  const int64_t number = field->cpp_type() == FieldDescriptor::CPPTYPE_INT64
                             ? reflection->GetInt64(*at, field)
                             : reflection->GetInt32(*at, field);
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), number);
  return use(std::string_view(buffer, static_cast<size_t>(result.ptr - buffer)));
}

absl::StatusOr<std::string> Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ',' || c == '=') {
      return BadRequest(
          fmt::format("invalid field selector: unescaped character in value: {}", int{c}));
    }
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    const std::string_view sequence = text.substr(i, 2);
    constexpr std::string_view kEscapable = "\\,=";
    if (sequence.size() < 2 || kEscapable.find(sequence[1]) == std::string_view::npos) {
      return BadRequest(
          fmt::format("invalid field selector: invalid escape sequence: {}", sequence));
    }
    out.push_back(sequence[1]);
    ++i;
  }
  return out;
}

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == ',' || c == '=') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::vector<std::string_view> SplitTerms(std::string_view text) {
  std::vector<std::string_view> out;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == ',') {
      out.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  out.push_back(text.substr(std::min(start, text.size())));
  return out;
}

// A field by its own name: "spec.host" is "spec.nodeName".
std::string NameOf(const Resource& resource, std::string_view field) {
  if (!IsEventsGroup(resource)) {
    for (const SelectableField& row : FieldsOf(resource)) {
      if (row.field == field && !row.alias.empty()) return std::string(row.alias);
    }
  }
  return std::string(field);
}

absl::Status NotSelectable(const Resource& resource, std::string_view field) {
  if (FieldsOf(resource).data() != std::data(kMetadataFields) || IsEventsGroup(resource)) {
    return BadRequest(fmt::format("field label not supported: {}", field));
  }
  return BadRequest(
      fmt::format("{} is not a known field selector: only \"metadata.name\", "
                  "\"metadata.namespace\"",
                  GoQuoted(field)));
}

}  // namespace

FieldSelector::Term& FieldSelector::TermOf(std::string field) {
  const auto it = std::find_if(terms_.begin(), terms_.end(),
                               [&](const Term& term) { return term.field == field; });
  if (it != terms_.end()) return *it;
  terms_.emplace_back().field = std::move(field);
  return terms_.back();
}

absl::Status FieldSelector::AddAccessors(const Resource& resource, Term& term) {
  if (IsEventsGroup(resource)) {
    for (const EventField& row : kEventFields) {
      if (row.field != term.field) continue;
      term.accessors.push_back({events::Event::descriptor(),
                                Resolve(events::Event::descriptor(), row.field), {}});
      term.accessors.push_back({core::Event::descriptor(),
                                Resolve(core::Event::descriptor(), row.stored), {}});
      return absl::OkStatus();
    }
    return NotSelectable(resource, term.field);
  }
  for (const SelectableField& row : FieldsOf(resource)) {
    if (row.field != term.field) continue;
    const Descriptor* type = resource.prototype->GetDescriptor();
    if (row.path != "-") {
      term.accessors.push_back({type, Resolve(type, row.path.empty() ? term.field : row.path),
                                Resolve(type, row.fallback)});
    }
    return absl::OkStatus();
  }
  return NotSelectable(resource, term.field);
}

absl::Status FieldSelector::AddTerm(const Resource& resource, std::string_view part,
                                    std::string_view whole, FieldSelector& out) {
  const size_t sign = part.find_first_of("=!");
  size_t at = sign;
  while (at != std::string_view::npos && part[at] == '!' && !part.substr(at).starts_with("!=")) {
    at = part.find_first_of("=!", at + 1);
  }
  if (at == std::string_view::npos) {
    return BadRequest(fmt::format("invalid selector: '{}'; can't understand '{}'", whole, part));
  }
  const bool equal = part[at] == '=';
  const bool two_signs = part.substr(at).starts_with("!=") || part.substr(at).starts_with("==");
  BERTH_ASSIGN_OR_RETURN(std::string value, Unescape(part.substr(at + (two_signs ? 2 : 1))));
  Term& term = out.TermOf(NameOf(resource, part.substr(0, at)));
  if (term.equal.empty() && term.excluded.empty()) {
    BERTH_RETURN_IF_ERROR(AddAccessors(resource, term));
  }
  if (!out.text_.empty()) out.text_.append(",");
  out.text_ += fmt::format("{}{}{}", term.field, equal ? "=" : "!=", Escape(value));
  (equal ? term.equal : term.excluded).push_back(std::move(value));
  return absl::OkStatus();
}

absl::StatusOr<FieldSelector> FieldSelector::Parse(const Resource& resource,
                                                   std::string_view text) {
  std::vector<std::string_view> parts = SplitTerms(text);
  std::sort(parts.begin(), parts.end());
  FieldSelector out;
  for (const std::string_view part : parts) {
    if (part.empty()) continue;
    BERTH_RETURN_IF_ERROR(AddTerm(resource, part, text, out));
  }
  for (Term& term : out.terms_) {
    SortUnique(term.equal);
    SortUnique(term.excluded);
  }
  return out;
}

bool FieldSelector::Term::Accepts(std::string_view value) const {
  if (equal.size() > 1 || (!equal.empty() && equal.front() != value)) return false;
  return !std::binary_search(excluded.begin(), excluded.end(), value, std::less<>());
}

bool FieldSelector::Matches(const Message& message) const {
  for (const Term& term : terms_) {
    const auto mine = std::find_if(
        term.accessors.begin(), term.accessors.end(),
        [&](const Accessor& accessor) { return accessor.type == message.GetDescriptor(); });
    if (mine == term.accessors.end()) {
      if (!term.Accepts("")) return false;
      continue;
    }
    const bool accepted = WithValue(message, mine->path, [&](std::string_view value) {
      if (!value.empty() || mine->fallback.empty()) return term.Accepts(value);
      return WithValue(message, mine->fallback,
                       [&](std::string_view other) { return term.Accepts(other); });
    });
    if (!accepted) return false;
  }
  return true;
}

std::optional<std::string_view> FieldSelector::ExactValue(std::string_view field) const {
  for (const Term& term : terms_) {
    if (!term.equal.empty() && term.field == field) return term.equal.front();
  }
  return std::nullopt;
}

std::string FieldSelector::ToString() const { return text_; }

}  // namespace berth::api
