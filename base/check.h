// BERTH_CHECK: a provable invariant; on in every build, prints file, line and text, then aborts.
// BERTH_DCHECK: the same for costly invariants; compiled out when NDEBUG is set.
// Neither is for the outside world: bad input and I/O return absl::Status.
#pragma once

namespace berth::internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}

#define BERTH_CHECK(condition)                                               \
  (__builtin_expect(static_cast<bool>(condition), 1)                         \
       ? static_cast<void>(0)                                                \
       : ::berth::internal::CheckFailed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
#define BERTH_DCHECK(condition) static_cast<void>(sizeof(condition))
#else
#define BERTH_DCHECK(condition) BERTH_CHECK(condition)
#endif
