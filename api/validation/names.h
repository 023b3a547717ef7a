// What a name may look like. Each check returns upstream's complaints, none when the text is good.
//
//   for (const std::string& text : IsDns1123Label(name)) {
//     errors.push_back(InvalidString("metadata.name", name, text));
//   }
//
// No regular expressions: each form is a scan over the bytes. Threads: pure functions.
// Source: apimachinery/pkg/util/validation/validation.go and pkg/api/validate/content.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::api::validation {

using Complaints = std::vector<std::string>;

Complaints IsDns1123Label(std::string_view text);
Complaints IsDns1123Subdomain(std::string_view text);
// As the subdomain, with '_' allowed as well (search paths of dnsConfig).
Complaints IsDns1123SubdomainWithUnderscore(std::string_view text);
Complaints IsDns1035Label(std::string_view text);
// A label key: [DNS subdomain "/"] name.
Complaints IsQualifiedName(std::string_view text);
Complaints IsLabelValue(std::string_view text);
// "Key" of a config map or secret.
Complaints IsConfigMapKey(std::string_view text);
// The name of an environment variable: printable ASCII without '='.
Complaints IsEnvVarName(std::string_view text);
Complaints IsCIdentifier(std::string_view text);
Complaints IsPortName(std::string_view text);
Complaints IsPortNumber(int64_t port);
Complaints IsInRange(int64_t value, int64_t min, int64_t max);
Complaints IsPercent(std::string_view text);
Complaints IsHttpHeaderName(std::string_view text);
// Safe as one segment of a URL or store key: not "." or "..", no '/' or '%'.
Complaints IsPathSegmentName(std::string_view text);
Complaints IsPathSegmentPrefix(std::string_view text);

// "a lowercase RFC ... (e.g. 'my-name',  or '123-abc', regex used for validation is '...')".
std::string RegexComplaint(std::string_view text, std::string_view regex,
                           const std::vector<std::string_view>& examples);

// One text of several: "a; b".
std::string Joined(const Complaints& complaints, std::string_view separator);

}  // namespace berth::api::validation
