#include "bench/scheduler_perf/metrics_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/core.h>

namespace berth::bench {
namespace {

// Removes `{a="b",...}` from the front of `line`. False: it is malformed.
bool TakeLabels(std::string_view& line, std::map<std::string, std::string>& out) {
  line.remove_prefix(1);
  while (!line.empty() && line[0] != '}') {
    const size_t equals = line.find("=\"");
    if (equals == line.npos) return false;
    std::string& value = out[std::string(line.substr(0, equals))];
    line.remove_prefix(equals + 2);
    while (!line.empty() && line[0] != '"') {
      if (line[0] == '\\' && line.size() > 1) line.remove_prefix(1);
      value += line[0];
      line.remove_prefix(1);
    }
    if (line.empty()) return false;
    line.remove_prefix(1);
    if (!line.empty() && line[0] == ',') line.remove_prefix(1);
  }
  if (line.empty()) return false;
  line.remove_prefix(1);
  return true;
}

bool ToNumber(std::string_view text, double& out) {
  if (text == "+Inf" || text == "Inf") {
    out = std::numeric_limits<double>::infinity();
    return true;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc();
}

bool ParseLine(std::string_view line, Sample& out) {
  const size_t name_end = line.find_first_of("{ ");
  if (line.empty() || line[0] == '#' || name_end == line.npos) return false;
  out.name = std::string(line.substr(0, name_end));
  line.remove_prefix(name_end);
  if (line[0] == '{' && !TakeLabels(line, out.labels)) return false;
  const size_t value = line.find_first_not_of(' ');
  return value != line.npos && ToNumber(line.substr(value), out.value);
}

struct Histogram {
  std::map<double, double> buckets;  // upper bound -> cumulative count
  double sum = 0, count = 0;
};

// In the unit of the metric.
double Quantile(const Histogram& histogram, double q) {
  const double rank = q * histogram.count;
  double below = 0, lower = 0;
  for (const auto& [upper, cumulative] : histogram.buckets) {
    if (cumulative >= rank && cumulative > below) {
      if (std::isinf(upper)) return lower;
      return lower + (upper - lower) * (rank - below) / (cumulative - below);
    }
    below = cumulative;
    lower = upper;
  }
  return lower;
}

DataItem ItemOf(const Histogram& histogram) {
  constexpr double kMilliseconds = 1000;
  DataItem item;
  item.unit = "ms";
  for (const int percent : {50, 90, 95, 99}) {
    item.data[fmt::format("Perc{}", percent)] =
        Quantile(histogram, percent / 100.0) * kMilliseconds;
  }
  item.data["Average"] = histogram.sum / histogram.count * kMilliseconds;
  return item;
}

// The values of the configured labels that the sample has; false: it is not asked for.
bool KeyOf(const Sample& sample, const std::vector<LabelValues>& labels,
           std::map<std::string, std::string>& out) {
  for (const auto& [label, values] : labels) {
    const auto it = sample.labels.find(label);
    if (it == sample.labels.end()) return false;
    const bool wanted =
        values.empty() || std::find(values.begin(), values.end(), it->second) != values.end();
    if (!wanted) return false;
    out[label] = it->second;
  }
  return true;
}

}  // namespace

std::vector<Sample> ParseMetrics(std::string_view text) {
  std::vector<Sample> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    Sample sample;
    if (ParseLine(text.substr(0, end), sample)) out.push_back(std::move(sample));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

double SumOf(const std::vector<Sample>& samples, std::string_view name) {
  double sum = 0;
  for (const Sample& sample : samples) sum += sample.name == name ? sample.value : 0;
  return sum;
}

std::vector<DataItem> CollectHistograms(const std::vector<Sample>& samples,
                                        const HistogramConfig& config, const std::string& name) {
  std::vector<DataItem> out;
  for (const auto& [metric, labels] : config) {
    std::map<std::map<std::string, std::string>, Histogram> histograms;
    for (const Sample& sample : samples) {
      if (!sample.name.starts_with(metric)) continue;
      const std::string_view part = std::string_view(sample.name).substr(metric.size());
      std::map<std::string, std::string> key;
      if (!KeyOf(sample, labels, key)) continue;
      double upper = 0;
      const auto bound = sample.labels.find("le");
      if (part == "_sum") histograms[key].sum += sample.value;
      if (part == "_count") histograms[key].count += sample.value;
      if (part == "_bucket" && bound != sample.labels.end() && ToNumber(bound->second, upper)) {
        histograms[key].buckets[upper] += sample.value;
      }
    }
    for (const auto& [key, histogram] : histograms) {
      if (histogram.count == 0) continue;
      DataItem item = ItemOf(histogram);
      item.labels = key;
      item.labels["Name"] = name;
      item.labels["Metric"] = metric;
      out.push_back(std::move(item));
    }
  }
  return out;
}

}  // namespace berth::bench
