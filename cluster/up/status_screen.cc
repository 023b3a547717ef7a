#include "cluster/up/status_screen.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "cluster/up/text.h"

namespace berth::up {
namespace {

constexpr size_t kSamplesMax = 130;
constexpr absl::Duration kRateSpan = absl::Seconds(3);
constexpr std::string_view kBold = "\033[1m", kDim = "\033[2m", kGreen = "\033[32m",
                           kYellow = "\033[33m", kRed = "\033[31m", kPlain = "\033[0m";

std::string PerSecond(double rate) { return Grouped(std::llround(rate)); }

std::string Elapsed(absl::Duration since) {
  const int64_t s = std::max<int64_t>(absl::ToInt64Seconds(since), 0);
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
}

// Lines of a bounded width: what is too long is cut, codes count nothing.
class Canvas {
 public:
  Canvas(int columns, int rows, bool colour)
      : columns_(static_cast<size_t>(std::max(columns, 0))),
        rows_(static_cast<size_t>(std::max(rows, 0))), colour_(colour) {}

  Canvas& Put(std::string_view text, std::string_view style = {}) {
    const size_t room = columns_ - std::min(columns_, width_);
    const std::string cut = Cut(text, room);
    const bool styled = colour_ && !style.empty() && !cut.empty();
    if (styled) line_ += style;
    line_ += cut;
    if (styled) line_ += kPlain;
    return *this;
  }
  void EndLine() {
    if (lines_ < rows_) out_ += (lines_ == 0 ? "" : "\n") + line_;
    ++lines_;
    line_.clear();
    width_ = 0;
  }
  std::string Take() { return std::move(out_); }

 private:
  // The first `room` characters of UTF-8 text.
  std::string Cut(std::string_view text, size_t room) {
    size_t bytes = 0, characters = 0;
    while (bytes < text.size() && characters < room) {
      ++bytes;
      while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) {
        ++bytes;
      }
      ++characters;
    }
    width_ += characters;
    return std::string(text.substr(0, bytes));
  }

  const size_t columns_, rows_;
  const bool colour_;
  std::string out_, line_;
  size_t width_ = 0, lines_ = 0;
};

}  // namespace

void StatusScreen::Add(Sample sample) {
  samples_.push_back(std::move(sample));
  if (samples_.size() > kSamplesMax) samples_.pop_front();
}

bool StatusScreen::AllNodesReady() const {
  return !samples_.empty() && samples_.back().nodes_ready == samples_.back().nodes;
}

const Sample& StatusScreen::Before(absl::Duration span) const {
  const absl::Time want = samples_.back().when - span;
  for (auto it = samples_.rbegin(); it != samples_.rend(); ++it) {
    if (it->when <= want) return *it;
  }
  return samples_.front();
}

double StatusScreen::Rate(int64_t Sample::*ever, absl::Duration span) const {
  const Sample& from = Before(span);
  const double seconds = absl::ToDoubleSeconds(samples_.back().when - from.when);
  return seconds <= 0 ? 0 : static_cast<double>(samples_.back().*ever - from.*ever) / seconds;
}

double StatusScreen::SchedulerRate(size_t index, absl::Duration span) const {
  const Sample& from = Before(span);
  const double seconds = absl::ToDoubleSeconds(samples_.back().when - from.when);
  if (seconds <= 0 || index >= from.schedulers.size()) return 0;
  return static_cast<double>(samples_.back().schedulers[index].bound -
                             from.schedulers[index].bound) / seconds;
}

// Bindings a second over the last minute, oldest left, highest full.
std::string StatusScreen::Sparkline(int width) const {
  static constexpr std::array<std::string_view, 9> kBars = {" ", "▁", "▂", "▃", "▄",
                                                            "▅", "▆", "▇", "█"};
  std::vector<double> rates;
  for (size_t i = 1; i < samples_.size(); ++i) {
    const double seconds = absl::ToDoubleSeconds(samples_[i].when - samples_[i - 1].when);
    const auto bound = static_cast<double>(samples_[i].bound - samples_[i - 1].bound);
    rates.push_back(seconds <= 0 ? 0 : bound / seconds);
  }
  const size_t shown = std::min(rates.size(), static_cast<size_t>(std::max(width, 0)));
  const auto first = rates.end() - static_cast<std::ptrdiff_t>(shown);
  const double top = shown == 0 ? 0 : *std::max_element(first, rates.end());
  std::string out;
  for (auto it = first; it != rates.end(); ++it) {
    const double share = top <= 0 ? 0 : *it / top;
    out += kBars[static_cast<size_t>(std::ceil(share * 8))];
  }
  return out;
}

std::string StatusScreen::Render(int columns, int rows, bool colour) const {
  if (samples_.empty()) return {};
  const Sample& now = samples_.back();
  Canvas canvas(columns, rows, colour);
  canvas.Put("berth", kBold).Put("  " + facts_.server)
      .Put(fmt::format("   up {}   store {}", Elapsed(now.when - facts_.started), facts_.store),
           kDim)
      .EndLine();
  canvas.EndLine();
  const bool all_ready = now.nodes_ready == now.nodes;
  canvas.Put("nodes     ", kDim)
      .Put(fmt::format("{} of {} ready", Grouped(now.nodes_ready), Grouped(now.nodes)),
           all_ready ? kGreen : kYellow)
      .EndLine();
  const int64_t pending = std::max<int64_t>(now.pods - now.pods_bound - now.pods_succeeded -
                                                now.pods_failed, 0);
  canvas.Put("pods      ", kDim)
      .Put(fmt::format("{}   ", Grouped(now.pods)))
      .Put(fmt::format("unbound {}   ", Grouped(pending)), pending > 0 ? kYellow : "")
      .Put(fmt::format("bound {}   running {}   succeeded {}   ", Grouped(now.pods_bound),
                       Grouped(now.pods_running), Grouped(now.pods_succeeded)))
      .Put(fmt::format("failed {}", Grouped(now.pods_failed)), now.pods_failed > 0 ? kRed : "")
      .EndLine();
  canvas.Put("bound/s   ", kDim)
      .Put(fmt::format("{:>7}   ", PerSecond(Rate(&Sample::bound, kRateSpan))), kBold)
      .Put(Sparkline(std::min(columns - 22, 60)))
      .EndLine();
  canvas.Put("running/s ", kDim)
      .Put(fmt::format("{:>7}", PerSecond(Rate(&Sample::running, kRateSpan))))
      .EndLine();
  canvas.Put("api       ", kDim)
      .Put(fmt::format("{:>7} requests/s   {} watchers   revision {}",
                       PerSecond(Rate(&Sample::requests, kRateSpan)), Grouped(now.watchers),
                       now.revision))
      .EndLine();
  canvas.EndLine();
  canvas.Put(fmt::format("{:<32} {:>10} {:>9} {:>9} {:>10} {:>10}", "SCHEDULER", "BOUND",
                         "BOUND/S", "PENDING", "CONFLICTS", "NO NODE"), kDim)
      .EndLine();
  for (size_t i = 0; i < now.schedulers.size(); ++i) {
    const Sample::Scheduler& s = now.schedulers[i];
    canvas.Put(fmt::format("{:<32} {:>10} {:>9} {:>9} {:>10} {:>10}", s.name, Grouped(s.bound),
                           PerSecond(SchedulerRate(i, kRateSpan)), Grouped(s.pending),
                           Grouped(s.conflicts), Grouped(s.failed)))
        .EndLine();
  }
  canvas.EndLine();
  canvas.Put("export KUBECONFIG=" + facts_.kubeconfig).EndLine();
  canvas.Put("Ctrl-C stops it; a second one exits at once", kDim).EndLine();
  return canvas.Take();
}

std::string StatusScreen::Line() const {
  if (samples_.empty()) return {};
  const Sample& now = samples_.back();
  std::string out = fmt::format(
      "up {} nodes={}/{} pods={} bound={} running={} bound/s={} requests/s={}",
      Elapsed(now.when - facts_.started), now.nodes_ready, now.nodes, now.pods, now.pods_bound,
      now.pods_running, std::llround(Rate(&Sample::bound, kRateSpan)),
      std::llround(Rate(&Sample::requests, kRateSpan)));
  for (const Sample::Scheduler& s : now.schedulers) {
    out += fmt::format(" {}: bound={} pending={} conflicts={}", s.name, s.bound, s.pending,
                       s.conflicts);
  }
  return out;
}

std::string EnterScreen() { return "\033[?1049h\033[?25l"; }
std::string LeaveScreen() { return "\033[?25h\033[?1049l"; }

std::string Frame(const std::string& screen) {
  std::string out = "\033[?2026h\033[H";
  for (const char c : screen) {
    if (c == '\n') {
      out += "\033[K\r\n";
    } else {
      out += c;
    }
  }
  return out + "\033[K\033[J\033[?2026l";
}

}  // namespace berth::up
