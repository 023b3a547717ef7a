#include "api/validation/metadata.h"

#include <map>
#include <set>

#include <fmt/core.h>

#include "api/equality.h"
#include "api/json.h"
#include "api/json_value.h"
#include "api/resource_table.h"
#include "api/schema/meta_v1.pb.h"
#include "api/validation/sorted_keys.h"

namespace berth::api::validation {
namespace {

constexpr int64_t kAnnotationBytesMax = 256 << 10;
constexpr int64_t kSubresourceBytesMax = 256;
constexpr int64_t kFieldManagerBytesMax = 128;

template <typename T>
using List = google::protobuf::RepeatedPtrField<T>;

// generateName is valid when some name that begins with it is.
std::string MaskTrailingDash(std::string name) {
  if (name.size() > 1 && name.back() == '-') {
    name.pop_back();
    name.back() = 'a';
  }
  return name;
}

void ValidateOwner(const meta::OwnerReference& owner, const FieldPath& path, Errors& errors) {
  if (owner.api_version().empty()) {
    errors.Required(path.Child("apiVersion"), "must not be empty");
  } else if (std::count(owner.api_version().begin(), owner.api_version().end(), '/') > 1 ||
             ParseGroupVersion(owner.api_version()).version.empty()) {
    errors.Invalid(path.Child("apiVersion"), owner.api_version(),
                   "must be <group>/<version> or <version>");
  }
  if (owner.kind().empty()) errors.Required(path.Child("kind"), "must not be empty");
  if (owner.name().empty()) errors.Required(path.Child("name"), "must not be empty");
  if (owner.uid().empty()) errors.Required(path.Child("uid"), "must not be empty");
  if (owner.api_version() == "v1" && owner.kind() == "Event") {
    errors.InvalidShown(path, ToJsonText(owner),
                        "/v1, Kind=Event is disallowed from being an owner");
  }
}

std::string OwnersToJsonList(const List<meta::OwnerReference>& owners) {
  std::string out = "[";
  for (const meta::OwnerReference& owner : owners) {
    if (out.size() > 1) out.append(",");
    PrintJson(owner, out);
  }
  return out.append("]");
}

void ValidateOwners(const List<meta::OwnerReference>& owners, const FieldPath& path,
                    Errors& errors) {
  std::string controller;
  for (int i = 0; i < owners.size() && !errors.full(); ++i) {
    ValidateOwner(owners[i], path.Index(i), errors);
    if (!owners[i].controller()) continue;
    const std::string name = fmt::format("{}/{}", owners[i].kind(), owners[i].name());
    if (controller.empty()) {
      controller = name;
      continue;
    }
    errors.InvalidShown(path, OwnersToJsonList(owners),
                        fmt::format("Only one reference can have Controller set to true. Found "
                                    "\"true\" in references for {} and {}",
                                    controller, name));
  }
}

void ValidateFinalizers(const List<std::string>& finalizers, const FieldPath& path,
                        Errors& errors) {
  bool orphan = false, foreground = false;
  for (const std::string& name : finalizers) {
    ValidateFinalizerName(name, path, errors);
    orphan = orphan || name == "orphan";
    foreground = foreground || name == "foregroundDeletion";
  }
  if (orphan && foreground) {
    errors.InvalidShown(path, ToJsonList(finalizers),
                        "finalizer orphan and foregroundDeletion cannot be both set");
  }
}

void ValidateManagedFields(const List<meta::ManagedFieldsEntry>& entries, const FieldPath& path,
                           Errors& errors) {
  for (int i = 0; i < entries.size(); ++i) {
    const meta::ManagedFieldsEntry& entry = entries[i];
    const FieldPath at = path.Index(i);
    if (entry.operation().empty()) {
      errors.Required(at.Child("operation"), "must not be empty");
    } else if (entry.operation() != "Apply" && entry.operation() != "Update") {
      errors.NotSupported(at.Child("operation"), entry.operation(), {"Apply", "Update"});
    }
    if (!entry.fields_type().empty() && entry.fields_type() != "FieldsV1") {
      errors.Invalid(at.Child("fieldsType"), entry.fields_type(), "must be `FieldsV1`");
    }
    if (static_cast<int64_t>(entry.manager().size()) > kFieldManagerBytesMax) {
      errors.TooLong(at.Child("manager"), kFieldManagerBytesMax);
    }
    if (static_cast<int64_t>(entry.subresource().size()) > kSubresourceBytesMax) {
      errors.TooLong(at.Child("subresource"), kSubresourceBytesMax);
    }
  }
}

void ValidateNamespaceOf(const meta::ObjectMeta& metadata, bool namespaced, const FieldPath& path,
                         Errors& errors) {
  const std::string& name = metadata.namespace_();
  if (!namespaced) {
    if (!name.empty()) errors.Forbidden(path.Child("namespace"), "not allowed on this type");
  } else if (name.empty()) {
    errors.Required(path.Child("namespace"));
  } else {
    errors.Invalid(path.Child("namespace"), name, IsDns1123Label(name));
  }
}

void ValidateKubeFinalizers(const meta::ObjectMeta& metadata, const FieldPath& path,
                            Errors& errors) {
  for (int i = 0; i < metadata.finalizers_size(); ++i) {
    ValidateKubeFinalizerName(metadata.finalizers(i), path.Child("finalizers", i), errors);
  }
}

// Go's %#v of a list of texts.
std::string GoStrings(const std::set<std::string_view>& texts) {
  std::string out = "[]string{";
  for (const std::string_view text : texts) {
    if (text != *texts.begin()) out.append(", ");
    out.append(GoQuoted(text));
  }
  return out.append("}");
}

void ValidateNoNewFinalizers(const meta::ObjectMeta& metadata, const meta::ObjectMeta& old,
                             const FieldPath& path, Errors& errors) {
  std::set<std::string_view> added(metadata.finalizers().begin(), metadata.finalizers().end());
  for (const std::string& name : old.finalizers()) added.erase(name);
  if (added.empty()) return;
  errors.Forbidden(path.Child("finalizers"),
                   fmt::format("no new finalizers can be added if the object is being deleted, "
                               "found new finalizers {}",
                               GoStrings(added)));
}

void ValidateImmutableText(const std::string& value, const std::string& old, const FieldPath& path,
                           Errors& errors) {
  if (value != old) errors.Invalid(path, value, kImmutableText);
}

void ValidateImmutableTime(bool present, const meta::Time& value, bool old_present,
                           const meta::Time& old, const FieldPath& path, Errors& errors) {
  if (present == old_present && SemanticEqual(value, old)) return;
  errors.InvalidShown(path, present ? ToJsonText(value) : "null", kImmutableText);
}

void ValidateImmutableMeta(const meta::ObjectMeta& metadata, const meta::ObjectMeta& old,
                           const FieldPath& path, Errors& errors) {
  ValidateImmutableText(metadata.name(), old.name(), path.Child("name"), errors);
  ValidateImmutableText(metadata.namespace_(), old.namespace_(), path.Child("namespace"), errors);
  ValidateImmutableText(metadata.uid(), old.uid(), path.Child("uid"), errors);
  ValidateImmutableTime(metadata.has_creation_timestamp(), metadata.creation_timestamp(),
                        old.has_creation_timestamp(), old.creation_timestamp(),
                        path.Child("creationTimestamp"), errors);
  ValidateImmutableTime(metadata.has_deletion_timestamp(), metadata.deletion_timestamp(),
                        old.has_deletion_timestamp(), old.deletion_timestamp(),
                        path.Child("deletionTimestamp"), errors);
  if (metadata.has_deletion_grace_period_seconds() != old.has_deletion_grace_period_seconds() ||
      metadata.deletion_grace_period_seconds() != old.deletion_grace_period_seconds()) {
    errors.InvalidShown(path.Child("deletionGracePeriodSeconds"),
                        metadata.has_deletion_grace_period_seconds()
                            ? std::to_string(metadata.deletion_grace_period_seconds())
                            : "null",
                        kImmutableText);
  }
}

void ValidateRequirement(const meta::LabelSelectorRequirement& requirement, const FieldPath& path,
                         Errors& errors) {
  const std::string& op = requirement.operator_();
  if (op == "In" || op == "NotIn") {
    if (requirement.values().empty()) {
      errors.Required(path.Child("values"),
                      "must be specified when `operator` is 'In' or 'NotIn'");
    }
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (!requirement.values().empty()) {
      errors.Forbidden(path.Child("values"),
                       "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else {
    errors.Invalid(path.Child("operator"), op, "not a valid selector operator");
  }
  errors.Invalid(path.Child("key"), requirement.key(), IsQualifiedName(requirement.key()));
  for (int i = 0; i < requirement.values_size(); ++i) {
    errors.Invalid(path.Child("values", i), requirement.values(i),
                   IsLabelValue(requirement.values(i)));
  }
}

}  // namespace

std::string ToJsonList(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out.append(",");
    out.append(GoQuoted(text));
  }
  return out.append("]");
}

std::string ToJsonText(const StringStringMap& map) {
  if (map.empty()) return "null";
  std::string out = "{";
  for (const std::string_view key : SortedKeys(map)) {
    if (out.size() > 1) out.append(",");
    out.append(GoQuoted(key)).append(":").append(GoQuoted(map.at(std::string(key))));
  }
  return out.append("}");
}

std::string ToJsonText(const google::protobuf::Message& message) {
  std::string out;
  PrintJson(message, out);
  return out;
}

std::string DescribeDifference(const google::protobuf::Message& old,
                               const google::protobuf::Message& object) {
  const auto before = JsonValue::Parse(ToJsonText(old));
  const auto after = JsonValue::Parse(ToJsonText(object));
  if (!before.ok() || !after.ok()) return {};
  std::set<std::string> names;
  for (const auto& [name, value] : before->object()) names.insert(name);
  for (const auto& [name, value] : after->object()) names.insert(name);
  std::string out;
  for (const std::string& name : names) {
    const JsonValue* a = before->Find(name);
    const JsonValue* b = after->Find(name);
    if (a != nullptr && b != nullptr && *a == *b) continue;
    if (a != nullptr) out += fmt::format("- {}: {}\n", name, a->ToText());
    if (b != nullptr) out += fmt::format("+ {}: {}\n", name, b->ToText());
  }
  return out;
}

void ValidateLabels(const StringStringMap& labels, const FieldPath& path, Errors& errors) {
  for (const auto& [key, value] : labels) {
    if (IsQualifiedName(key).empty() && IsLabelValue(value).empty()) continue;
    for (const std::string_view name : SortedKeys(labels)) {
      errors.Invalid(path, name, IsQualifiedName(name));
      const std::string& text = labels.at(std::string(name));
      errors.Invalid(path, text, IsLabelValue(text));
    }
    return;
  }
}

void ValidateAnnotations(const StringStringMap& annotations, const FieldPath& path,
                         Errors& errors) {
  int64_t bytes = 0;
  for (const auto& [key, value] : annotations) {
    bytes += static_cast<int64_t>(key.size() + value.size());
  }
  for (const std::string_view key : SortedKeys(annotations)) {
    std::string lower(key);
    for (char& c : lower) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    errors.Invalid(path, key, IsQualifiedName(lower));
  }
  if (bytes > kAnnotationBytesMax) errors.TooLong(path, kAnnotationBytesMax);
}

void ValidateLabelSelector(const meta::LabelSelector& selector, const FieldPath& path,
                           Errors& errors) {
  ValidateLabels(selector.match_labels(), path.Child("matchLabels"), errors);
  for (int i = 0; i < selector.match_expressions_size(); ++i) {
    ValidateRequirement(selector.match_expressions(i), path.Child("matchExpressions", i), errors);
  }
}

void ValidateFinalizerName(std::string_view name, const FieldPath& path, Errors& errors) {
  errors.Invalid(path, name, IsQualifiedName(name));
}

void ValidateKubeFinalizerName(std::string_view name, const FieldPath& path, Errors& errors) {
  if (name.find('/') != std::string_view::npos) return;
  if (name == "kubernetes" || name == "orphan" || name == "foregroundDeletion") return;
  errors.Invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified");
}

void ValidateObjectMeta(const meta::ObjectMeta& metadata, bool namespaced, NameRule name_rule,
                        const FieldPath& path, Errors& errors) {
  if (!metadata.generate_name().empty()) {
    errors.Invalid(path.Child("generateName"), metadata.generate_name(),
                   name_rule(MaskTrailingDash(metadata.generate_name())));
  }
  if (metadata.name().empty()) {
    errors.Required(path.Child("name"), "name or generateName is required");
  } else {
    errors.Invalid(path.Child("name"), metadata.name(), name_rule(metadata.name()));
  }
  ValidateNamespaceOf(metadata, namespaced, path, errors);
  errors.NonNegative(path.Child("generation"), metadata.generation());
  ValidateLabels(metadata.labels(), path.Child("labels"), errors);
  ValidateAnnotations(metadata.annotations(), path.Child("annotations"), errors);
  ValidateOwners(metadata.owner_references(), path.Child("ownerReferences"), errors);
  ValidateFinalizers(metadata.finalizers(), path.Child("finalizers"), errors);
  ValidateManagedFields(metadata.managed_fields(), path.Child("managedFields"), errors);
}

void ValidateCoreObjectMeta(const meta::ObjectMeta& metadata, bool namespaced, NameRule name_rule,
                            const FieldPath& path, Errors& errors) {
  ValidateObjectMeta(metadata, namespaced, name_rule, path, errors);
  ValidateKubeFinalizers(metadata, path, errors);
}

void ValidateTemplateObjectMeta(const meta::ObjectMeta& metadata, const FieldPath& path,
                                Errors& errors) {
  ValidateAnnotations(metadata.annotations(), path.Child("annotations"), errors);
  ValidateLabels(metadata.labels(), path.Child("labels"), errors);
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  metadata.GetReflection()->ListFields(metadata, &fields);
  for (const auto* field : fields) {
    const std::string& name = field->json_name();
    if (name == "annotations" || name == "labels") continue;
    // Upstream makes the name from Go's: UID.
    errors.Forbidden(path.Child(name == "uid" ? "uID" : std::string_view(name)), "cannot be set");
  }
}

void ValidateObjectMetaUpdate(const meta::ObjectMeta& metadata, const meta::ObjectMeta& old,
                              const FieldPath& path, Errors& errors) {
  if (old.has_deletion_timestamp()) ValidateNoNewFinalizers(metadata, old, path, errors);
  if (metadata.resource_version().empty()) {
    errors.Invalid(path.Child("resourceVersion"), metadata.resource_version(),
                   "must be specified for an update");
  }
  errors.NonNegative(path.Child("generation"), metadata.generation());
  if (metadata.generation() < old.generation()) {
    errors.InvalidInt(path.Child("generation"), metadata.generation(), "must not be decremented");
  }
  ValidateImmutableMeta(metadata, old, path, errors);
  ValidateLabels(metadata.labels(), path.Child("labels"), errors);
  ValidateAnnotations(metadata.annotations(), path.Child("annotations"), errors);
  ValidateOwners(metadata.owner_references(), path.Child("ownerReferences"), errors);
  ValidateManagedFields(metadata.managed_fields(), path.Child("managedFields"), errors);
}

void ValidateCoreObjectMetaUpdate(const meta::ObjectMeta& metadata, const meta::ObjectMeta& old,
                                  const FieldPath& path, Errors& errors) {
  ValidateObjectMetaUpdate(metadata, old, path, errors);
  ValidateKubeFinalizers(metadata, path, errors);
}

}  // namespace berth::api::validation
