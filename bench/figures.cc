#include "bench/figures.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace berth::bench {

std::string_view BetterName(Better better) {
  switch (better) {
    case Better::kHigher: return "higher";
    case Better::kLower: return "lower";
    case Better::kNeither: return "neither";
  }
  return "neither";
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

double Spread(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return mean == 0 ? 0 : std::sqrt(squares / (count - 1)) / std::fabs(mean);
}

namespace {

// How many of the orders of n and m values give each U: counts[u], by the recurrence
// f(n, m, u) = f(n - 1, m, u - m) + f(n, m - 1, u), where the largest value is one of n, or of m.
std::vector<double> CountsOfU(size_t n, size_t m) {
  std::vector<std::vector<double>> row(m + 1, std::vector<double>{1});  // n = 0: only u = 0
  for (size_t i = 1; i <= n; ++i) {
    std::vector<std::vector<double>> next(m + 1);
    next[0] = {1};
    for (size_t j = 1; j <= m; ++j) {
      next[j].assign(i * j + 1, 0);
      for (size_t u = 0; u < row[j].size(); ++u) next[j][u + j] += row[j][u];
      for (size_t u = 0; u < next[j - 1].size(); ++u) next[j][u] += next[j - 1][u];
    }
    row = std::move(next);
  }
  return row[m];
}

}  // namespace

double ChanceOfNoDifference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.empty() || b.empty()) return 1;
  double u = 0;
  for (const double x : a) {
    for (const double y : b) u += x > y ? 1 : x == y ? 0.5 : 0;
  }
  const double all_pairs = static_cast<double>(a.size() * b.size());
  const auto nearer = static_cast<size_t>(std::ceil(std::min(u, all_pairs - u)));
  const std::vector<double> counts = CountsOfU(a.size(), b.size());
  const double orders = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double extreme = std::accumulate(counts.begin(), counts.begin() + nearer + 1, 0.0);
  return std::min(1.0, 2 * extreme / orders);
}

}  // namespace berth::bench
