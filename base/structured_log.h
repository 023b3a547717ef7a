// Structured log entries: a message that never varies, and what varies as keys and values, in
// klog's form or as JSON.
//
//   BERTH_INFO(2, "Successfully bound pod to node", {"pod", key}, {"node", node},
//              {"feasibleNodes", n});
//   BERTH_FAILURE(status.Message(), "Failed to bind pod", {"pod", key});
//
//   I1201 14:05:06.123456    4711 binding_cycle.cc:120] "Successfully bound pod to node"
//       pod="default/web-1" node="n1" feasibleNodes=3                       (one line)
//   {"ts":1764597906123.456,"caller":"binding_cycle.cc:120","msg":"...","v":2,"pod":"..."}
//
// Arguments are not evaluated while the verbosity is lower. Goes where base/log.h goes.
// Source: klog v2 text format (internal/serialize), component-base logs/json. Threads: any.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace berth {

enum class LogFormat { kText, kJson };
// Of all entries, BERTH_LOG's too. Before other threads log.
void SetLogFormat(LogFormat format);

// Entries of a higher verbosity are dropped. 0 at first; 1 to 3 for people, 4 and above for
// debugging. 4 and above also let BERTH_LOG's kDebug through.
void SetVerbosity(int verbosity);
bool VerbosityEnabled(int verbosity);

// A value of an entry. Text is quoted; text of several lines is shown as such in text format.
class LogValue {
 public:
  LogValue(std::string_view text) : value_(text) {}          // NOLINT(google-explicit-constructor)
  LogValue(const std::string& text) : value_(std::string_view(text)) {}            // NOLINT
  LogValue(const char* text) : value_(std::string_view(text)) {}                   // NOLINT
  LogValue(const std::vector<std::string>& list) : value_(&list) {}                // NOLINT
  LogValue(std::same_as<bool> auto value) : value_(value) {}                       // NOLINT
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  LogValue(T value) : value_(static_cast<int64_t>(value)) {}                       // NOLINT

  void AppendText(std::string& out) const;
  void AppendJson(std::string& out) const;

 private:
  // What it refers to must live as long.
  std::variant<std::string_view, int64_t, bool, const std::vector<std::string>*> value_;
};

struct LogField {
  std::string_view key;
  LogValue value;
};

struct LogPlace {
  const char* file;  // __FILE__
  int line;
};
// The macros call these. verbosity: shown in JSON.
void LogInfo(int verbosity, LogPlace place, std::string_view message,
             std::initializer_list<LogField> fields);
void LogFailure(std::string_view error, LogPlace place, std::string_view message,
                std::initializer_list<LogField> fields);

// The rest of a line after its head, in klog's form.
std::string EntryText(std::string_view message, const std::string_view* error,
                      std::initializer_list<LogField> fields);
// A line of JSON from its first member after ts on; verbosity -1: none is shown.
std::string EntryJson(LogPlace place, std::string_view message, const std::string_view* error,
                      int verbosity, std::initializer_list<LogField> fields);

}  // namespace berth

// verbosity, message, then fields: {"pod", key}, {"node", name}, ...
#define BERTH_INFO(verbosity, message, ...)                                                  \
  do {                                                                                       \
    if (::berth::VerbosityEnabled(verbosity))                                                \
      ::berth::LogInfo(verbosity, {__FILE__, __LINE__}, message, {__VA_ARGS__});             \
  } while (false)
// error (empty: none to show), message, fields: whatever the verbosity.
#define BERTH_FAILURE(error, message, ...) \
  ::berth::LogFailure(error, {__FILE__, __LINE__}, message, {__VA_ARGS__})
