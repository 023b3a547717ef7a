#include "base/log.h"

#include <atomic>
#include <memory>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"
#include "base/structured_log.h"

namespace berth {
namespace {

// L0102 15:04:05.000000 threadid file:line] text
constexpr char kKlogHead[] = "%L%m%d %H:%M:%S.%f %7t %s:%#] %v";

std::atomic<Severity> g_lowest{Severity::kInfo};
std::atomic<int> g_verbosity{0};
std::atomic<LogFormat> g_format{LogFormat::kText};

std::shared_ptr<spdlog::logger> MakeLogger(spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("berth", std::move(sink));
  logger->set_pattern(g_format == LogFormat::kJson ? "%v" : kKlogHead);
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::info);
  return logger;
}

std::shared_ptr<spdlog::logger>& Logger() {
  static auto* const logger = new std::shared_ptr<spdlog::logger>(
      MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  return *logger;
}

spdlog::level::level_enum ToSpdlog(Severity severity) {
  switch (severity) {
    case Severity::kDebug:  // klog has no letter for it
    case Severity::kInfo: return spdlog::level::info;
    case Severity::kWarning: return spdlog::level::warn;
    case Severity::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

void Put(Severity severity, LogPlace place, std::string_view text) {
  Logger()->log(spdlog::source_loc{place.file, place.line, ""}, ToSpdlog(severity),
                spdlog::string_view_t(text.data(), text.size()));
}

// members: without the opening brace. ts: milliseconds.
void PutJson(Severity severity, std::string_view members) {
  const absl::Duration since = RealClock::Get().Now() - absl::UnixEpoch();
  Put(severity, {"", 0}, fmt::format("{{\"ts\":{:.3f},{}", absl::ToDoubleMilliseconds(since),
                                     members));
}

}  // namespace

void SetLogLevel(Severity lowest) { g_lowest = lowest; }
bool LogEnabled(Severity severity) { return severity >= g_lowest.load(std::memory_order_relaxed); }

bool LogToFile(const char* path) {
  try {
    Logger() = MakeLogger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
    return true;
  } catch (const spdlog::spdlog_ex&) {
    return false;
  }
}

void LogToStream(std::ostream* stream) {
  if (stream == nullptr) {
    Logger() = MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  } else {
    Logger() = MakeLogger(std::make_shared<spdlog::sinks::ostream_sink_mt>(*stream));
  }
}

void LogLine(Severity severity, std::string_view text, const char* file, int line) {
  const LogPlace place{file, line};
  if (g_format == LogFormat::kText) return Put(severity, place, text);
  const bool failed = severity == Severity::kError;
  PutJson(severity, EntryJson(place, text, nullptr, failed ? -1 : 0, {}));
}

void SetLogFormat(LogFormat format) {
  g_format = format;
  Logger()->set_pattern(format == LogFormat::kJson ? "%v" : kKlogHead);
}

void SetVerbosity(int verbosity) {
  g_verbosity = verbosity;
  g_lowest = verbosity >= 4 ? Severity::kDebug : Severity::kInfo;
}

bool VerbosityEnabled(int verbosity) {
  return verbosity <= g_verbosity.load(std::memory_order_relaxed);
}

void LogInfo(int verbosity, LogPlace place, std::string_view message,
             std::initializer_list<LogField> fields) {
  if (g_format == LogFormat::kText) {
    return Put(Severity::kInfo, place, EntryText(message, nullptr, fields));
  }
  PutJson(Severity::kInfo, EntryJson(place, message, nullptr, verbosity, fields));
}

void LogFailure(std::string_view error, LogPlace place, std::string_view message,
                std::initializer_list<LogField> fields) {
  const std::string_view* const said = error.empty() ? nullptr : &error;
  if (g_format == LogFormat::kText) {
    return Put(Severity::kError, place, EntryText(message, said, fields));
  }
  PutJson(Severity::kError, EntryJson(place, message, said, -1, fields));
}

}  // namespace berth
