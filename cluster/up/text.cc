#include "cluster/up/text.h"

namespace berth::up {

std::string Grouped(int64_t value) {
  std::string text = std::to_string(value < 0 ? -value : value);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return value < 0 ? "-" + text : text;
}

}  // namespace berth::up
