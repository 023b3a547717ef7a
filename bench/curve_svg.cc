#include "bench/curve_svg.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/core.h>

namespace berth::bench {
namespace {

// Pixels.
constexpr double kWidth = 720, kPanel = 260, kLeft = 80, kRight = 110, kTop = 56, kGap = 56;
constexpr double kLineHeight = 13;
constexpr int kTicks = 5;

struct Series {
  std::string name, colour;
  std::vector<std::pair<double, double>> points;
};

// "&" and "<" as XML wants them.
std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Text(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='{}'>{}</text>\n", x, y, anchor,
                     Escaped(text));
}

std::string Line(double x1, double y1, double x2, double y2, const char* style) {
  return fmt::format("<line x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}' {}/>\n", x1, y1, x2,
                     y2, style);
}

// At least `value`, with one digit that is not zero: 1, 2, 3, ... times a power of ten.
double RoundedUp(double value) {
  if (value <= 0) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  return std::ceil(value / power) * power;
}

// One panel: its axes, and where a point lies in it.
class Panel {
 public:
  // logarithmic: y from y_min; else from 0.
  Panel(double top, double x_max, double y_min, double y_max, bool logarithmic)
      : top_(top), x_max_(x_max), y_min_(y_min), y_max_(y_max), logarithmic_(logarithmic) {}

  double X(double value) const { return kLeft + (kWidth - kLeft - kRight) * value / x_max_; }
  double Y(double value) const {
    double share = value / y_max_;
    if (logarithmic_) {
      share = std::log(std::max(value, y_min_) / y_min_) / std::log(y_max_ / y_min_);
    }
    return top_ + kPanel * (1 - share);
  }

  std::string Axes(const std::string& title) const {
    constexpr const char* kGrid = "stroke='#8884' stroke-width='1'";
    std::string out = Text(kLeft, top_ - 10, "start", title);
    for (int i = 0; i <= kTicks; ++i) {
      const double x = x_max_ * i / kTicks;
      out += Line(X(x), top_, X(x), top_ + kPanel, kGrid);
      out += Text(X(x), top_ + kPanel + 18, "middle", fmt::format("{:.5g}", x));
    }
    for (const double y : YTicks()) {
      out += Line(kLeft, Y(y), kWidth - kRight, Y(y), kGrid);
      out += Text(kLeft - 8, Y(y) + 4, "end", fmt::format("{:.5g}", y));
    }
    return out;
  }

  std::string Draw(const Series& series) const {
    std::string path, dots;
    for (const auto& [x, y] : series.points) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", X(x), Y(y));
      dots += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='3' fill='{}'/>\n", X(x), Y(y),
                          series.colour);
    }
    return fmt::format("<path d='{}' fill='none' stroke='{}' stroke-width='2'/>\n{}", path,
                       series.colour, dots);
  }

  // The series' name beside its last point, below `above` (a height in pixels), which moves there.
  std::string Label(const Series& series, double& above) const {
    const auto& [x, y] = series.points.back();
    above = std::max(Y(y) + 4, above + kLineHeight);
    return fmt::format("<g fill='{}'>{}</g>\n", series.colour,
                       Text(X(x) + 10, above, "start", series.name));
  }

  std::string Diagonal() const {
    const double end = std::min(x_max_, y_max_);
    return Line(X(0), Y(0), X(end), Y(end), "stroke='#888' stroke-dasharray='4 4'");
  }

 private:
  std::vector<double> YTicks() const {
    std::vector<double> out;
    if (logarithmic_) {
      for (double y = y_min_; y <= y_max_ * 1.001; y *= 10) out.push_back(y);
    } else {
      for (int i = 0; i <= kTicks; ++i) out.push_back(y_max_ * i / kTicks);
    }
    return out;
  }

  const double top_, x_max_, y_min_, y_max_;
  const bool logarithmic_;
};

Series SeriesOf(const std::vector<const Result*>& results, std::string name, std::string colour,
                const char* figure) {
  Series out{std::move(name), std::move(colour), {}};
  for (const Result* result : results) {
    const auto it = result->figures.find(figure);
    if (it == result->figures.end()) continue;
    out.points.emplace_back(result->offered_rate, Median(it->second.values));
  }
  std::sort(out.points.begin(), out.points.end());
  return out;
}

// Both panels of one workload, from `top` on.
std::string DrawWorkload(const std::vector<const Result*>& results, double top) {
  const Series bound = SeriesOf(results, "bound", "#1f77b4", "offered.bound_per_second");
  const Series waits[] = {SeriesOf(results, "p99.9", "#d62728", "latency_ms.p99.9"),
                          SeriesOf(results, "p99", "#ff7f0e", "latency_ms.p99"),
                          SeriesOf(results, "p50", "#2ca02c", "latency_ms.p50")};
  const double x_max = RoundedUp(bound.points.back().first);
  double lowest = 1e9, highest = 0;
  for (const Series& one : waits) {
    for (const auto& [x, y] : one.points) {
      if (y > 0) lowest = std::min(lowest, y);
      highest = std::max(highest, y);
    }
  }
  const auto power = [](double value, double (*round)(double)) {
    return std::pow(10, round(std::log10(value)));
  };
  const double y_min = power(std::min(lowest, std::max(highest, 1e-3)), std::floor);
  const double y_max = std::max(power(std::max(highest, 1e-3), std::ceil), y_min * 10);
  const Panel upper(top, x_max, 0, x_max, false);
  const Panel lower(top + kPanel + kGap, x_max, y_min, y_max, true);
  const Result& first = *results.front();
  const auto said = [&](const char* name) {
    const auto it = first.settings.find(name);
    return it == first.settings.end() ? std::string("unknown") : it->second;
  };
  const std::string title = fmt::format("{} (target {}, scheduler {})", first.name, said("target"),
                                        said("scheduler").substr(0, 5));
  std::string out = Text(kLeft, top - 10 - 1.5 * kLineHeight, "start", title);
  double label = 0;
  out += upper.Axes("bound pods/s over offered pods/s") + upper.Diagonal() + upper.Draw(bound) +
         upper.Label(bound, label) + lower.Axes("from due to bound, ms, over offered pods/s");
  for (const Series& one : waits) out += lower.Draw(one) + lower.Label(one, label);
  return out;
}

}  // namespace

std::string DrawOfferedLoad(const std::vector<Result>& results) {
  std::vector<std::pair<std::string, std::vector<const Result*>>> workloads;  // in their order
  for (const Result& result : results) {
    if (result.offered_rate == 0) continue;
    const auto it = std::find_if(workloads.begin(), workloads.end(),
                                 [&](const auto& one) { return one.first == result.name; });
    auto& list = it == workloads.end() ? workloads.emplace_back(result.name, 0).second : it->second;
    list.push_back(&result);
  }
  const double each = 2 * (kPanel + kGap) + kTop;
  const double height = each * static_cast<double>(workloads.size());
  std::string out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' viewBox='0 0 {0} {1}' "
      "font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n",
      kWidth, height);
  for (size_t i = 0; i < workloads.size(); ++i) {
    out += DrawWorkload(workloads[i].second, kTop + each * static_cast<double>(i));
  }
  return out + "</svg>\n";
}

}  // namespace berth::bench
