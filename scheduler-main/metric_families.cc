#include "scheduler-main/metric_families.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace berth::scheduler {
namespace {

void AppendEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out.append("\\n");
    } else {
      out.push_back(c);
    }
  }
}

// {a="x"} and le -> {a="x",le="0.1"}
std::string WithBound(const std::string& labels, std::string_view bound) {
  std::string out = labels.empty() ? "{" : labels.substr(0, labels.size() - 1) + ",";
  return out.append("le=\"").append(bound).append("\"}");
}

}  // namespace

Buckets ExponentialBuckets(double start, double factor, int n) {
  Buckets out;
  for (double bound = start; n > 0; --n, bound *= factor) out.push_back(bound);
  return out;
}

// strconv's 'g' with the fewest digits.
std::string GoFloat(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  const double magnitude = std::fabs(value);
  const bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e6);
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, value,
                              scientific ? std::chars_format::scientific
                                         : std::chars_format::fixed)
                    .ptr};
}

std::string LabelText(const std::vector<std::pair<std::string_view, std::string_view>>& labels) {
  if (labels.empty()) return {};
  auto sorted = labels;
  std::sort(sorted.begin(), sorted.end());
  std::string out = "{";
  for (const auto& [name, value] : sorted) {
    if (out.size() > 1) out.push_back(',');
    out.append(name).append("=\"");
    AppendEscaped(out, value);
    out.push_back('"');
  }
  return out.append("}");
}

void HistogramCell::Observe(double value) {
  const auto bound = std::lower_bound(buckets_.begin(), buckets_.end(), value);
  counts_[static_cast<size_t>(bound - buckets_.begin())].Add();
  sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
}

void FamilyBase::WriteHead(std::string& out) const {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name_, help_, name_,
                 type_);
}

void FamilyBase::WriteCell(std::string& out, const std::string& labels, const Tally& cell) const {
  fmt::format_to(std::back_inserter(out), "{}{} {}\n", name_, labels,
                 GoFloat(static_cast<double>(cell.value())));
}

void FamilyBase::WriteCell(std::string& out, const std::string& labels,
                           const GaugeCell& cell) const {
  fmt::format_to(std::back_inserter(out), "{}{} {}\n", name_, labels,
                 GoFloat(static_cast<double>(cell.value())));
}

void FamilyBase::WriteCell(std::string& out, const std::string& labels,
                           const HistogramCell& cell) const {
  int64_t below = 0;
  for (size_t i = 0; i < cell.buckets().size(); ++i) {
    below += cell.count(i);
    fmt::format_to(std::back_inserter(out), "{}_bucket{} {}\n", name_,
                   WithBound(labels, GoFloat(cell.buckets()[i])), below);
  }
  below += cell.count(cell.buckets().size());
  fmt::format_to(std::back_inserter(out), "{}_bucket{} {}\n{}_sum{} {}\n{}_count{} {}\n", name_,
                 WithBound(labels, "+Inf"), below, name_, labels, GoFloat(cell.sum()), name_,
                 labels, below);
}

std::string MetricRegistry::Text() const {
  std::string out;
  for (const auto& [name, family] : families_) family->Write(out);
  return out;
}

}  // namespace berth::scheduler
