// Warnings as the headers of an answer.
#pragma once

#include <string>
#include <vector>

namespace berth::apiserver {

// `299 - "TEXT"` for each text, once, in order; none for a text that no header can carry (control
// characters, bytes that are not UTF-8). When all are more than 4,096 runes, each is cut to 256,
// and those after the first 4,096 are left out.
// Source: apiserver/pkg/endpoints/filters/warning.go, apimachinery/pkg/util/net/http.go.
std::vector<std::string> WarningHeaders(const std::vector<std::string>& texts);

}  // namespace berth::apiserver
