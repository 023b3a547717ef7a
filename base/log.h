// The log: one line an entry, lower case, key=value facts with their unit in the key.
//   BERTH_LOG(kWarning, "bind failed pod={}/{} node={} elapsed_ms={}", ns, name, node, ms);
// Goes to standard error. Threads: any.
#pragma once

#include <string_view>

#include <fmt/core.h>

namespace berth {

enum class Severity { kDebug, kInfo, kWarning, kError };

// Entries below this are dropped before they are formatted. Default kInfo.
void SetLogLevel(Severity lowest);
bool LogEnabled(Severity severity);
// Further copies go to `file` (appended); empty: standard error again.
bool LogToFile(const char* path);
void LogLine(Severity severity, std::string_view text);

}  // namespace berth

#define BERTH_LOG(severity, ...)                                                       \
  do {                                                                                 \
    if (::berth::LogEnabled(::berth::Severity::severity))                              \
      ::berth::LogLine(::berth::Severity::severity, ::fmt::format(__VA_ARGS__));       \
  } while (false)
