// The entry of libFuzzer, for the target that BERTH_FUZZ_TARGET names.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tests/fuzz/targets.h"

namespace {

const berth::fuzz::Target& Named() {
  for (const berth::fuzz::Target& target : berth::fuzz::Targets()) {
    if (target.name == BERTH_FUZZ_TARGET) return target;
  }
  BERTH_CHECK(false && "no such target");
  return berth::fuzz::Targets().front();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const berth::fuzz::Target& target = Named();
  target.run({reinterpret_cast<const char*>(data), size});
  return 0;
}
