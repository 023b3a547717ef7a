// Warnings while they are collected: in order, each once, not without end.
//
//   if (volume.has_rbd()) warnings.Add(path.Child("rbd"), "deprecated in v1.28");
//
// Threads: as a local variable. Source: apiserver/pkg/endpoints/filters/warning.go, for what
// becomes of them in the end.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/validation/field_path.h"

namespace berth::api {

// A header can carry it: UTF-8 without control characters.
bool FitsAHeader(const std::string& text);

class WarningList {
 public:
  void Add(const validation::FieldPath& path, std::string_view text);  // "path: text"
  // Nothing is added that was added before, or that no header can carry: control characters, bytes
  // that are not UTF-8.
  void Add(std::string text);

  // Nobody will see what comes now: it is dropped, and need not be looked for.
  bool full() const { return shown_bytes_ >= kShownBytesMax || added_count_ >= kAddedMax; }

  std::vector<std::string> Take() { return std::move(list_); }

 private:
  // Upstream stops at 4,096 runes and cuts the texts to 256 runes for it; a rune has at most four
  // bytes.
  static constexpr size_t kShownBytesMax = size_t{4} * 4096;
  static constexpr size_t kTextBytesMax = 256;
  static constexpr size_t kAddedMax = 10'000;  // repeated ones too: they cost as much

  std::vector<std::string> list_;
  std::set<std::string, std::less<>> known_;
  size_t shown_bytes_ = 0;
  size_t added_count_ = 0;
};

}  // namespace berth::api
