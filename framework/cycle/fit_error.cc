#include "framework/cycle/fit_error.h"

#include <algorithm>
#include <map>

#include <fmt/core.h>

namespace berth::framework {

void Diagnosis::AddRejector(const Status& status) {
  if (!status.IsRejected() || status.plugin().empty()) return;
  unschedulable_plugins.emplace(status.plugin());
  if (status.code() == Code::kPending) pending_plugins.emplace(status.plugin());
}

void Diagnosis::Count(const Status& status, int64_t nodes) {
  for (auto& [held, count] : verdicts) {
    if (held.identity() != status.identity()) continue;
    count += nodes;
    return;
  }
  verdicts.emplace_back(status, nodes);
}

std::string Diagnosis::Message() const {
  std::string text = kept_text_ ? *kept_text_ : TextBeforePostFilter();
  if (!post_filter_message.empty()) text.append(1, ' ').append(post_filter_message);
  return text;
}

std::string Diagnosis::TextBeforePostFilter() const {
  std::string text = fmt::format("0/{} nodes are available:", all_nodes);
  if (!pre_filter_message.empty()) {
    text += fmt::format(" {}.", pre_filter_message);
  } else {
    std::map<std::string, int64_t> histogram;
    int64_t explicit_nodes = 0;
    for (const auto& [status, count] : verdicts) {
      explicit_nodes += count;
      for (const std::string& reason : status.Reasons()) histogram[reason] += count;
    }
    if (explicit_nodes < all_nodes) {
      for (const std::string& reason : absent_status.Reasons()) {
        histogram[reason] += all_nodes - explicit_nodes;
      }
    }
    std::vector<std::string> entries;
    entries.reserve(histogram.size());
    for (const auto& [reason, count] : histogram) {
      entries.push_back(fmt::format("{} {}", count, reason));
    }
    std::sort(entries.begin(), entries.end());  // as text: "10 x" before "2 y"
    for (size_t i = 0; i < entries.size(); ++i) text += (i == 0 ? " " : ", ") + entries[i];
    if (!entries.empty()) text += ".";
  }
  return text;
}

}  // namespace berth::framework
