// What `kubectl get events` shows, for events in their stored core/v1 form.
#include <string>
#include <string_view>

#include <absl/strings/ascii.h>
#include <fmt/core.h>

#include "api/schema/core_v1_event.pb.h"
#include "api/time_text.h"
#include "cluster/apiserver/printers/printer.h"

namespace berth::apiserver {
namespace {

namespace core = api::core;

constexpr Column kEventColumns[] = {
    {"Last Seen", "string", "", 0},   {"Type", "string", "", 0},   {"Reason", "string", "", 0},
    {"Object", "string", "", 0},      {"Subobject", "string", "", 1},
    {"Source", "string", "", 1},      {"Message", "string", "", 0},
    {"First Seen", "string", "", 1},  {"Count", "string", "", 1},  {"Name", "string", "name", 1},
};

std::string SourceOf(const core::Event& event) {
  const std::string& component = event.source().component().empty() ? event.reporting_component()
                                                                    : event.source().component();
  const std::string& host =
      event.source().host().empty() ? event.reporting_instance() : event.source().host();
  return host.empty() ? component : fmt::format("{}, {}", component, host);
}

void PrintEvent(const google::protobuf::Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& event = static_cast<const core::Event&>(object);
  const std::string first = api::IsZeroTime(event.first_timestamp())
                                ? TimeSince(event.event_time(), now)
                                : TimeSince(event.first_timestamp(), now);
  std::string last = api::IsZeroTime(event.last_timestamp())
                         ? first
                         : TimeSince(event.last_timestamp(), now);
  int64_t count = event.count() == 0 ? 1 : event.count();
  if (event.has_series()) {
    last = TimeSince(event.series().last_observed_time(), now);
    count = event.series().count();
  }
  std::string target = absl::AsciiStrToLower(event.involved_object().kind());
  if (!event.involved_object().name().empty()) target += "/" + event.involved_object().name();
  TextCell(out, last);
  TextCell(out, event.type());
  TextCell(out, event.reason());
  TextCell(out, target);
  TextCell(out, event.involved_object().field_path());
  TextCell(out, SourceOf(event));
  const absl::string_view message = absl::StripAsciiWhitespace(event.message());
  TextCell(out, {message.data(), message.size()});
  TextCell(out, first);
  IntCell(out, count);
  TextCell(out, event.metadata().name());
}

}  // namespace

const Printer kEventPrinter = {kEventColumns, PrintEvent};

}  // namespace berth::apiserver
