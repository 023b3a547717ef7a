#include "base/symbol.h"

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "base/check.h"
#include "base/strings.h"

namespace berth {
namespace {

// Texts sit in blocks that never move, so that text() needs no lock.
constexpr uint32_t kBlockBits = 12;
constexpr uint32_t kBlockSize = 1u << kBlockBits;
constexpr uint32_t kBlocksMax = 1u << 14;  // 67 million symbols

struct Table {
  absl::Mutex mutex;
  StringMap<uint32_t> ids ABSL_GUARDED_BY(mutex);
  uint32_t count ABSL_GUARDED_BY(mutex) = 1;
  std::array<std::atomic<std::string*>, kBlocksMax> blocks{};

  Table() {
    blocks[0] = new std::string[kBlockSize];
    ids.emplace("", 0);
  }
};

Table& GetTable() {
  static Table* const table = new Table;
  return *table;
}

}  // namespace

Symbol Symbol::Intern(std::string_view text) {
  if (text.empty()) return Symbol();
  Table& table = GetTable();
  absl::MutexLock lock(&table.mutex);
  auto it = table.ids.find(text);
  if (it != table.ids.end()) return Symbol(it->second);
  const uint32_t id = table.count++;
  BERTH_CHECK((id >> kBlockBits) < kBlocksMax);
  auto& block = table.blocks[id >> kBlockBits];
  if (block.load(std::memory_order_relaxed) == nullptr) {
    block.store(new std::string[kBlockSize], std::memory_order_release);
  }
  block.load(std::memory_order_relaxed)[id & (kBlockSize - 1)] = std::string(text);
  table.ids.emplace(std::string(text), id);
  return Symbol(id);
}

bool Symbol::Find(std::string_view text, Symbol* out) {
  Table& table = GetTable();
  absl::MutexLock lock(&table.mutex);
  auto it = table.ids.find(text);
  if (it == table.ids.end()) return false;
  *out = Symbol(it->second);
  return true;
}

std::string_view Symbol::text() const {
  const auto& block = GetTable().blocks[id_ >> kBlockBits];
  return block.load(std::memory_order_acquire)[id_ & (kBlockSize - 1)];
}

}  // namespace berth
