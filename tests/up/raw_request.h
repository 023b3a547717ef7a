// An HTTP request as it goes over the wire, after whose answer the server closes.
#pragma once

#include <string>
#include <string_view>

#include <fmt/core.h>

namespace berth::up {

inline std::string Request(std::string_view method, std::string_view target,
                           std::string_view body = {},
                           std::string_view type = "application/json") {
  std::string out =
      fmt::format("{} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", method, target);
  if (!body.empty()) {
    out += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", type, body.size());
  }
  return out + "\r\n" + std::string(body);
}

}  // namespace berth::up
