#include <fmt/core.h>

#include "api/schema/meta_v1.pb.h"
#include "api/time_text.h"
#include "cluster/apiserver/codec.h"
#include "cluster/apiserver/printers/printer.h"

namespace berth::apiserver {
namespace {

// "3m20s": the second unit is left out when zero.
std::string TwoUnits(int64_t major, char major_unit, int64_t minor, char minor_unit) {
  return minor == 0 ? fmt::format("{}{}", major, major_unit)
                    : fmt::format("{}{}{}{}", major, major_unit, minor, minor_unit);
}

}  // namespace

void NameCell(api::JsonWriter& out, const google::protobuf::Message& object) {
  TextCell(out, MetadataOf(object).name());
}

void CreatedCell(api::JsonWriter& out, const google::protobuf::Message& object, absl::Time now) {
  AgeCell(out, MetadataOf(object).creation_timestamp(), now);
}

void TextCell(api::JsonWriter& out, std::string_view text) {
  out.String(text);
  out.Char(',');
}

void TextOrNoneCell(api::JsonWriter& out, std::string_view text) {
  TextCell(out, text.empty() ? "<none>" : text);
}

void IntCell(api::JsonWriter& out, int64_t value) {
  out.Int(value);
  out.Char(',');
}

void BoolCell(api::JsonWriter& out, bool value) { out.Raw(value ? "true," : "false,"); }

void AgeCell(api::JsonWriter& out, const api::meta::Time& since, absl::Time now) {
  TextCell(out, TimeSince(since, now));
}

std::string TimeSince(const api::meta::Time& since, absl::Time now) {
  if (api::IsZeroTime(since)) return "<unknown>";
  return HumanDuration(now - absl::FromUnixSeconds(since.seconds()));
}

std::string TimeSince(const api::meta::MicroTime& since, absl::Time now) {
  if (api::IsZeroTime(since)) return "<unknown>";
  return HumanDuration(now - absl::FromUnixSeconds(since.seconds()) -
                       absl::Nanoseconds(since.nanos()));
}

std::string HumanDuration(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < -1) return "<invalid>";  // clocks differ a little
  if (seconds < 0) return "0s";
  if (seconds < 120) return fmt::format("{}s", seconds);
  const int64_t minutes = seconds / 60;
  if (minutes < 10) return TwoUnits(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return fmt::format("{}m", minutes);
  const int64_t hours = minutes / 60;
  if (hours < 8) return TwoUnits(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return fmt::format("{}h", hours);
  const int64_t days = hours / 24;
  if (days < 8) return TwoUnits(days, 'd', hours % 24, 'h');
  if (days < 730) return fmt::format("{}d", days);
  if (days < 2920) return TwoUnits(days / 365, 'y', days % 365, 'd');
  return fmt::format("{}y", days / 365);
}

}  // namespace berth::apiserver
