#include "cluster/apiserver/watch_session.h"

#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "base/status_macros.h"
#include "cluster/apiserver/codec.h"
#include "cluster/apiserver/render.h"

namespace berth::apiserver {
namespace {

constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";

using Type = CacheEvent::Type;

}  // namespace

class WatchSessions::Session final : public CacheWatcher {
 public:
  Session(WatchSessions& owner, uint64_t id, CallPtr call, ListOptions options,
          api::LabelSelector labels, api::FieldSelector fields)
      : owner_(owner),
        id_(id),
        info_(call->info),
        cache_(owner.cache_.For(*info_.resource)),
        options_(std::move(options)),
        labels_(std::move(labels)),
        fields_(std::move(fields)),
        render_(RenderOptionsOf(info_, call->output)) {
    call_ = std::move(call);
    cache_.WatchOpened();
    shared_frames_ = render_.format.as == OutputFormat::As::kItself &&
                     info_.resource->prototype == cache_.resource().prototype;
    if (auto node = fields_.ExactValue("spec.nodeName"); node && info_.resource->kind == "Pod") {
      interest_.node_name = std::string(*node);
    } else if (auto name = fields_.ExactValue("metadata.name")) {
      interest_.object_name = std::string(*name);
    } else if (cache_.resource().namespaced) {
      interest_.namespace_ = info_.namespace_;
    }
  }

  ~Session() override {
    if (timer_ != 0) owner_.executor_.Cancel(timer_);
    if (turn_timer_ != 0) owner_.executor_.Cancel(turn_timer_);
    if (catching_up_ && holds_) cache_.Release(held_);
    if (!catching_up_) cache_.Unsubscribe(this, interest_);
    if (writer_) writer_->Close();
    cache_.WatchClosed();
  }

  // Answers with the head of the stream and whatever comes first, or with why it cannot.
  void Run(const absl::Status& readable);
  // Sends what the client can take of what it has not been sent.
  void CatchUp();
  void OnEvent(const EventPtr& event) override;
  void OnLost() override { End(); }
  void SendBookmark() {
    const store::Revision applied = owner_.cache_.applied();
    if (options_.bookmarks && !catching_up_ && applied >= after_) {
      Write(BookmarkFrame(applied, false));
    }
  }

 private:
  static RenderOptions RenderOptionsOf(const RequestInfo& info, const OutputFormat& format) {
    RenderOptions options;
    options.format = format;
    options.format.pretty = false;
    options.include = ParseIncludeObject(info.query);
    return options;
  }

  bool Matches(const ObjectPtr& object) const {
    return object && labels_.Matches(object->metadata().labels()) &&
           fields_.Matches(object->message()) &&
           (info_.namespace_.empty() || object->metadata().namespace_() == info_.namespace_) &&
           (info_.name.empty() || object->metadata().name() == info_.name);
  }
  Bytes ObjectFrame(std::string_view type, const ObjectPtr& object);
  Bytes BookmarkFrame(store::Revision revision, bool initial_end);
  void Hold();
  void WaitForClient();
  void TakeTurns();
  void SendInitialChunk();
  bool SendHistory(int& turn);
  // False: it is none of this watch's.
  bool Send(const EventPtr& event);
  void OpenStream();
  void Write(Bytes frame);
  void Fail(const absl::Status& why);
  void End();

  WatchSessions& owner_;
  const uint64_t id_;
  CallPtr call_;  // until the stream is open
  const RequestInfo info_;
  ResourceCache& cache_;
  const ListOptions options_;
  const api::LabelSelector labels_;
  const api::FieldSelector fields_;
  RenderOptions render_;
  Interest interest_;
  bool shared_frames_ = false;
  bool ended_ = false;
  std::shared_ptr<StreamWriter> writer_;
  TimerId timer_ = 0;

  bool catching_up_ = true;     // otherwise subscribed
  store::Revision after_ = 0;   // may be still to come; only what is newer is sent
  std::vector<ObjectPtr> initial_;
  size_t initial_sent_ = 0;
  store::Revision initial_end_ = 0;  // 0: no bookmark is due
  uint64_t next_ = 0;           // the number of the next event to send, while catching up
  uint64_t held_ = 0;           // from where on the history is asked to stay
  bool holds_ = false;
  TimerId turn_timer_ = 0;
};

void WatchSessions::Session::OpenStream() {
  api::HttpResponse head;
  head.code = 200;
  head.content_type = std::string(StreamType(render_.format.media));
  for (const std::string& warning : call_->warnings) head.headers.emplace_back("Warning", warning);
  if (call_->answered) call_->answered(*call_, 200);
  writer_ = call_->responder.StartStream(std::move(head));
  call_ = nullptr;
  writer_->OnGone([&executor = owner_.executor_, owner = &owner_, id = id_,
                   alive = owner_.alive_.Watch()] {
    executor.Post([owner, id, alive] {
      if (!alive.expired()) owner->Remove(id);
    });
  });
  const absl::Duration limit =
      options_.timeout_seconds && *options_.timeout_seconds > 0
          ? absl::Seconds(*options_.timeout_seconds)
          : owner_.options_.timeout_min * (1.0 + owner_.random_.Unit());
  timer_ = owner_.executor_.PostAfter(limit, [this] {
    timer_ = 0;
    End();
  });
}

void WatchSessions::Session::Run(const absl::Status& readable) {
  const bool initial = options_.send_initial_events.value_or(
      !options_.revision || *options_.revision == 0);
  // The head of a watch is sent before its beginning is known to be gone, as upstream does.
  OpenStream();
  if (!readable.ok()) return Fail(readable);
  next_ = cache_.end();
  if (!initial && options_.revision && *options_.revision > 0) {
    after_ = *options_.revision;
    auto position = cache_.PositionAfter(after_);
    if (!position.ok()) return Fail(position.status());
    next_ = *position;
  }
  if (initial) {
    cache_.Visit(info_.namespace_, "", [&](const ObjectPtr& object) {
      if (Matches(object)) initial_.push_back(object);
      return true;
    });
    if (options_.bookmarks && options_.send_initial_events) {
      initial_end_ = owner_.cache_.applied();
    }
  }
  CatchUp();
}

void WatchSessions::Session::Fail(const absl::Status& why) {
  Write(MakeFrame(render_.format.media, "ERROR",
                  Encode(api::ToStatusMessage(why), {"v1", "Status"}, render_.format.media)));
  End();
}

void WatchSessions::Session::CatchUp() {
  int turn = owner_.options_.events_per_turn;
  while (!ended_) {
    if (writer_->UnsentBytes() > owner_.options_.unsent_bytes_max) return WaitForClient();
    if (initial_sent_ < initial_.size()) {
      SendInitialChunk();
      if (initial_sent_ < initial_.size()) return TakeTurns();
      initial_ = {};
      initial_sent_ = 0;
    }
    if (initial_end_ != 0) Write(BookmarkFrame(std::exchange(initial_end_, 0), true));
    if (!SendHistory(turn)) continue;
    if (ended_) return;
    if (next_ != cache_.end()) return TakeTurns();
    catching_up_ = false;
    if (std::exchange(holds_, false)) cache_.Release(held_);
    cache_.Subscribe(this, interest_);
    return;
  }
}

// turn: how many events it may look at, and then how many are left of that. False: the client has
// enough for now.
bool WatchSessions::Session::SendHistory(int& turn) {
  for (; next_ != cache_.end() && turn > 0; --turn) {
    const EventPtr event = cache_.EventAt(next_);
    if (event == nullptr) {
      Fail(cache_.Forgotten());
      return true;
    }
    ++next_;
    if (!Send(event)) continue;
    if (ended_) return true;
    if (writer_->UnsentBytes() > owner_.options_.unsent_bytes_max) return false;
  }
  return true;
}

void WatchSessions::Session::Hold() {
  if (std::exchange(holds_, true)) cache_.Release(held_);
  held_ = next_;
  cache_.Hold(held_);
}

void WatchSessions::Session::WaitForClient() {
  Hold();
  writer_->OnDrained([&executor = owner_.executor_, owner = &owner_, id = id_,
                      alive = owner_.alive_.Watch()] {
    executor.Post([owner, id, alive] {
      if (!alive.expired()) owner->Drained(id);
    });
  });
}

void WatchSessions::Session::TakeTurns() {
  Hold();
  turn_timer_ = owner_.executor_.PostAfter(absl::ZeroDuration(), [this] {
    turn_timer_ = 0;
    CatchUp();
  });
}

void WatchSessions::Session::SendInitialChunk() {
  std::string chunk;
  while (initial_sent_ < initial_.size() &&
         static_cast<int64_t>(chunk.size()) < owner_.options_.chunk_bytes) {
    chunk.append(*ObjectFrame("ADDED", initial_[initial_sent_]));
    initial_[initial_sent_++] = nullptr;
  }
  Write(MakeBytes(std::move(chunk)));
}

Bytes WatchSessions::Session::ObjectFrame(std::string_view type, const ObjectPtr& object) {
  const Media media = render_.format.media;
  if (shared_frames_) return MakeFrame(media, type, *object->Encoded(media));
  render_.now = owner_.executor_.clock().Now();
  Bytes frame = MakeFrame(media, type, Render(*info_.resource, object, render_));
  render_.column_definitions = false;  // the first event of a table brings them
  return frame;
}

Bytes WatchSessions::Session::BookmarkFrame(store::Revision revision, bool initial_end) {
  std::shared_ptr<google::protobuf::Message> object(cache_.resource().prototype->New());
  api::meta::ObjectMeta& metadata = MutableMetadata(*object);
  metadata.set_resource_version(std::to_string(revision));
  if (initial_end) (*metadata.mutable_annotations())[std::string(kInitialEventsEnd)] = "true";
  return ObjectFrame("BOOKMARK", std::make_shared<const StoredObject>(
                                     cache_.resource(), "", std::move(object), revision));
}

void WatchSessions::Session::OnEvent(const EventPtr& event) {
  if (ended_ || !Send(event)) return;
  if (ended_ || writer_->UnsentBytes() <= owner_.options_.unsent_bytes_max) return;
  cache_.Unsubscribe(this, interest_);
  catching_up_ = true;
  next_ = cache_.end();
  WaitForClient();
}

bool WatchSessions::Session::Send(const EventPtr& event) {
  if (event->revision() <= after_) return false;
  const bool now = event->type() != Type::kDeleted && Matches(event->object());
  const bool before =
      event->type() == Type::kDeleted ? Matches(event->object()) : Matches(event->previous());
  if (!now && !before) return false;
  const Type type = !before ? Type::kAdded : now ? Type::kModified : Type::kDeleted;
  if (type == event->type() && shared_frames_) {
    Write(event->Frame(render_.format.media));
    return true;
  }
  // An object that no longer matches is shown as it was when it did.
  const ObjectPtr& shown = type == Type::kDeleted && event->type() != Type::kDeleted
                               ? event->previous()->At(event->revision())
                               : event->object();
  Write(ObjectFrame(EventTypeName(type), shown));
  return true;
}

void WatchSessions::Session::Write(Bytes frame) {
  if (ended_ || writer_->Write(std::move(frame))) return;
  End();
}

void WatchSessions::Session::End() {
  if (ended_) return;
  ended_ = true;
  owner_.executor_.Post([owner = &owner_, id = id_, alive = owner_.alive_.Watch()] {
    if (!alive.expired()) owner->Remove(id);
  });
}

WatchSessions::WatchSessions(Executor& executor, WatchCache& cache, Random& random,
                             WatchOptions options)
    : executor_(executor), cache_(cache), random_(random), options_(options) {
  bookmarks_ = std::make_unique<PeriodicTimer>(executor, options.bookmark_period,
                                               [this] { SendBookmarks(); });
}

WatchSessions::~WatchSessions() { CloseAll(); }

void WatchSessions::CloseAll() { sessions_.clear(); }

void WatchSessions::Remove(uint64_t id) { sessions_.erase(id); }

void WatchSessions::Drained(uint64_t id) {
  const auto it = sessions_.find(id);
  if (it != sessions_.end()) it->second->CatchUp();
}

void WatchSessions::SendBookmarks() {
  for (const auto& [id, session] : sessions_) session->SendBookmark();
}

void WatchSessions::Start(CallPtr call) {
  api::LabelSelector labels;
  api::FieldSelector fields;
  ListOptions options;
  const auto prepare = [&]() -> absl::Status {
    const RequestInfo& info = call->info;
    BERTH_ASSIGN_OR_RETURN(options, ParseListOptions(info.query, true));
    BERTH_ASSIGN_OR_RETURN(labels, api::LabelSelector::Parse(options.label_selector));
    BERTH_ASSIGN_OR_RETURN(fields,
                           api::FieldSelector::Parse(*info.resource, options.field_selector));
    return absl::OkStatus();
  };
  if (auto status = prepare(); !status.ok()) return Reply(std::move(call), status);
  struct Pending {
    CallPtr call;
    ListOptions options;
    api::LabelSelector labels;
    api::FieldSelector fields;
  };
  // Only who wants what is there first is made to wait for a revision: events come when they do.
  const bool waits = options.send_initial_events.value_or(false) || !options.revision;
  const std::optional<int64_t> revision = waits ? options.revision : 0;
  auto pending = std::make_shared<Pending>();
  *pending = {std::move(call), std::move(options), std::move(labels), std::move(fields)};
  cache_.WhenReadable(revision, options_.read_wait, [this, pending](const absl::Status& status) {
    if (!status.ok() && !pending->options.send_initial_events) {
      return Reply(std::move(pending->call), status);
    }
    Begin(std::move(pending->call), std::move(pending->options), std::move(pending->labels),
          std::move(pending->fields), status);
  });
}

void WatchSessions::Begin(CallPtr call, ListOptions options, api::LabelSelector labels,
                          api::FieldSelector fields, const absl::Status& readable) {
  const uint64_t id = next_id_++;
  auto session = std::make_unique<Session>(*this, id, std::move(call), std::move(options),
                                           std::move(labels), std::move(fields));
  Session& started = *session;
  sessions_.emplace(id, std::move(session));
  started.Run(readable);
}

}  // namespace berth::apiserver
