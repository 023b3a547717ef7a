// Warnings of pods and of the templates that pods are made of. Called by api/warnings.cc.
// Source: pkg/api/pod/warnings.go, pkg/api/node/util.go.
#pragma once

#include <string>
#include <string_view>

#include "api/fwd.h"
#include "api/pod_resources.h"
#include "api/validation/field_path.h"
#include "api/warning_list.h"

namespace berth::api {

// Upstream gives these first: before it copies the annotations to the fields that replace them.
void WarnOfAppArmorAnnotations(const core::Pod& pod, WarningList& warnings);
// The rest, but for its name.
void WarnOfNewPod(const core::Pod& pod, WarningList& warnings);
void WarnOfPodStatus(const core::PodStatus& status, WarningList& warnings);
// path: of the template.
void WarnOfPodTemplate(const core::PodTemplateSpec& pod_template,
                       const validation::FieldPath& path, WarningList& warnings);

// --- parts, in files of their own; path: of the spec ---

// What the parts that know of annotations look at.
struct AnnotatedSpec {
  const meta::ObjectMeta& metadata;
  const core::PodSpec& spec;
  const validation::FieldPath& annotations_path;
  const validation::FieldPath& path;
  bool is_template = false;
};

// container_warnings.cc: annotations, amounts and environment of each container, then the ports
// of all, then the names of ports.
void WarnOfContainers(const AnnotatedSpec& pod, WarningList& warnings);
// volume_warnings.cc: each volume, then what the files in each volume hide of one another.
void WarnOfVolumes(const core::PodSpec& spec, const validation::FieldPath& path,
                   WarningList& warnings);
// Amounts of bytes that are no whole number. path: of the list.
void WarnOfFraction(const ResourceList& amounts, std::string_view name,
                    const validation::FieldPath& path, WarningList& warnings);
bool HasAnnotation(const meta::ObjectMeta& metadata, std::string_view key);

}  // namespace berth::api
