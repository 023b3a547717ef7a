#include "api/warnings.h"

#include <algorithm>

#include <fmt/core.h>
#include <google/protobuf/message.h>

#include "api/errors.h"
#include "api/pod_warnings.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "api/validation/field_path.h"
#include "api/validation/ip.h"
#include "api/validation/names.h"
#include "api/warning_list.h"
#include "base/check.h"

namespace berth::api {
namespace {

using google::protobuf::Message;
using validation::FieldPath;

template <typename T>
const T* As(const Message& object) {
  return object.GetDescriptor() == T::descriptor() ? &static_cast<const T&>(object) : nullptr;
}

// used_in: where the name, which may be any subdomain, goes as if it were a label.
void WarnOfName(std::string_view name, std::string_view used_in, WarningList& warnings) {
  const validation::Complaints complaints = validation::IsDns1123Label(name);
  if (complaints.empty()) return;
  warnings.Add(fmt::format("metadata.name: this is used in {}, which can result in surprising "
                           "behavior; a DNS label is recommended: [{}]",
                           used_in, validation::Joined(complaints, " ")));
}

void WarnOfNode(const core::NodeSpec& spec, WarningList& warnings) {
  if (spec.has_config_source()) warnings.Add("spec.configSource: the feature is removed");
  if (!spec.external_id().empty()) {
    warnings.Add("spec.externalID: this field is deprecated, and is unused by Kubernetes");
  }
  const FieldPath path("spec.podCIDRs");
  for (int i = 0; i < spec.pod_cidrs_size(); ++i) {
    for (const std::string& text : validation::CidrWarnings(spec.pod_cidrs(i))) {
      warnings.Add(path.Index(i), text);
    }
  }
}

void WarnOfTemplate(const apps::ReplicaSet& set, WarningList& warnings) {
  WarnOfPodTemplate(set.spec().template_(), FieldPath("spec.template"), warnings);
}

void WarnOfDriver(const std::string& driver, WarningList& warnings) {
  const bool upper = std::any_of(driver.begin(), driver.end(),
                                 [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!upper) return;
  warnings.Add(fmt::format("spec.driver: driver names should be lowercase; {} contains uppercase "
                           "characters",
                           GoQuoted(driver)));
}

}  // namespace

std::vector<std::string> GivenWarnings(const Message& object) {
  WarningList warnings;
  if (const auto* pod = As<core::Pod>(object)) WarnOfAppArmorAnnotations(*pod, warnings);
  return warnings.Take();
}

std::vector<std::string> CreateWarnings(const Resource& /*resource*/, const Message& object) {
  WarningList warnings;
  if (const auto* pod = As<core::Pod>(object)) {
    WarnOfName(pod->metadata().name(), "the Pod's hostname", warnings);
    WarnOfNewPod(*pod, warnings);
  } else if (const auto* node = As<core::Node>(object)) {
    WarnOfNode(node->spec(), warnings);
  } else if (const auto* set = As<apps::ReplicaSet>(object)) {
    WarnOfName(set->metadata().name(), "Pod names and hostnames", warnings);
    WarnOfTemplate(*set, warnings);
  } else if (const auto* slice = As<dra::ResourceSlice>(object)) {
    WarnOfDriver(slice->spec().driver(), warnings);
  }
  return warnings.Take();
}

std::vector<std::string> UpdateWarnings(const Resource& /*resource*/, std::string_view subresource,
                                        const Message& object, const Message& old) {
  BERTH_CHECK(object.GetDescriptor() == old.GetDescriptor());
  WarningList warnings;
  const bool of_status = subresource == "status";
  if (const auto* pod = As<core::Pod>(object)) {
    if (of_status) WarnOfPodStatus(pod->status(), warnings);
  } else if (const auto* node = As<core::Node>(object)) {
    if (!of_status) WarnOfNode(node->spec(), warnings);
  } else if (const auto* set = As<apps::ReplicaSet>(object)) {
    const int64_t before = As<apps::ReplicaSet>(old)->metadata().generation();
    if (!of_status && set->metadata().generation() != before) WarnOfTemplate(*set, warnings);
  } else if (const auto* slice = As<dra::ResourceSlice>(object)) {
    WarnOfDriver(slice->spec().driver(), warnings);
  }
  return warnings.Take();
}

}  // namespace berth::api
