// Families of metrics: written by one thread at the price of plain integers, printed by any.
//
//   MetricRegistry registry;
//   Family<CounterCell, 2> attempts{registry, "schedule_attempts_total", "Attempts ...",
//                                   {"result", "profile"}};
//   attempts.At({"scheduled", profile}).Add();
//   std::string text = registry.Text();    // Prometheus text format 0.0.4, as Go's client prints
//
// prometheus-cpp locks a histogram for each observation; these cost a few nanoseconds on the path
// of every pod, and their text is upstream's (docs/decisions/004-scheduler-metrics.md).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <absl/synchronization/mutex.h>

#include "base/strings.h"
#include "base/tally.h"

namespace berth::scheduler {

using Buckets = std::vector<double>;
// n upper bounds from `start`, each `factor` times the one before.
Buckets ExponentialBuckets(double start, double factor, int n);
// A number as Go's client prints it: "1", "0.0001", "1e-05", "1.048576e+06", "+Inf".
std::string GoFloat(double value);
// {a="x",b="y"}, with quotes, backslashes and line ends escaped; nothing for no labels.
std::string LabelText(const std::vector<std::pair<std::string_view, std::string_view>>& labels);

using CounterCell = Tally;

// Threads: written by one at a time, read by any.
class GaugeCell {
 public:
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t delta) { Set(value() + delta); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Threads: as GaugeCell; a reader may see an observation's bucket before its part of the sum.
class HistogramCell {
 public:
  // buckets: must outlive it.
  explicit HistogramCell(const Buckets& buckets)
      : buckets_(buckets), counts_(buckets.size() + 1) {}
  void Observe(double value);
  const Buckets& buckets() const { return buckets_; }
  int64_t count(size_t bucket) const { return counts_[bucket].value(); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const Buckets& buckets_;
  std::vector<Tally> counts_;  // per bucket, not cumulative; the last is beyond all bounds
  std::atomic<double> sum_{0};
};

// What a family is, whatever its cells.
class FamilyBase {
 public:
  virtual ~FamilyBase() = default;
  FamilyBase(const FamilyBase&) = delete;
  FamilyBase& operator=(const FamilyBase&) = delete;

  const std::string& name() const { return name_; }
  std::string_view type() const { return type_; }  // "counter", "gauge", "histogram"
  virtual std::vector<std::string_view> label_names() const = 0;  // in the order of At
  const Buckets& buckets() const { return buckets_; }             // of histograms
  // Nothing for a family that has labels and no cell yet.
  virtual void Write(std::string& out) const = 0;

 protected:
  FamilyBase(std::string name, std::string help, std::string_view type, Buckets buckets)
      : name_(std::move(name)), help_(std::move(help)), type_(type), buckets_(std::move(buckets)) {}
  void WriteHead(std::string& out) const;
  // labels: with a brace at each end, or empty.
  void WriteCell(std::string& out, const std::string& labels, const Tally& cell) const;
  void WriteCell(std::string& out, const std::string& labels, const GaugeCell& cell) const;
  void WriteCell(std::string& out, const std::string& labels, const HistogramCell& cell) const;

  const std::string name_, help_;
  const std::string_view type_;
  const Buckets buckets_;
};

// Threads: families are added before anybody else looks; then any.
class MetricRegistry {
 public:
  void Add(const FamilyBase& family) { families_[family.name()] = &family; }
  const std::map<std::string, const FamilyBase*>& families() const { return families_; }
  std::string Text() const;

 private:
  std::map<std::string, const FamilyBase*> families_;
};

template <typename Cell>
inline constexpr std::string_view kCellType = "counter";
template <>
inline constexpr std::string_view kCellType<GaugeCell> = "gauge";
template <>
inline constexpr std::string_view kCellType<HistogramCell> = "histogram";

// Threads: At and the cells' writes by one thread at a time; Write by any.
template <typename Cell, size_t N>
class Family final : public FamilyBase {
 public:
  using Labels = std::array<std::string_view, N>;
  // The registry must not outlive it. Without labels it has its cell, and shows 0, from the start.
  Family(MetricRegistry& registry, std::string name, std::string help, Labels names = {},
         Buckets buckets = {})
      : FamilyBase(std::move(name), std::move(help), kCellType<Cell>, std::move(buckets)),
        names_(names) {
    registry.Add(*this);
    if constexpr (N == 0) At({});
  }

  std::vector<std::string_view> label_names() const override {
    return {names_.begin(), names_.end()};
  }

  // Lives as long as the family. Cost: a few nanoseconds when asked before with the same texts at
  // the same addresses, a hash of the texts otherwise.
  Cell& At(const Labels& values) {
    Child*& recent = recent_[Slot(values)];
    if (recent == nullptr || !recent->Is(values)) recent = &Find(values);
    return *recent->cell;
  }

  void Write(std::string& out) const override {
    const absl::MutexLock lock(&mutex_);
    if (children_.empty()) return;
    WriteHead(out);
    for (const auto& [labels, child] : children_) WriteCell(out, labels, *child->cell);
  }

 private:
  struct Child {
    std::string key;  // the values, each with a zero behind it
    std::unique_ptr<Cell> cell;

    bool Is(const Labels& values) const {
      const char* at = key.data();
      size_t left = key.size();
      for (std::string_view value : values) {
        if (left <= value.size() || std::memcmp(at, value.data(), value.size()) != 0) return false;
        if (at[value.size()] != '\0') return false;
        at += value.size() + 1;
        left -= value.size() + 1;
      }
      return true;
    }
  };
  static constexpr size_t kRecentBits = 8;

  static size_t Slot(const Labels& values) {
    uint64_t mixed = 0;
    for (std::string_view value : values) {
      mixed = (mixed ^ reinterpret_cast<uintptr_t>(value.data())) * 0x9E3779B97F4A7C15ULL;
    }
    return mixed >> (64 - kRecentBits);
  }

  Child& Find(const Labels& values) {
    key_.clear();
    for (std::string_view value : values) key_.append(value).append(1, '\0');
    auto it = by_values_.find(std::string_view(key_));
    if (it != by_values_.end()) return *it->second;
    const absl::MutexLock lock(&mutex_);  // against Write; nobody else adds
    std::vector<std::pair<std::string_view, std::string_view>> labels;
    for (size_t i = 0; i < N; ++i) labels.emplace_back(names_[i], values[i]);
    std::unique_ptr<Child>& child = children_[LabelText(labels)];
    child = std::make_unique<Child>(Child{key_, NewCell()});
    by_values_.emplace(key_, child.get());
    return *child;
  }

  std::unique_ptr<Cell> NewCell() const {
    if constexpr (std::is_same_v<Cell, HistogramCell>) {
      return std::make_unique<Cell>(buckets_);
    } else {
      return std::make_unique<Cell>();
    }
  }

  const Labels names_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<Child>> children_;  // by the text of their labels
  StringMap<Child*> by_values_;                             // of the writing thread, as the rest
  std::array<Child*, size_t{1} << kRecentBits> recent_{};
  std::string key_;
};

template <size_t N>
using CounterFamily = Family<CounterCell, N>;
template <size_t N>
using GaugeFamily = Family<GaugeCell, N>;
template <size_t N>
using HistogramFamily = Family<HistogramCell, N>;

}  // namespace berth::scheduler
