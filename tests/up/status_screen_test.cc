#include "cluster/up/status_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::up {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

StatusScreen MakeScreen() {
  StatusScreen screen({.server = "http://127.0.0.1:8001", .store = "rocksdb in /d",
                       .kubeconfig = "/d/kubeconfig", .started = kStart});
  for (int second = 1; second <= 10; ++second) {
    Sample sample;
    sample.when = kStart + absl::Seconds(second);
    sample.nodes = 1000;
    sample.nodes_ready = second < 5 ? 10 : 1000;
    sample.pods = 12'000;
    sample.bound = sample.pods_bound = 1'200 * second;
    sample.requests = 3'000 * second;
    sample.schedulers = {{"default-scheduler", 700 * second, 5, 2, 0},
                         {"second", 500 * second, 6, 3, 1}};
    screen.Add(std::move(sample));
  }
  return screen;
}

TEST(StatusScreenTest, ShowsCountsAndRates) {
  const std::string text = MakeScreen().Render(120, 40, false);
  EXPECT_THAT(text, HasSubstr("1,000 of 1,000 ready"));
  EXPECT_THAT(text, HasSubstr("12,000   unbound 0   bound 12,000"));
  EXPECT_THAT(text, HasSubstr("bound/s     1,200"));
  EXPECT_THAT(text, HasSubstr("3,000 requests/s"));
  EXPECT_THAT(text, HasSubstr("default-scheduler                     7,000       700         5"));
  EXPECT_THAT(text, HasSubstr("export KUBECONFIG=/d/kubeconfig"));
  EXPECT_THAT(text, Not(HasSubstr("\033"))) << "no codes without colour";
}

size_t Characters(std::string_view line) {
  size_t count = 0;
  for (const char c : line) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

TEST(StatusScreenTest, FitsTheTerminalWhateverItsSize) {
  const StatusScreen screen = MakeScreen();
  for (const int columns : {0, 1, 10, 23, 40, 80, 200}) {
    for (const int rows : {0, 1, 5, 50}) {
      const std::string text = screen.Render(columns, rows, false);
      int lines = text.empty() ? 0 : 1;
      size_t from = 0;
      for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', from)) {
        EXPECT_LE(Characters(std::string_view(text).substr(from, at - from)), size_t(columns));
        from = at + 1;
        ++lines;
      }
      EXPECT_LE(lines, std::max(rows, 1));
    }
  }
}

TEST(StatusScreenTest, NothingBeforeTheFirstSample) {
  const StatusScreen screen({});
  EXPECT_EQ(screen.Render(80, 25, true), "");
  EXPECT_EQ(screen.Line(), "");
}

TEST(StatusScreenTest, LineForLogs) {
  EXPECT_EQ(MakeScreen().Line(),
            "up 10s nodes=1000/1000 pods=12000 bound=12000 running=0 bound/s=1200 "
            "requests/s=3000 default-scheduler: bound=7000 pending=5 conflicts=2 "
            "second: bound=5000 pending=6 conflicts=3");
}

TEST(StatusScreenTest, AFrameClearsWhatWasLongerBefore) {
  EXPECT_EQ(Frame("a\nb"), "\033[?2026h\033[Ha\033[K\r\nb\033[K\033[J\033[?2026l");
}

}  // namespace
}  // namespace berth::up
