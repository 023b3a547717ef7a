#include "api/time_text.h"

#include <fmt/core.h>

#include "api/schema/meta_v1.pb.h"

namespace berth::api {
namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr int64_t kZeroInstantSeconds = -62135596800;  // year 1, Go's zero time
constexpr int64_t kEraDays = 146097;                   // 400 years
constexpr int64_t kEpochDays = 719468;                 // 0000-03-01 to 1970-01-01

struct Date {
  int64_t year;
  int month, day;
};

// Proleptic Gregorian calendar, years starting in March so that the leap day comes last.
Date DateOfDay(int64_t days) {
  days += kEpochDays;
  const int64_t era = (days >= 0 ? days : days - kEraDays + 1) / kEraDays;
  const int64_t day_of_era = days - era * kEraDays;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  const int day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

int64_t DayOfDate(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * kEraDays + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         kEpochDays;
}

int DaysInMonth(int64_t year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

char* PadDigits(char* out, int64_t value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

char* WriteSeconds(int64_t seconds, char* out) {
  int64_t days = seconds / kDaySeconds;
  int64_t rest = seconds % kDaySeconds;
  if (rest < 0) {
    rest += kDaySeconds;
    --days;
  }
  const Date date = DateOfDay(days);
  int64_t year = date.year;
  if (year < 0) {
    *out++ = '-';
    year = -year;
  }
  int width = 4;
  for (int64_t limit = 10000; width < 13 && year >= limit; limit *= 10) ++width;
  out = PadDigits(out, year, width);
  *out++ = '-';
  out = PadDigits(out, date.month, 2);
  *out++ = '-';
  out = PadDigits(out, date.day, 2);
  *out++ = 'T';
  out = PadDigits(out, rest / 3600, 2);
  *out++ = ':';
  out = PadDigits(out, rest / 60 % 60, 2);
  *out++ = ':';
  return PadDigits(out, rest % 60, 2);
}

// Walks the text against Go's layout; the first mismatch names the rest of the text and the
// element.
class LayoutReader {
 public:
  LayoutReader(std::string_view text, std::string_view layout)
      : text_(text), rest_(text), layout_(layout) {}

  int Number(int width, std::string_view element) {
    if (failed()) return 0;
    int value = 0;
    for (int i = 0; i < width; ++i) {
      if (static_cast<size_t>(i) >= rest_.size() || rest_[i] < '0' || rest_[i] > '9') {
        Mismatch(element);
        return 0;
      }
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(static_cast<size_t>(width));
    return value;
  }

  int Ranged(int width, int low, int high, std::string_view element, std::string_view name) {
    const int value = Number(width, element);
    if (!failed() && (value < low || value > high)) OutOfRange(name);
    return value;
  }

  void Literal(char c) {
    if (failed()) return;
    if (rest_.empty() || rest_[0] != c) return Mismatch(std::string_view(&c, 1));
    rest_.remove_prefix(1);
  }

  // ".123": nanoseconds; `exact` digits are demanded when it is not zero.
  int32_t Fraction(size_t exact) {
    if (failed()) return 0;
    size_t digits = 0;
    int32_t nanos = 0;
    if (!rest_.empty() && (rest_[0] == '.' || rest_[0] == ',')) {
      while (digits + 1 < rest_.size() && rest_[digits + 1] >= '0' && rest_[digits + 1] <= '9') {
        if (digits < 9) nanos = nanos * 10 + (rest_[digits + 1] - '0');
        ++digits;
      }
    }
    if (exact != 0 && digits != exact) {
      Mismatch(".000000");
      return 0;
    }
    for (size_t i = digits; i < 9; ++i) nanos *= 10;
    if (digits != 0) rest_.remove_prefix(digits + 1);
    return digits == 0 ? 0 : nanos;
  }

  // "Z" or "+02:00": seconds east of UTC.
  int64_t Zone() {
    if (failed()) return 0;
    if (!rest_.empty() && rest_[0] == 'Z') {
      rest_.remove_prefix(1);
      return 0;
    }
    const std::string_view at = rest_;
    if (rest_.size() < 6 || (rest_[0] != '+' && rest_[0] != '-') || rest_[3] != ':') {
      Mismatch("Z07:00");
      return 0;
    }
    const int sign = rest_[0] == '+' ? 1 : -1;
    rest_.remove_prefix(1);
    const int64_t hours = Number(2, "Z07:00");
    Literal(':');
    const int64_t minutes = Number(2, "Z07:00");
    if (failed()) return 0;
    if (hours > 24 || minutes > 60) {
      rest_ = at;
      OutOfRange("time zone offset");
    }
    return sign * (hours * 3600 + minutes * 60);
  }

  void End() {
    if (!failed() && !rest_.empty()) {
      error_ = fmt::format("parsing time \"{}\": extra text: \"{}\"", text_, rest_);
    }
  }

  void OutOfRange(std::string_view name) {
    if (!failed()) error_ = fmt::format("parsing time \"{}\": {} out of range", text_, name);
  }

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }

 private:
  void Mismatch(std::string_view element) {
    error_ = fmt::format("parsing time \"{}\" as \"{}\": cannot parse \"{}\" as \"{}\"", text_,
                         layout_, rest_, element);
  }

  std::string_view text_;
  std::string_view rest_;
  std::string_view layout_;
  std::string error_;
};

absl::StatusOr<Instant> ParseLayout(std::string_view text, std::string_view layout,
                                    size_t fraction) {
  LayoutReader reader(text, layout);
  const int year = reader.Number(4, "2006");
  reader.Literal('-');
  const int month = reader.Ranged(2, 1, 12, "01", "month");
  reader.Literal('-');
  const int day = reader.Number(2, "02");
  reader.Literal('T');
  const int hour = reader.Ranged(2, 0, 23, "15", "hour");
  reader.Literal(':');
  const int minute = reader.Ranged(2, 0, 59, "04", "minute");
  reader.Literal(':');
  const int second = reader.Ranged(2, 0, 59, "05", "second");
  const int32_t nanos = reader.Fraction(fraction);
  const int64_t zone = reader.Zone();
  reader.End();
  if (!reader.failed() && (day < 1 || day > DaysInMonth(year, month))) reader.OutOfRange("day");
  if (reader.failed()) return absl::InvalidArgumentError(reader.error());
  const int64_t days = DayOfDate(year, month, day);
  const int64_t seconds = hour * int64_t{3600} + minute * int64_t{60} + second;
  return Instant{days * kDaySeconds + seconds - zone, nanos};
}

template <typename T>
bool IsZeroInstant(const T& time) {
  return !time.has_seconds() || time.seconds() == kZeroInstantSeconds;
}

}  // namespace

char* WriteTime(int64_t seconds, char* out) {
  out = WriteSeconds(seconds, out);
  *out++ = 'Z';
  return out;
}

char* WriteMicroTime(int64_t seconds, int32_t nanos, char* out) {
  out = WriteSeconds(seconds, out);
  *out++ = '.';
  out = PadDigits(out, nanos < 0 ? 0 : nanos / 1000, 6);
  *out++ = 'Z';
  return out;
}

absl::StatusOr<Instant> ParseTime(std::string_view text) {
  return ParseLayout(text, "2006-01-02T15:04:05Z07:00", 0);
}

absl::StatusOr<Instant> ParseMicroTime(std::string_view text) {
  return ParseLayout(text, "2006-01-02T15:04:05.000000Z07:00", 6);
}

bool IsZeroTime(const meta::Time& time) { return IsZeroInstant(time); }
bool IsZeroTime(const meta::MicroTime& time) { return IsZeroInstant(time); }

std::string TimeText(int64_t seconds) {
  char buffer[kTimeTextMax];
  return std::string(buffer, WriteTime(seconds, buffer));
}

std::string FormatTime(const meta::Time& time) {
  return IsZeroTime(time) ? "" : TimeText(time.seconds());
}

std::string FormatMicroTime(const meta::MicroTime& time) {
  if (IsZeroTime(time)) return "";
  char buffer[kTimeTextMax];
  return std::string(buffer, WriteMicroTime(time.seconds(), time.nanos(), buffer));
}

}  // namespace berth::api
