// IndexedHeap: a binary heap in an array whose elements know their place, with the steps of Go's
// container/heap, so that equal elements come out as upstream's do.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"

namespace berth::framework {

// T* elements have a `size_t heap_index`. Less(a, b): a comes out before b; strict.
template <typename T, typename Less>
class IndexedHeap {
 public:
  explicit IndexedHeap(Less less) : less_(std::move(less)) {}

  void Push(T* element) {
    element->heap_index = items_.size();
    items_.push_back(element);
    Up(items_.size() - 1);
  }
  // After an element's order may have changed.
  void Fix(T* element) {
    const size_t at = element->heap_index;
    BERTH_CHECK(at < items_.size() && items_[at] == element);
    if (!Down(at, items_.size())) Up(at);
  }
  void Remove(T* element) {
    const size_t at = element->heap_index;
    BERTH_CHECK(at < items_.size() && items_[at] == element);
    const size_t last = items_.size() - 1;
    if (at != last) {
      Swap(at, last);
      if (!Down(at, last)) Up(at);
    }
    items_.pop_back();
  }
  T* Pop() {
    T* first = items_.front();
    const size_t last = items_.size() - 1;
    Swap(0, last);
    Down(0, last);
    items_.pop_back();
    return first;
  }
  T* Top() const { return items_.empty() ? nullptr : items_.front(); }
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  const std::vector<T*>& items() const { return items_; }  // in heap order

 private:
  void Swap(size_t a, size_t b) {
    std::swap(items_[a], items_[b]);
    items_[a]->heap_index = a;
    items_[b]->heap_index = b;
  }
  void Up(size_t at) {
    while (at > 0) {
      const size_t parent = (at - 1) / 2;
      if (!less_(*items_[at], *items_[parent])) break;
      Swap(parent, at);
      at = parent;
    }
  }
  // True when the element moved.
  bool Down(size_t start, size_t count) {
    size_t at = start;
    while (true) {
      size_t child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && less_(*items_[child + 1], *items_[child])) ++child;
      if (!less_(*items_[child], *items_[at])) break;
      Swap(at, child);
      at = child;
    }
    return at > start;
  }

  Less less_;
  std::vector<T*> items_;
};

}  // namespace berth::framework
