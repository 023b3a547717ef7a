// ThreadSanitizer and Debian's Abseil. The system's Abseil is compiled without ThreadSanitizer,
// which therefore sees no happens-before in its Mutex, CondVar and Notification and reports every
// guarded access as a race. In `tsan` builds these definitions stand in front of the library's,
// call them, and tell the sanitizer. In other builds this file is empty.
#if defined(BERTH_TSAN)

#include <dlfcn.h>

#include <cstdint>
#include <type_traits>

#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <sanitizer/tsan_interface.h>

// What the library calls while it holds the lock (conditions) is ordered by the lock already.
extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);

namespace berth::tsan_absl {
namespace {

struct IgnoreReads {
  IgnoreReads() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~IgnoreReads() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
};

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void Acquire(const void* at) { __tsan_acquire(const_cast<void*>(at)); }
void Release(const void* at) { __tsan_release(const_cast<void*>(at)); }

// Calls the library's function for a lock that is given up and taken again inside, or taken only.
template <typename Result, typename... Args>
Result Through(const char* name, const void* at, bool release, bool acquire, Args... args) {
  auto* next = Next<Result(Args...)>(name);
  if (release) Release(at);
  IgnoreReads ignore;
  if constexpr (std::is_void_v<Result>) {
    next(args...);
    if (acquire) Acquire(at);
  } else {
    Result result = next(args...);
    if (acquire) Acquire(at);
    return result;
  }
}

}  // namespace
}  // namespace berth::tsan_absl

#define BERTH_ABSL "_ZN4absl7debian3"
#define BERTH_ABSL_CONST "_ZNK4absl7debian3"

namespace absl {
ABSL_NAMESPACE_BEGIN

using berth::tsan_absl::Acquire;
using berth::tsan_absl::IgnoreReads;
using berth::tsan_absl::Next;
using berth::tsan_absl::Release;
using berth::tsan_absl::Through;

void Mutex::Lock() {
  static auto* next = Next<void(Mutex*)>(BERTH_ABSL "5Mutex4LockEv");
  IgnoreReads ignore;
  next(this);
  Acquire(this);
}
void Mutex::Unlock() {
  static auto* next = Next<void(Mutex*)>(BERTH_ABSL "5Mutex6UnlockEv");
  Release(this);
  IgnoreReads ignore;
  next(this);
}
bool Mutex::TryLock() {
  const bool held = Through<bool>(BERTH_ABSL "5Mutex7TryLockEv", this, false, false, this);
  if (held) Acquire(this);
  return held;
}
void Mutex::ReaderLock() {
  Through<void>(BERTH_ABSL "5Mutex10ReaderLockEv", this, false, true, this);
}
void Mutex::ReaderUnlock() {
  Through<void>(BERTH_ABSL "5Mutex12ReaderUnlockEv", this, true, false, this);
}
void Mutex::LockWhen(const Condition& condition) {
  Release(&condition);
  Through<void>(BERTH_ABSL "5Mutex8LockWhenERKNS0_9ConditionE", this, true, true, this,
                &condition);
}
void Mutex::Await(const Condition& condition) {
  Through<void>(BERTH_ABSL "5Mutex5AwaitERKNS0_9ConditionE", this, true, true, this, &condition);
}
bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  return Through<bool>(BERTH_ABSL "5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE",
                       this, true, true, this, &condition, timeout);
}
bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  return Through<bool>(BERTH_ABSL "5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE", this,
                       true, true, this, &condition, deadline);
}

void CondVar::Wait(Mutex* mutex) {
  Through<void>(BERTH_ABSL "7CondVar4WaitEPNS0_5MutexE", mutex, true, true, this, mutex);
}
bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  return Through<bool>(BERTH_ABSL "7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE", mutex,
                       true, true, this, mutex, timeout);
}
bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  return Through<bool>(BERTH_ABSL "7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE", mutex, true,
                       true, this, mutex, deadline);
}

void Notification::Notify() {
  Through<void>(BERTH_ABSL "12Notification6NotifyEv", this, true, false, this);
}
void Notification::WaitForNotification() const {
  Through<void>(BERTH_ABSL_CONST "12Notification19WaitForNotificationEv", this, false, true, this);
}
bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  return Through<bool>(
      BERTH_ABSL_CONST "12Notification30WaitForNotificationWithTimeoutENS0_8DurationE", this,
      false, true, this, timeout);
}

// Copies of a Status share a counted message; the last one frees it inside the library.
void Status::UnrefNonInlined(uintptr_t rep) {
  Release(reinterpret_cast<const void*>(rep));
  Acquire(reinterpret_cast<const void*>(rep));
  Next<void(uintptr_t)>(BERTH_ABSL "6Status15UnrefNonInlinedEm")(rep);
}

ABSL_NAMESPACE_END
}  // namespace absl

#endif
