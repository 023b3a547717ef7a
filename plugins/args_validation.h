// What is wrong with a plugin's arguments: every complaint, in upstream's words and order.
// `path` is where the arguments stand ("profiles[0].pluginConfig[1].args"); empty: field names
// alone, as when a plugin is built. Defaults must have been set. Pure functions.
// Source: kube-scheduler apis/config/validation/validation_pluginargs.go; config.md section 3.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "api/errors.h"
#include "plugins/args.h"

namespace berth::plugins {

api::FieldErrors Validate(const std::string& path, const DefaultPreemptionArgs& args);
api::FieldErrors Validate(const std::string& path, const InterPodAffinityArgs& args);
api::FieldErrors Validate(const std::string& path, const NodeAffinityArgs& args);
api::FieldErrors Validate(const std::string& path, const NodeResourcesFitArgs& args);
api::FieldErrors Validate(const std::string& path,
                          const NodeResourcesBalancedAllocationArgs& args);
api::FieldErrors Validate(const std::string& path, const PodTopologySpreadArgs& args);
api::FieldErrors Validate(const std::string& path, const VolumeBindingArgs& args);
api::FieldErrors Validate(const std::string& path, const DynamicResourcesArgs& args);

// "a: Invalid value: ..." or "[first, second]"; empty for none. Equal texts count once.
std::string AggregateText(const api::FieldErrors& errors);
// InvalidArgument with AggregateText; OK for none.
absl::Status AggregateStatus(const api::FieldErrors& errors);

}  // namespace berth::plugins
