// The tag of a container image's name.
#pragma once

#include <string_view>

namespace berth::api {

// "a/b:v1" -> "v1"; "a" and "a:latest" -> "latest"; "a@sha256:..." without a tag -> "" (pinned by
// digest); a name that is not a reference -> "". Source: pkg/util/parsers/parsers.go.
std::string_view ImageTag(std::string_view image);

}  // namespace berth::api
