#include "bench/compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/report.h"

namespace berth::bench {
namespace {

constexpr double kShareChangeMin = 0.005;
constexpr double kMachineDrift = 1.1;  // of the calibration loop, from which a line says so
constexpr std::string_view kShare = "share";

// Figures that only describe the run.
bool IsContext(std::string_view name) {
  return name == kCalibration || name == kCalibrationCpu || name == "load_average" ||
         name == "rounds" || name == "seconds";
}

const Figure* FigureOf(const Result& result, std::string_view name) {
  const auto it = result.figures.find(std::string(name));
  return it == result.figures.end() ? nullptr : &it->second;
}

// In steps of the calibration loop: times become how many steps they take, rates how many come in a
// step. CPU times go by the loop's CPU time. What is neither stays.
Figure Calibrated(const Result& result, std::string_view name, const Figure& figure) {
  const bool rate = figure.unit.ends_with("/s");
  const bool time = figure.unit == "ms" || figure.unit == "us";
  const Figure* loop = FigureOf(result, name == kCpuPerPod ? kCalibrationCpu : kCalibration);
  if ((!rate && !time) || loop == nullptr) return figure;
  Figure out = figure;
  const size_t count = std::min(out.values.size(), loop->values.size());
  out.values.resize(count);
  for (size_t i = 0; i < count; ++i) {
    out.values[i] = rate ? out.values[i] * loop->values[i] : out.values[i] / loop->values[i];
  }
  return out;
}

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame: return "same";
    case Verdict::kBetter: return "better";
    case Verdict::kWorse: return "WORSE";
    case Verdict::kChanged: return "changed";
    case Verdict::kUnknown: return "cannot tell";
  }
  return "";
}

std::string Shown(const Figure& figure) {
  const double median = Median(figure.values);
  return figure.unit == kShare ? Percent(median) : fmt::format("{:.4g}", median);
}

std::string Change(const Figure& before, const Figure& after) {
  const double a = Median(before.values), b = Median(after.values);
  if (before.unit == kShare) return fmt::format("{:+.1f} points", (b - a) * 100);
  if (a == 0) return b == 0 ? "0 %" : "from 0";
  return fmt::format("{:+.1f} %", (b / a - 1) * 100);
}

// How many times worse the best of `after` is than the best of `before`; below 1 when it is better.
double TimesWorse(const Figure& before, const Figure& after) {
  const auto best = [](const Figure& figure) {
    return figure.better == Better::kHigher
               ? *std::max_element(figure.values.begin(), figure.values.end())
               : *std::min_element(figure.values.begin(), figure.values.end());
  };
  if (before.values.empty() || after.values.empty()) return 1;
  const double a = best(before), b = best(after);
  if (a <= 0 || b <= 0) return 1;
  return before.better == Better::kHigher ? a / b : b / a;
}

class Comparer {
 public:
  explicit Comparer(const CompareOptions& options) : options_(options) {}

  void Pair(const Result& before, const Result& after) {
    Say("{}{}", after.name,
        after.offered_rate > 0 ? fmt::format(" at {:g}/s", after.offered_rate) : "");
    SayDifferences(before.settings, after.settings);
    SayDifferences(before.machine, after.machine);
    SayDrift(before, after);
    if (options_.calibrated) Say("  times and rates count in steps of the calibration loop");
    Say("  {:<34} {:>12} {:>12} {:>14} {:>8} {:>8}  {}", "FIGURE", "BEFORE", "AFTER", "CHANGE",
        "SPREAD", "SPREAD", "VERDICT");
    for (const auto& [name, figure] : before.figures) {
      const Figure* other = FigureOf(after, name);
      if (other == nullptr || IsContext(name)) continue;
      if (!options_.calibrated) {
        Row(name, figure, *other);
      } else {
        Row(name, Calibrated(before, name, figure), Calibrated(after, name, *other));
      }
    }
    SayScenario(before, after);
  }

  void OnlyBefore(const Result& result) {
    Say("{}: only before", result.name);
    if (options_.fail_beyond > 0) Fail("it was not measured any more");
  }

  template <typename... Args>
  void Say(fmt::format_string<Args...> text, Args&&... args) {
    out_.text += fmt::format(text, std::forward<Args>(args)...) + "\n";
  }

  Comparison Finish() {
    Say("\n{} better, {} worse, {} changed, {} the same within noise, {} that cannot be told",
        counts_[Verdict::kBetter], counts_[Verdict::kWorse], counts_[Verdict::kChanged],
        counts_[Verdict::kSame], counts_[Verdict::kUnknown]);
    if (counts_[Verdict::kUnknown] > 0) {
      Say("(noise and change are told apart from {} repetitions on each side: --repeat 5)",
          kRepetitionsMin);
    }
    return std::move(out_);
  }

 private:
  void SayDifferences(const std::map<std::string, std::string>& before,
                      const std::map<std::string, std::string>& after) {
    for (const auto& [name, text] : before) {
      const auto it = after.find(name);
      const std::string other = it == after.end() ? "not said" : it->second;
      if (text != other) Say("  {}: {} -> {}", name, text, other);
    }
  }

  void SayDrift(const Result& before, const Result& after) {
    const Figure* a = FigureOf(before, kCalibration);
    const Figure* b = FigureOf(after, kCalibration);
    if (a == nullptr || b == nullptr) return;
    const double ratio = Median(b->values) / Median(a->values);
    if (ratio < kMachineDrift && ratio > 1 / kMachineDrift) return;
    Say("  the machine: the calibration loop took {:.2f} times as long{}", ratio,
        options_.calibrated ? ", which is taken out below" : "; --calibrated takes that out");
  }

  void Row(const std::string& name, const Figure& before, const Figure& after) {
    const Verdict verdict = Judge(before, after, options_);
    ++counts_[verdict];
    const bool main = name == kPodsPerSecond || name == kCpuPerPod ||
                      name == "offered.bound_per_second" || name == "latency_ms.p99";
    const bool moved = Median(before.values) != Median(after.values);
    const bool gated = name == kPodsPerSecond || name == kCpuPerPod;
    if (main || options_.all || (verdict != Verdict::kSame && moved)) {
      Say("  {:<34} {:>12} {:>12} {:>14} {:>8} {:>8}  {}", name, Shown(before), Shown(after),
          Change(before, after), Percent(Spread(before.values)), Percent(Spread(after.values)),
          VerdictName(verdict));
    }
    if (options_.fail_beyond == 0 || !gated) return;
    const double worse = TimesWorse(before, after);
    if (worse <= options_.fail_beyond) return;
    Fail(fmt::format("{} is {:.2f} times worse, by the best repetition of each; {:g} is allowed",
                     name, worse, options_.fail_beyond));
  }

  void SayScenario(const Result& before, const Result& after) {
    for (const std::string& sentence : before.missing) {
      Say("  before, the scenario did not happen: {}", sentence);
    }
    for (const std::string& sentence : after.missing) {
      Say("  after, the scenario did not happen: {}", sentence);
    }
    if (options_.fail_beyond > 0 && before.missing.empty() && !after.missing.empty()) {
      Fail("what the workload is about happened before and does not happen any more");
    }
  }

  void Fail(const std::string& why) {
    out_.passed = false;
    Say("  FAILED: {}", why);
  }

  const CompareOptions& options_;
  Comparison out_;
  std::map<Verdict, int> counts_;
};

absl::StatusOr<std::vector<Result>> ReadResults(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return absl::NotFoundError(fmt::format("{}: cannot be read", path));
  auto results = ParseResults(text.str());
  if (results.ok()) return results;
  return absl::InvalidArgumentError(
      fmt::format("{}: {}", path, ToStd(results.status().message())));
}

}  // namespace

Verdict Judge(const Figure& before, const Figure& after, const CompareOptions& options) {
  const double a = Median(before.values), b = Median(after.values);
  if (a == b) return Verdict::kSame;
  const bool small = before.unit == kShare ? std::fabs(b - a) < kShareChangeMin
                                           : std::fabs(b - a) < options.min_change * std::fabs(a);
  if (small) return Verdict::kSame;
  if (std::min(before.values.size(), after.values.size()) < kRepetitionsMin) {
    return Verdict::kUnknown;
  }
  if (ChanceOfNoDifference(before.values, after.values) > options.chance) return Verdict::kSame;
  if (before.better == Better::kNeither) return Verdict::kChanged;
  return (b > a) == (before.better == Better::kHigher) ? Verdict::kBetter : Verdict::kWorse;
}

Comparison Compare(const std::vector<Result>& before, const std::vector<Result>& after,
                   const CompareOptions& options) {
  Comparer comparer(options);
  std::vector<bool> used(after.size());
  for (const Result& old : before) {
    bool found = false;
    for (size_t i = 0; i < after.size() && !found; ++i) {
      found = !used[i] && after[i].name == old.name && after[i].offered_rate == old.offered_rate;
      if (!found) continue;
      used[i] = true;
      comparer.Pair(old, after[i]);
    }
    if (!found) comparer.OnlyBefore(old);
  }
  for (size_t i = 0; i < after.size(); ++i) {
    if (!used[i]) comparer.Say("{}: only after", after[i].name);
  }
  return comparer.Finish();
}

int RunCompare(const CompareOptions& options) {
  const auto before = ReadResults(options.before);
  const auto after = ReadResults(options.after);
  for (const auto* one : {&before, &after}) {
    if (one->ok()) continue;
    fmt::print(stderr, "berth bench compare: {}\n", ToStd(one->status().message()));
    return 2;
  }
  const Comparison comparison = Compare(*before, *after, options);
  fmt::print("{}", comparison.text);
  return comparison.passed ? 0 : 1;
}

}  // namespace berth::bench
