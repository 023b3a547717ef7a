#include "api/validation/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <string>

namespace berth::api::validation {
namespace {

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Without leading zeroes, which inet_pton refuses.
std::string StripZeroes(std::string_view text) {
  std::string out;
  while (true) {
    const size_t dot = text.find('.');
    std::string_view octet = text.substr(0, dot);
    while (octet.size() > 1 && octet.front() == '0') octet.remove_prefix(1);
    out.append(octet);
    if (dot == std::string_view::npos) return out;
    out.push_back('.');
    text.remove_prefix(dot + 1);
  }
}

bool IsMapped(std::string_view address) {
  return address.find(':') != std::string_view::npos && ParseIp(address) == IpFamily::kV4;
}

bool HasLeadingZeroes(std::string_view address) {
  return address.find(':') == std::string_view::npos && StripZeroes(address) != address;
}

// Of a valid address, written as it may be.
bool HasBitsBeyond(std::string_view address, int prefix_bits) {
  std::array<uint8_t, 16> bytes{};
  const bool v6 = address.find(':') != std::string_view::npos;
  inet_pton(v6 ? AF_INET6 : AF_INET, std::string(address).c_str(), bytes.data());
  for (int bit = prefix_bits; bit < (v6 ? 128 : 32); ++bit) {
    if ((bytes[static_cast<size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0) return true;
  }
  return false;
}

}  // namespace

std::optional<IpFamily> ParseIp(std::string_view text) {
  if (text.find(':') == std::string_view::npos) {
    in_addr address;
    if (inet_pton(AF_INET, StripZeroes(text).c_str(), &address) != 1) return std::nullopt;
    return IpFamily::kV4;
  }
  in6_addr address;
  if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return IN6_IS_ADDR_V4MAPPED(&address) ? IpFamily::kV4 : IpFamily::kV6;
}

std::optional<IpFamily> ParseCidr(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto family = ParseIp(text.substr(0, slash));
  const std::string_view bits = text.substr(slash + 1);
  if (!family.has_value() || !AllDigits(bits) || bits.size() > 3) return std::nullopt;
  const bool written_v6 = text.substr(0, slash).find(':') != std::string_view::npos;
  if (std::stoi(std::string(bits)) > (written_v6 ? 128 : 32)) return std::nullopt;
  return family;
}

void ValidateIp(std::string_view text, const FieldPath& path, Errors& errors) {
  if (!ParseIp(text).has_value()) {
    errors.Invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  } else if (HasLeadingZeroes(text)) {
    errors.Invalid(path, text, "must not have leading 0s");
  } else if (IsMapped(text)) {
    errors.Invalid(path, text, "must not be an IPv4-mapped IPv6 address");
  }
}

void ValidateCidr(std::string_view text, const FieldPath& path, Errors& errors) {
  if (!ParseCidr(text).has_value()) {
    return errors.Invalid(path, text,
                          "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  }
  const size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash), bits = text.substr(slash + 1);
  if (HasLeadingZeroes(address) || (bits.size() > 1 && bits.front() == '0')) {
    errors.Invalid(path, text, "must not have leading 0s in IP or prefix length");
  } else if (IsMapped(address)) {
    errors.Invalid(path, text, "must not have an IPv4-mapped IPv6 address");
  } else if (HasBitsBeyond(address, std::stoi(std::string(bits)))) {
    errors.Invalid(path, text, "must not have bits set beyond the prefix length");
  }
}

}  // namespace berth::api::validation
