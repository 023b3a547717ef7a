// IP addresses and CIDRs.
// Source: apimachinery/pkg/util/validation/ip.go with the lenient parsing of legacy fields.
#pragma once

#include <optional>
#include <string_view>

#include "api/validation/field_path.h"
#include "api/validation/names.h"

namespace berth::api::validation {

enum class IpFamily { kV4, kV6 };

// Accepts leading zeroes in IPv4 octets, as upstream's fields from before strict parsing do.
std::optional<IpFamily> ParseIp(std::string_view text);
// "10.0.0.0/8". IPv4-mapped IPv6 counts as IPv4.
std::optional<IpFamily> ParseCidr(std::string_view text);

// Of new values: written in one way only, so no leading zeroes and no IPv4 in IPv6's clothes.
void ValidateIp(std::string_view text, const FieldPath& path, Errors& errors);
// The same, and no bits beyond the prefix.
void ValidateCidr(std::string_view text, const FieldPath& path, Errors& errors);

// Of an address with the length of its network's prefix: written in the one canonical way.
void ValidateInterfaceAddress(std::string_view text, const FieldPath& path, Errors& errors);

// Not of the ranges that mean something everywhere: unspecified, loopback, link-local. Nothing is
// said of what does not parse.
Complaints IsNonSpecialIp(std::string_view text);

// What is accepted but should be written in another way, without the field. None of what does not
// parse: a rule has spoken of that.
Complaints IpWarnings(std::string_view text);
Complaints CidrWarnings(std::string_view text);

}  // namespace berth::api::validation
