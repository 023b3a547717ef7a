// The log: one line an entry, lower case, key=value facts with their unit in the key.
//   BERTH_LOG(kWarning, "bind failed pod={}/{} node={} elapsed_ms={}", ns, name, node, ms);
// Lines have klog's head ("W1201 14:05:06.123456    4711 file.cc:12] "). Entries whose texts are
// upstream's are structured (base/structured_log.h). Goes to standard error. Threads: any.
#pragma once

#include <iosfwd>
#include <string_view>

#include <fmt/core.h>

namespace berth {

enum class Severity { kDebug, kInfo, kWarning, kError };

// Entries below this are dropped before they are formatted. Default kInfo.
void SetLogLevel(Severity lowest);
bool LogEnabled(Severity severity);
// Entries go to a file (appended) from now on, and no longer to standard error. False: it cannot be
// opened. Before other threads log.
bool LogToFile(const char* path);
// Likewise, for tests: to a stream, which must stay until the next call; null: standard error.
void LogToStream(std::ostream* stream);
void LogLine(Severity severity, std::string_view text, const char* file, int line);

}  // namespace berth

#define BERTH_LOG(severity, ...)                                                            \
  do {                                                                                      \
    if (::berth::LogEnabled(::berth::Severity::severity))                                   \
      ::berth::LogLine(::berth::Severity::severity, ::fmt::format(__VA_ARGS__), __FILE__,   \
                       __LINE__);                                                           \
  } while (false)
