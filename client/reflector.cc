#include "client/reflector.h"

#include <algorithm>

#include "api/errors.h"
#include "api/object.h"
#include "api/schema/meta_v1.pb.h"
#include "base/check.h"
#include "base/log.h"
#include "base/strings.h"

namespace berth::client {
namespace {

constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";
constexpr int kSilencesMax = 2;
constexpr absl::Duration kShortWatch = absl::Seconds(1);
constexpr absl::Duration kWatchdogMargin = absl::Seconds(30);

std::string KeyOf(const api::meta::ObjectMeta& metadata) {
  return metadata.namespace_() + "/" + metadata.name();
}

bool EndsInitialEvents(const api::meta::ObjectMeta& metadata) {
  const auto it = metadata.annotations().find(std::string(kInitialEventsEnd));
  return it != metadata.annotations().end() && it->second == "true";
}

}  // namespace

Reflector::Reflector(ApiClient& client, const api::Resource& resource, ReflectorTarget& target,
                     ReflectorOptions options)
    : client_(client),
      executor_(client.executor()),
      resource_(resource),
      target_(target),
      options_(std::move(options)),
      random_(options_.seed),
      streaming_supported_(options_.streaming_list) {}

Reflector::~Reflector() {
  lifetime_.End();
  Abandon();
  Disarm(relist_timer_);
}

void Reflector::Start() {
  BERTH_CHECK(state_ == State::kIdle);
  List();
}

// --- timers ------------------------------------------------------------------------------------

void Reflector::Arm(TimerId& timer, absl::Duration delay, void (Reflector::*then)()) {
  Disarm(timer);
  timer = executor_.PostAfter(delay, [this, &timer, then, alive = lifetime_.Watch()] {
    if (alive.expired()) return;
    timer = 0;
    (this->*then)();
  });
}

void Reflector::Disarm(TimerId& timer) {
  if (timer != 0) executor_.Cancel(std::exchange(timer, 0));
}

void Reflector::Abandon() {
  ++epoch_;
  stream_.reset();
  pages_.clear();
  initial_.clear();
  initial_phase_ = false;
  Disarm(silence_timer_);
  Disarm(wait_timer_);
  Disarm(watchdog_timer_);
}

absl::Duration Reflector::NextBackoff() {
  absl::Duration delay = options_.backoff_min;
  for (int i = 0; i < backoff_step_ && delay < options_.backoff_max; ++i) delay *= 2;
  ++backoff_step_;
  return std::min(delay, options_.backoff_max) * (1 + random_.Unit());
}

void Reflector::WaitThen(void (Reflector::*next)(), absl::Duration at_least) {
  Abandon();
  state_ = State::kWaiting;
  Arm(wait_timer_, std::max(at_least, NextBackoff()), next);
}

void Reflector::LogFailure(std::string_view doing, const absl::Status& status) {
  ++stats_.failures;
  BERTH_LOG(kWarning, "{} failed resource={} revision={} err=\"{}\"", doing,
            resource_.qualified(), complete_revision_, ToStd(status.message()));
}

// --- listing -----------------------------------------------------------------------------------

void Reflector::List() {
  Abandon();
  state_ = State::kListing;
  if (streaming_supported_) {
    ListByStream();
  } else {
    ListPage({});
  }
}

void Reflector::ListByStream() {
  WatchOptions options;
  options.send_initial_events = true;
  options.resource_version_match = "NotOlderThan";
  if (seen_revision_ > 0) options.resource_version = std::to_string(seen_revision_);
  initial_phase_ = true;
  heard_ = false;
  OpenStream(std::move(options));
  Arm(silence_timer_, options_.silence_max, &Reflector::OnSilence);
}

void Reflector::OnSilence() {
  if (!initial_phase_) return;
  if (std::exchange(heard_, false)) {
    return Arm(silence_timer_, options_.silence_max, &Reflector::OnSilence);
  }
  LogFailure("streaming list",
             absl::DeadlineExceededError("no initial events; trying a paged list"));
  Abandon();
  // Once it may only have been slow.
  if (++silences_ >= kSilencesMax) streaming_supported_ = false;
  ListPage({});
}

void Reflector::ListPage(std::string continue_token) {
  ListOptions options;
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  if (paging_) options.limit = options_.page_limit;
  options.continue_token = std::move(continue_token);
  client_.List(resource_, options_.namespace_, options,
               [this, epoch = epoch_, alive = lifetime_.Watch()](absl::StatusOr<ObjectList> page) {
                 if (!alive.expired() && epoch == epoch_) OnPage(std::move(page));
               });
}

void Reflector::OnPage(absl::StatusOr<ObjectList> page) {
  if (!page.ok()) {
    // The pages of a long list may expire while they are read: then all in one.
    if (api::IsExpired(page.status()) && !pages_.empty()) paging_ = false;
    return OnListFailed(page.status());
  }
  pages_.insert(pages_.end(), std::make_move_iterator(page->items.begin()),
                std::make_move_iterator(page->items.end()));
  if (!page->continue_token.empty()) return ListPage(std::move(page->continue_token));
  paging_ = true;
  const int64_t revision = api::RevisionOf(page->resource_version);
  if (!Accept(std::exchange(pages_, {}), revision)) return;
  Watch();
}

void Reflector::OnListFailed(const absl::Status& status) {
  const int code = api::HttpCode(status);
  const bool by_stream = initial_phase_;
  // One that was there is not believed to be gone: that is a server in trouble.
  if (code == 404 && options_.may_be_absent && stats_.lists == 0) return OnAbsent();
  LogFailure(by_stream ? "streaming list" : "list", status);
  if (by_stream && !api::Reason(status).empty() && (code == 400 || code == 422)) {
    // The server does not know streaming lists.
    streaming_supported_ = false;
    return List();
  }
  WaitThen(&Reflector::List, absl::Seconds(api::RetryAfterSeconds(status)));
}

void Reflector::OnAbsent() {
  if (!std::exchange(absent_, true)) {
    BERTH_LOG(kInfo, "the server has no such resource resource={}", resource_.qualified());
    target_.Replace({}, seen_revision_);
  }
  WaitThen(&Reflector::List, options_.absent_period);
}

bool Reflector::Accept(std::vector<ObjectPtr> objects, int64_t revision) {
  if (revision < seen_revision_) {
    ++stats_.lists_too_old;
    LogFailure("list", absl::FailedPreconditionError(
                           "the server's list is of revision " + std::to_string(revision) +
                           ", older than what it has shown before"));
    WaitThen(&Reflector::List, absl::ZeroDuration());
    return false;
  }
  ++stats_.lists;
  absent_ = false;
  seen_revision_ = complete_revision_ = revision;
  Disarm(silence_timer_);
  Arm(relist_timer_, options_.relist_period * (1 + random_.Unit() / 2), &Reflector::OnRelist);
  target_.Replace(std::move(objects), revision);
  return true;
}

void Reflector::OnRelist() {
  if (state_ == State::kWatching) return List();
  // Listing, or about to watch: once that works the copy may still lack what was lost before.
  Arm(relist_timer_, options_.relist_period / 10, &Reflector::OnRelist);
}

// --- watching ----------------------------------------------------------------------------------

void Reflector::Watch() {
  Abandon();
  WatchOptions options;
  options.resource_version = std::to_string(complete_revision_);
  OpenStream(std::move(options));
  state_ = State::kWatching;
}

void Reflector::OpenStream(WatchOptions options) {
  ++stats_.watches;
  watch_since_ = executor_.clock().Now();
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  options.timeout_s = random_.Between(options_.watch_timeout_s, 2 * options_.watch_timeout_s);
  // A connection that died silently ends here at the latest.
  Arm(watchdog_timer_, absl::Seconds(options.timeout_s) + kWatchdogMargin, &Reflector::OnWatchdog);
  WatchHandler handler;
  handler.on_events = [this, epoch = epoch_,
                       alive = lifetime_.Watch()](std::vector<WatchFrame> frames) {
    if (!alive.expired() && epoch == epoch_) OnFrames(std::move(frames));
  };
  handler.on_close = [this, epoch = epoch_, alive = lifetime_.Watch()](absl::Status status) {
    if (!alive.expired() && epoch == epoch_) OnStreamClosed(std::move(status));
  };
  stream_ = client_.Watch(resource_, options_.namespace_, options, std::move(handler));
}

void Reflector::OnWatchdog() {
  OnStreamClosed(absl::DeadlineExceededError("the server did not end the watch in time"));
}

void Reflector::OnFrames(std::vector<WatchFrame> frames) {
  heard_ = true;
  const uint64_t epoch = epoch_;
  const auto alive = lifetime_.Watch();
  for (WatchFrame& frame : frames) {
    if (initial_phase_) {
      OnInitialFrame(frame);
    } else {
      OnFrame(frame);
    }
    // The target's handlers, or a list refused, may have ended this watch.
    if (alive.expired() || epoch != epoch_) return;
  }
}

void Reflector::OnInitialFrame(WatchFrame& frame) {
  const api::meta::ObjectMeta& metadata = api::MetaOf(*frame.object);
  switch (frame.type) {
    case WatchFrame::Type::kAdded:
    case WatchFrame::Type::kModified:
      initial_[KeyOf(metadata)] = std::move(frame.object);
      return;
    case WatchFrame::Type::kDeleted:
      initial_.erase(KeyOf(metadata));
      return;
    case WatchFrame::Type::kBookmark:
      if (!EndsInitialEvents(metadata)) return;
      break;
  }
  std::vector<ObjectPtr> objects;
  objects.reserve(initial_.size());
  for (auto& [key, object] : initial_) objects.push_back(std::move(object));
  initial_.clear();
  initial_phase_ = false;
  state_ = State::kWatching;
  Accept(std::move(objects), api::RevisionOf(metadata.resource_version()));
}

void Reflector::OnFrame(WatchFrame& frame) {
  const int64_t revision = api::RevisionOf(api::MetaOf(*frame.object).resource_version());
  if (revision < seen_revision_) return;  // a repeat
  backoff_step_ = 0;
  if (frame.type == WatchFrame::Type::kBookmark) {
    seen_revision_ = complete_revision_ = revision;
    return target_.Advance(revision);
  }
  // Others may have changed in the same revision: only those below it are known to be complete.
  complete_revision_ = std::max(complete_revision_, revision - 1);
  seen_revision_ = revision;
  target_.Apply(frame.type, std::move(frame.object), revision);
}

void Reflector::OnStreamClosed(absl::Status status) {
  if (initial_phase_) {
    if (status.ok()) status = absl::UnavailableError("it ended before its initial events did");
    return OnListFailed(status);
  }
  const bool was_short = executor_.clock().Now() - watch_since_ < kShortWatch;
  if (!was_short) backoff_step_ = 0;
  if (status.ok() && !was_short) return Watch();
  if (!status.ok()) LogFailure("watch", status);
  // What the copy has is fine but cannot be continued, or a frame could not be read: list anew.
  const bool relist = api::IsExpired(status) || absl::IsInvalidArgument(status) ||
                      api::HttpCode(status) == 400;
  const bool at_once = api::IsExpired(status) && backoff_step_ == 0;
  if (at_once) {
    ++backoff_step_;
    return List();
  }
  WaitThen(relist ? &Reflector::List : &Reflector::Watch,
           absl::Seconds(api::RetryAfterSeconds(status)));
}

}  // namespace berth::client
