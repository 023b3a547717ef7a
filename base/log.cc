#include "base/log.h"

#include <atomic>
#include <memory>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace berth {
namespace {

std::atomic<Severity> g_lowest{Severity::kInfo};

std::shared_ptr<spdlog::logger> MakeLogger(spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("berth", std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %L %v");
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
    case Severity::kDebug: return spdlog::level::debug;
    case Severity::kInfo: return spdlog::level::info;
    case Severity::kWarning: return spdlog::level::warn;
    case Severity::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
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

void LogLine(Severity severity, std::string_view text) {
  Logger()->log(ToSpdlog(severity), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace berth
