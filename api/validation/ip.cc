#include "api/validation/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <string>

#include <fmt/core.h>

#include "api/errors.h"

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

// 16 bytes of both families: IPv4 is ::ffff:a.b.c.d, whether it was written so or not.
using AddressBytes = std::array<uint8_t, 16>;

constexpr int kV4Bit = 96;  // where IPv4 begins in them
constexpr AddressBytes kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool WrittenAsV6(std::string_view address) { return address.find(':') != std::string_view::npos; }

std::optional<AddressBytes> ToBytes(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // inet_pton stops there
  AddressBytes bytes = kV4Prefix;
  const bool v6 = WrittenAsV6(text);
  const std::string plain = v6 ? std::string(text) : StripZeroes(text);
  uint8_t* out = v6 ? bytes.data() : bytes.data() + kV4Bit / 8;
  if (inet_pton(v6 ? AF_INET6 : AF_INET, plain.c_str(), out) != 1) return std::nullopt;
  return bytes;
}

bool IsV4(const AddressBytes& bytes) {
  return std::equal(bytes.begin(), bytes.begin() + kV4Bit / 8, kV4Prefix.begin());
}

bool IsMapped(std::string_view address) {
  return WrittenAsV6(address) && ParseIp(address) == IpFamily::kV4;
}

bool HasLeadingZeroes(std::string_view address) {
  return !WrittenAsV6(address) && StripZeroes(address) != address;
}

// bit_count: of the 128.
AddressBytes FirstBits(AddressBytes bytes, int bit_count) {
  for (int bit = bit_count; bit < 128; ++bit) {
    bytes[static_cast<size_t>(bit / 8)] &= static_cast<uint8_t>(~(0x80u >> (bit % 8)));
  }
  return bytes;
}

// The one form of RFC 5952: the longest run of zero groups, the first of equals, is "::".
std::string ShowV6(const AddressBytes& bytes) {
  const auto group = [&](int i) {
    const size_t at = 2 * static_cast<size_t>(i);
    return (bytes[at] << 8) | bytes[at + 1];
  };
  int run_begin = 8, run_end = 8;
  for (int i = 0, end = 0; i < 8; i = end + 1) {
    for (end = i; end < 8 && group(end) == 0; ++end) {
    }
    if (end - i < 2 || end - i <= run_end - run_begin) continue;
    run_begin = i;
    run_end = end;
  }
  std::string out;
  for (int i = 0; i < 8; ++i) {
    if (i == run_begin) {
      out += "::";
      i = run_end;
      if (i == 8) break;
    } else if (i > 0) {
      out += ":";
    }
    out += fmt::format("{:x}", group(i));
  }
  return out;
}

std::string Show(const AddressBytes& bytes) {
  if (!IsV4(bytes)) return ShowV6(bytes);
  return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
}

struct Cidr {
  AddressBytes bytes;
  int bit_count = 0;  // of the 128
  std::string_view address, length;  // as written
};

std::optional<Cidr> SplitCidr(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  Cidr cidr{{}, 0, text.substr(0, slash), text.substr(slash + 1)};
  const auto bytes = ToBytes(cidr.address);
  if (!bytes.has_value() || !AllDigits(cidr.length) || cidr.length.size() > 3) return std::nullopt;
  const int offset = WrittenAsV6(cidr.address) ? 0 : kV4Bit;
  cidr.bytes = *bytes;
  cidr.bit_count = offset + std::stoi(std::string(cidr.length));
  return cidr.bit_count > 128 ? std::nullopt : std::optional(cidr);
}

bool HasBitsBeyond(const Cidr& cidr) {
  return FirstBits(cidr.bytes, cidr.bit_count) != cidr.bytes;
}

bool HasLeadingZeroes(const Cidr& cidr) {
  return HasLeadingZeroes(cidr.address) ||
         (cidr.length.size() > 1 && cidr.length.front() == '0');
}

// IPv4 as such, also when the text had it in IPv6's clothes.
std::string ShowNetwork(const Cidr& cidr) {
  const AddressBytes network = FirstBits(cidr.bytes, cidr.bit_count);
  return fmt::format("{}/{}", Show(network), cidr.bit_count - (IsV4(network) ? kV4Bit : 0));
}

}  // namespace

std::optional<IpFamily> ParseIp(std::string_view text) {
  const auto bytes = ToBytes(text);
  if (!bytes.has_value()) return std::nullopt;
  return IsV4(*bytes) ? IpFamily::kV4 : IpFamily::kV6;
}

std::optional<IpFamily> ParseCidr(std::string_view text) {
  const auto cidr = SplitCidr(text);
  if (!cidr.has_value()) return std::nullopt;
  return IsV4(cidr->bytes) ? IpFamily::kV4 : IpFamily::kV6;
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
  const auto cidr = SplitCidr(text);
  if (!cidr.has_value()) {
    errors.Invalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  } else if (HasLeadingZeroes(*cidr)) {
    errors.Invalid(path, text, "must not have leading 0s in IP or prefix length");
  } else if (IsMapped(cidr->address)) {
    errors.Invalid(path, text, "must not have an IPv4-mapped IPv6 address");
  } else if (HasBitsBeyond(*cidr)) {
    errors.Invalid(path, text, "must not have bits set beyond the prefix length");
  }
}

void ValidateInterfaceAddress(std::string_view text, const FieldPath& path, Errors& errors) {
  const auto cidr = SplitCidr(text);
  if (!cidr.has_value()) {
    return errors.Invalid(path, text,
                          "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or "
                          "2001:db8::1/64)");
  }
  // A prefix that ends before IPv4 begins keeps its length among the 128 bits.
  const bool v4 = IsV4(cidr->bytes);
  const int length = cidr->bit_count - (v4 && (!WrittenAsV6(cidr->address) ||
                                               cidr->bit_count > 32) ? kV4Bit : 0);
  const std::string canonical = fmt::format("{}/{}", Show(cidr->bytes), length);
  if (text == canonical) return;
  errors.Invalid(path, text,
                 std::string_view(fmt::format("must be in canonical form ({})",
                                              GoQuoted(canonical))));
}

Complaints IpWarnings(std::string_view text) {
  const auto bytes = ToBytes(text);
  if (!bytes.has_value()) return {};
  const std::string shown = Show(*bytes);
  if (HasLeadingZeroes(text) || IsMapped(text)) {
    return {fmt::format("non-standard IP address {} will be considered invalid in a future "
                        "Kubernetes release: use {}",
                        GoQuoted(text), GoQuoted(shown))};
  }
  if (shown == text) return {};
  return {fmt::format("IPv6 address {} should be in RFC 5952 canonical format ({})",
                      GoQuoted(text), GoQuoted(shown))};
}

Complaints CidrWarnings(std::string_view text) {
  const auto cidr = SplitCidr(text);
  if (!cidr.has_value()) return {};
  Complaints out;
  const std::string quoted = GoQuoted(text);
  const std::string network = GoQuoted(ShowNetwork(*cidr));
  if (HasBitsBeyond(*cidr)) {
    // The length of one address is that of the family it was written in.
    const int bits_of_one = WrittenAsV6(cidr->address) ? 128 : 32;
    const std::string one = fmt::format("{}/{}", Show(cidr->bytes), bits_of_one);
    out.push_back(fmt::format("CIDR value {} is ambiguous in this context (should be {} or {}?)",
                              quoted, network, GoQuoted(one)));
  }
  if (HasLeadingZeroes(*cidr) || IsMapped(cidr->address)) {
    out.push_back(fmt::format("non-standard CIDR value {} will be considered invalid in a future "
                              "Kubernetes release: use {}",
                              quoted, network));
  }
  if (out.empty() && network != quoted) {
    out.push_back(fmt::format("IPv6 CIDR value {} should be in RFC 5952 canonical format ({})",
                              quoted, network));
  }
  return out;
}

Complaints IsNonSpecialIp(std::string_view text) {
  const std::optional<AddressBytes> found = ToBytes(text);
  if (!found) return {};
  const AddressBytes& ip = *found;
  const bool v4 = IsV4(ip);
  const auto zero = [](uint8_t byte) { return byte == 0; };
  const bool empty_head = std::all_of(ip.begin(), ip.begin() + 15, zero);
  Complaints complaints;
  if (v4 ? std::all_of(ip.begin() + 12, ip.end(), zero) : empty_head && ip[15] == 0) {
    complaints.push_back("may not be unspecified (0.0.0.0 or ::)");
  }
  if (v4 ? ip[12] == 127 : empty_head && ip[15] == 1) {
    complaints.push_back("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  }
  if (v4 ? ip[12] == 169 && ip[13] == 254 : ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) {
    complaints.push_back("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
  if (v4 ? ip[12] == 224 && ip[13] == 0 && ip[14] == 0 : ip[0] == 0xff && (ip[1] & 0x0f) == 0x02) {
    complaints.push_back("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
  return complaints;
}

}  // namespace berth::api::validation
