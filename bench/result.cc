#include "bench/result.h"

#include <algorithm>
#include <utility>

#include "bench/scenario.h"

namespace berth::bench {
namespace {

void AddLatencies(const std::vector<absl::Duration>& sorted, Result& result) {
  const struct { const char* name; double percent; } rows[] = {
      {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}};
  for (const auto& [name, percent] : rows) {
    result.Add(std::string("latency_ms.") + name, "ms", Better::kLower,
               absl::ToDoubleMilliseconds(Percentile(sorted, percent)));
  }
}

void AddPlacement(const Placement& placement, Result& result) {
  const auto add = [&](const std::string& name, const char* unit, Better better, double value) {
    result.Add("placement." + name, unit, better, value);
  };
  add("nodes_used", "nodes", Better::kNeither, static_cast<double>(placement.nodes_used));
  add("unschedulable", "share", Better::kLower, placement.UnschedulableShare());
  for (const auto& [name, use] : placement.resources) {
    add(name + ".utilisation", "share", Better::kNeither, use.mean);
    add(name + ".deviation", "share", Better::kNeither, use.deviation);
    add(name + ".stranded", "share", Better::kLower, use.stranded);
  }
}

void AddOffer(const Offer& offer, Result& result) {
  result.Add("offered.sent_per_second", "pods/s", Better::kNeither, offer.SentPerSecond());
  result.Add("offered.bound_per_second", "pods/s", Better::kHigher, offer.BoundPerSecond());
  result.Add("offered.unbound", "pods", Better::kLower,
             static_cast<double>(std::ssize(offer.unbound)));
}

// Of all rounds together.
struct Totals {
  int64_t pods = 0, churned = 0;
  absl::Duration elapsed, cpu;
  bool cpu_known = true;
  PodTally tally;
  std::vector<absl::Duration> latencies;

  void Add(const Round& round) {
    const Measurement& m = *round.measured;
    pods += m.pods;
    churned += round.whole->churned;
    elapsed += m.elapsed;
    cpu += m.cpu.value_or(absl::ZeroDuration());
    cpu_known = cpu_known && m.cpu.has_value();
    tally.unschedulable += m.tally.unschedulable;
    tally.gated += m.tally.gated;
    tally.victims += m.tally.victims;
    latencies.insert(latencies.end(), m.latencies.begin(), m.latencies.end());
  }
};

void AddTotals(Totals totals, Result& result) {
  const double pods = static_cast<double>(totals.pods);
  const double seconds = absl::ToDoubleSeconds(totals.elapsed);
  result.Add("pods", "pods", Better::kNeither, pods);
  result.Add("seconds", "s", Better::kNeither, seconds);
  // An offer's rate is what was asked for; its own figures say what came of it.
  if (result.offered_rate == 0) {
    result.Add(std::string(kPodsPerSecond), "pods/s", Better::kHigher,
               seconds > 0 ? pods / seconds : 0);
  }
  if (totals.cpu_known && totals.pods > 0) {
    result.Add(std::string(kCpuPerPod), "us", Better::kLower,
               absl::ToDoubleMicroseconds(totals.cpu) / pods);
  }
  std::sort(totals.latencies.begin(), totals.latencies.end());
  AddLatencies(totals.latencies, result);
  const auto count = [&](const char* name, int64_t value) {
    result.Add(name, "pods", Better::kNeither, static_cast<double>(value));
  };
  count("scenario.preempted", totals.tally.victims);
  count("scenario.told_unschedulable", totals.tally.unschedulable);
  count("scenario.gated", totals.tally.gated);
  count("scenario.churned", totals.churned);
}

}  // namespace

void Result::Add(const std::string& figure, std::string unit, Better better, double value) {
  const auto [it, fresh] = figures.try_emplace(figure, Figure{std::move(unit), better, {}});
  it->second.values.push_back(value);
}

void AddRepetition(const TestCase& test_case, const std::vector<Round>& rounds, Result& result) {
  Totals totals;
  for (const Round& round : rounds) {
    totals.Add(round);
    const Measurement& m = *round.measured;
    for (std::string& sentence : CheckScenario(test_case, *round.whole, m).missing) {
      const auto& known = result.missing;
      if (std::count(known.begin(), known.end(), sentence) > 0) continue;
      result.missing.push_back(std::move(sentence));
    }
    result.problems.insert(result.problems.end(), m.problems.begin(), m.problems.end());
    result.items.insert(result.items.end(), m.items.begin(), m.items.end());
  }
  const Measurement& last = *rounds.back().measured;
  ++result.repetitions;
  AddTotals(std::move(totals), result);
  result.Add("rounds", "rounds", Better::kNeither, static_cast<double>(std::ssize(rounds)));
  if (last.offer) AddOffer(*last.offer, result);
  if (!last.placement.empty()) AddPlacement(last.placement.back(), result);
  result.placement = last.placement;
}

}  // namespace berth::bench
