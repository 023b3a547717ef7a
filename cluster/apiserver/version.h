// What /version says: the Kubernetes version whose behaviour is served, and whose server it is.
#pragma once

#include <string>
#include <string_view>

namespace berth::apiserver {

inline constexpr std::string_view kBerthVersion = "0.1.0";

std::string VersionJson();

}  // namespace berth::apiserver
