// PodTemplates: pods that were made from one template are parsed once. Two pods have their traits
// in common when their namespaces, labels and specs (but for nodeName) are equal.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "framework/pod_info.h"

namespace berth::framework {

// Threads: none.
class PodTemplates {
 public:
  // The same as PodInfo::Make says. An equal that was seen before saves its parsing, its signature
  // and its memory; to find it, the specs are compared (5,000 instructions of 7,500 for parsing).
  // known: what is known of it so far; null, or perhaps of another pod. Of the same pod with the
  // same metadata.generation the spec is taken to be the same but for nodeName.
  PodPtr Make(std::shared_ptr<const api::core::Pod> pod, const PodPtr& known = nullptr);

  size_t size() const { return size_; }

 private:
  struct Template {
    std::shared_ptr<const api::core::Pod> pod;  // one that was made from it
    PodTraitsPtr traits;
  };
  PodTraitsPtr TraitsOf(const std::shared_ptr<const api::core::Pod>& pod);

  // By a few fields that mostly tell them apart.
  absl::flat_hash_map<size_t, std::vector<Template>> templates_;
  size_t size_ = 0;
};

}  // namespace berth::framework
