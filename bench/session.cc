#include "bench/session.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/clock.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/calibration.h"
#include "bench/curve_svg.h"
#include "bench/environment.h"
#include "bench/report.h"
#include "bench/result.h"
#include "bench/rig.h"
#include "bench/scheduler_perf/engine_target.h"
#include "bench/selection.h"

namespace berth::bench {
namespace {

constexpr int kRoundsMax = 10'000;

class Session {
 public:
  explicit Session(const Options& options)
      : options_(options), machine_(DescribeMachine()), table_(options.output == "table") {}

  // False: something failed, or missed its threshold.
  bool Run(const Selected& selected) {
    if (options_.rates.empty()) return RunAt(selected, std::nullopt);
    bool good = true;
    for (const double rate : options_.rates) good = RunAt(selected, rate) && good;
    return good;
  }
  const std::vector<Result>& results() const { return results_; }

 private:
  RunOptions RunOptionsOf(std::optional<double> rate) const {
    RunOptions run;
    run.clock = &RealClock::Get();
    run.sample_interval = absl::Seconds(options_.sample_interval_s);
    run.wait_limit = absl::Seconds(options_.wait_limit_s);
    run.templates = options_.templates;
    run.measure_pods = options_.measure_pods;
    run.rate = rate;
    run.offer_window = absl::Seconds(options_.rate_seconds);
    run.progress = [](std::string_view text) { fmt::print(stderr, "  {}\n", text); };
    return run;
  }

  // All repetitions; rate: pods/s, or all at once.
  bool RunAt(const Selected& selected, std::optional<double> rate) {
    const size_t first = results_.size();  // of its measurements
    absl::Status status;
    for (int i = 0; i < options_.repeat && status.ok(); ++i) {
      status = Repeat(selected, rate, first);
    }
    if (!status.ok()) {
      fmt::print(stderr, "berth bench: {}: {}\n", selected.Name(), ToStd(status.message()));
    }
    bool good = status.ok();
    for (size_t i = first; i < results_.size(); ++i) {
      if (table_) PrintSummary(results_[i]);
      good = good && results_[i].problems.empty();
    }
    return good;
  }

  absl::Status Repeat(const Selected& selected, std::optional<double> rate, size_t first) {
    BERTH_ASSIGN_OR_RETURN(const Settings settings, DescribeSettings(options_, selected));
    const Calibration before = Calibrate(RealClock::Get());
    std::vector<WorkloadResult> rounds;
    double seconds = 0, fresh = 0;  // measured: in all, and by the last round
    do {
      BERTH_ASSIGN_OR_RETURN(WorkloadResult round, RunOnce(selected, RunOptionsOf(rate)));
      fresh = 0;
      for (const Measurement& m : round.measurements) fresh += absl::ToDoubleSeconds(m.elapsed);
      seconds += fresh;
      rounds.push_back(std::move(round));
    } while (seconds < options_.min_seconds && fresh > 0 && std::ssize(rounds) < kRoundsMax);
    const Calibration after = Calibrate(RealClock::Get());
    for (size_t i = 0; i < rounds[0].measurements.size(); ++i) {
      if (results_.size() <= first + i) {
        results_.push_back(NewResult(selected, settings, rounds[0].measurements[i], rate));
      }
      Result& result = results_[first + i];
      std::vector<Round> parts;
      for (const WorkloadResult& round : rounds) parts.push_back({&round, &round.measurements[i]});
      AddRepetition(*selected.test_case, parts, result);
      AddMoment(before, after, result);
      if (!table_) continue;
      if (results_.size() == 1 && result.repetitions == 1) PrintHead(result);
      PrintRepetition(result);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<WorkloadResult> RunOnce(const Selected& selected, RunOptions run) const {
    BERTH_ASSIGN_OR_RETURN(const std::unique_ptr<Rig> rig, Rig::Make(options_, selected));
    run.cpu = rig->cpu();
    auto result =
        RunWorkload(*selected.file, *selected.test_case, *selected.workload, rig->target(), run);
    // Somebody else's cluster is left as it was found, also after a failure.
    if (options_.target == "cluster") {
      const absl::Status cleared = rig->target().Clear();
      if (!cleared.ok()) {
        fmt::print(stderr, "berth bench: not everything was removed: {}\n",
                   ToStd(cleared.message()));
      }
    }
    if (result.ok() && result->in_flight_events > 0) {
      return absl::InternalError(
          fmt::format("{} events are still in flight at the end", result->in_flight_events));
    }
    return result;
  }

  Result NewResult(const Selected& selected, const Settings& settings, const Measurement& m,
                   std::optional<double> rate) const {
    Result out;
    out.name = m.name.substr(m.name.find('/') + 1);
    out.topic = selected.file->topic;
    out.offered_rate = rate.value_or(0);
    out.settings = settings;
    out.machine = machine_;
    return out;
  }

  // What the machine was like around a repetition.
  static void AddMoment(const Calibration& before, const Calibration& after, Result& result) {
    const auto milliseconds = [](absl::Duration a, absl::Duration b) {
      return absl::ToDoubleMilliseconds(a + b) / 2;
    };
    result.Add(std::string(kCalibration), "ms", Better::kNeither,
               milliseconds(before.wall, after.wall));
    result.Add(std::string(kCalibrationCpu), "ms", Better::kNeither,
               milliseconds(before.cpu, after.cpu));
    result.Add("load_average", "tasks", Better::kNeither, LoadAverage());
  }

  const Options& options_;
  const std::map<std::string, std::string> machine_;
  const bool table_;
  std::vector<Result> results_;
};

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  if (!out.flush()) return absl::InternalError(fmt::format("{}: cannot be written", path));
  fmt::print(stderr, "wrote {}\n", path);
  return absl::OkStatus();
}

// Upstream's files, one for each topic.
absl::Status WriteDataItems(const Options& options, const std::vector<Result>& results) {
  std::map<std::string, std::vector<DataItem>> topics;
  for (const Result& result : results) {
    for (DataItem item : result.items) {
      item.labels["Target"] = options.target;
      topics[result.topic].push_back(std::move(item));
    }
  }
  std::error_code ignored;
  std::filesystem::create_directories(options.data_items, ignored);
  const std::string stamp = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", RealClock::Get().Now(),
                                             absl::LocalTimeZone());
  for (const auto& [topic, items] : topics) {
    BERTH_RETURN_IF_ERROR(
        WriteFile(fmt::format("{}/BenchmarkPerfScheduling_benchmark_{}_{}.json",
                              options.data_items, topic, stamp),
                  PrintDataItems(items)));
  }
  return absl::OkStatus();
}

absl::Status WriteFiles(const Options& options, const std::vector<Result>& results) {
  if (!options.data_items.empty()) BERTH_RETURN_IF_ERROR(WriteDataItems(options, results));
  if (!options.svg.empty() && !results.empty()) {
    BERTH_RETURN_IF_ERROR(WriteFile(options.svg, DrawOfferedLoad(results)));
  }
  return absl::OkStatus();
}

int NothingMatches(const Options& options, const std::vector<WorkloadFile>& files) {
  fmt::print(stderr, "berth bench: no workload of {} matches; it has:\n", options.config);
  for (const WorkloadFile& file : files) {
    for (const TestCase& c : file.cases) {
      for (const Workload& w : c.workloads) fmt::print(stderr, "  {}/{}\n", c.name, w.name);
    }
  }
  return 2;
}

}  // namespace

int RunSession(const Options& options) {
  const auto files = ReadFiles(options);
  if (!files.ok()) {
    fmt::print(stderr, "berth bench: {}\n", ToStd(files.status().message()));
    return 2;
  }
  const std::vector<Selected> selected = Select(*files, options);
  if (selected.empty()) return NothingMatches(options, *files);
  Session session(options);
  bool good = true;
  for (const Selected& one : selected) good = session.Run(one) && good;
  if (options.output == "json") fmt::print("{}", PrintResults(session.results()));
  if (const absl::Status bad = WriteFiles(options, session.results()); !bad.ok()) {
    fmt::print(stderr, "berth bench: {}\n", ToStd(bad.message()));
    return 1;
  }
  return good ? 0 : 1;
}

}  // namespace berth::bench
