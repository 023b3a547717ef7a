#include "bench/scheduler_perf/throughput.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <fmt/core.h>

namespace berth::bench {

void ThroughputCollector::Tick(absl::Time now, int64_t scheduled) {
  if (scheduled == 0) return;
  if (last_count_ == 0) {
    last_count_ = scheduled;
    last_time_ = now;
    return;
  }
  const int64_t fresh = scheduled - last_count_;
  if (fresh == 0) {
    ++skipped_;
    return;
  }
  const double rate =
      static_cast<double>(fresh) / absl::ToDoubleSeconds(now - last_time_);
  samples_.insert(samples_.end(), static_cast<size_t>(skipped_ + 1), rate);
  last_count_ = scheduled;
  last_time_ = now;
  skipped_ = 0;
}

std::map<std::string, double> Summarize(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const double count = static_cast<double>(samples.size());
  std::map<std::string, double> data;
  data["Average"] = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
  for (const int percent : {50, 90, 95, 99}) {
    const double rank = std::ceil(count * percent / 100.0) - 1;
    data[fmt::format("Perc{}", percent)] = samples[static_cast<size_t>(std::max(rank, 0.0))];
  }
  return data;
}

namespace {

std::string Quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

template <typename Map, typename Show>
std::string PrintMap(const Map& map, const char* indent, Show show) {
  std::string out = "{";
  for (const auto& [key, value] : map) {
    out += fmt::format("{}\n{}  {}: {}", out.size() > 1 ? "," : "", indent, Quote(key),
                       show(value));
  }
  return out + fmt::format("\n{}}}", indent);
}

}  // namespace

std::string PrintDataItems(std::vector<DataItem> items) {
  std::set<std::string> keys;
  for (const DataItem& item : items) {
    for (const auto& [key, value] : item.labels) keys.insert(key);
  }
  std::string out = "{\n  \"version\": \"v1\",\n  \"dataItems\": [";
  for (size_t i = 0; i < items.size(); ++i) {
    for (const std::string& key : keys) items[i].labels.try_emplace(key, "not applicable");
    out += i == 0 ? "\n    {\n" : ",\n    {\n";
    if (!items[i].data.empty()) {
      out += "      \"data\": " +
             PrintMap(items[i].data, "      ", [](double v) { return fmt::format("{:.10g}", v); }) +
             ",\n";
    }
    out += fmt::format("      \"unit\": {},\n", Quote(items[i].unit));
    out += "      \"labels\": " +
           PrintMap(items[i].labels, "      ", [](const std::string& v) { return Quote(v); });
    out += "\n    }";
  }
  out += items.empty() ? "]\n}\n" : "\n  ]\n}\n";
  return out;
}

}  // namespace berth::bench
