#include "client/request_batcher.h"

#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/schema/berth_v1.pb.h"
#include "base/status_macros.h"

namespace berth::client {
namespace {

// Nothing of the batch was carried out, and never will be: not what such a server answers who is
// too busy (429), or has failed (5xx).
bool IsRefusal(const api::HttpResponse& response) {
  return response.code >= 400 && response.code < 500 && response.code != 429;
}

// What the item's own request would have been answered with.
api::HttpResponse ResponseOf(dev::v1::BatchItemResult& result) {
  api::HttpResponse response;
  response.code = result.code();
  for (std::string& warning : *result.mutable_warnings()) {
    response.headers.emplace_back("Warning", std::move(warning));
  }
  if (!result.has_status()) return response;
  if (const int32_t seconds = result.status().details().retry_after_seconds(); seconds > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  response.content_type = ContentTypeOf(Media::kProtobuf);
  response.body = MakeBytes(EncodeObject(result.status(), "v1", "Status", Media::kProtobuf));
  return response;
}

absl::StatusOr<dev::v1::BatchResult> DecodeResult(const api::HttpResponse& response, size_t count) {
  dev::v1::BatchResult result;
  BERTH_RETURN_IF_ERROR(DecodeObject(response.content_type, response.text(), result).status());
  if (static_cast<size_t>(result.results_size()) != count) {
    return absl::InvalidArgumentError(
        fmt::format("a batch of {} was answered with {} results", count, result.results_size()));
  }
  return result;
}

}  // namespace

void RequestBatcher::Add(std::string object, api::HttpRequest request,
                         Completion<api::HttpResponse> done) {
  Item item{std::move(object), std::move(request), std::move(done)};
  bool alone = std::ssize(item.request.body) > options_.bytes_max;
  bool full = false;
  {
    absl::MutexLock lock(&mutex_);
    alone = alone || clock_.Now() < alone_until_;
    full = std::ssize(waiting_) >= options_.waiting_max;
    if (!alone && !full) waiting_.push_back(std::move(item));
  }
  if (alone) return SendAlone(std::move(item));
  if (full) return item.done(absl::ResourceExhaustedError("too many requests are waiting"));
  Pump();
}

bool RequestBatcher::Batching() {
  absl::MutexLock lock(&mutex_);
  return clock_.Now() >= alone_until_;
}

void RequestBatcher::SendAlone(Item item) {
  transport_.Do(std::move(item.request), options_.timeout, std::move(item.done));
}

void RequestBatcher::Pump() {
  for (;;) {
    Items items;
    {
      absl::MutexLock lock(&mutex_);
      if (in_flight_ >= options_.in_flight_max) return;
      items = Take();
      if (items.empty()) return;
      ++in_flight_;
    }
    Send(std::move(items));
  }
}

// In order, but for those whose object has a write on its way.
RequestBatcher::Items RequestBatcher::Take() {
  Items items;
  std::deque<Item> stay;
  int64_t bytes = 0;
  while (!waiting_.empty() && std::ssize(items) < options_.items_max) {
    Item& next = waiting_.front();
    const int64_t size = std::ssize(next.request.body);
    if (!items.empty() && bytes + size > options_.bytes_max) break;
    if (objects_out_.insert(next.object).second) {
      bytes += size;
      items.push_back(std::move(next));
    } else {
      stay.push_back(std::move(next));
    }
    waiting_.pop_front();
  }
  waiting_.insert(waiting_.begin(), std::make_move_iterator(stay.begin()),
                  std::make_move_iterator(stay.end()));
  return items;
}

void RequestBatcher::Send(Items items) {
  dev::v1::Batch batch;
  for (const Item& item : items) {
    dev::v1::BatchItem& it = *batch.add_items();
    it.set_method(item.request.method);
    it.set_path(item.request.target);
    it.set_content_type(item.request.content_type);
    it.mutable_object()->set_raw(item.request.body);
  }
  api::HttpRequest request;
  request.method = "POST";
  request.target = std::string(api::kBatchPath);
  request.accept = items.front().request.accept;
  request.user_agent = items.front().request.user_agent;
  request.content_type = std::string(ContentTypeOf(options_.media));
  request.body = EncodeObject(batch, api::kBatchVersion, "Batch", options_.media);
  transport_.Do(std::move(request), options_.timeout,
                [self = shared_from_this(),
                 items = std::move(items)](absl::StatusOr<api::HttpResponse> response) mutable {
                  self->Answered(std::move(items), std::move(response));
                });
}

void RequestBatcher::Answered(Items items, absl::StatusOr<api::HttpResponse> response) {
  const bool refused = response.ok() && IsRefusal(*response);
  {
    absl::MutexLock lock(&mutex_);
    --in_flight_;
    for (const Item& item : items) objects_out_.erase(item.object);
    if (refused) {
      alone_until_ = clock_.Now() + options_.retry_period;
      items.insert(items.end(), std::make_move_iterator(waiting_.begin()),
                   std::make_move_iterator(waiting_.end()));
      waiting_.clear();
    }
  }
  if (refused) {
    for (Item& item : items) SendAlone(std::move(item));
    return;
  }
  Pump();
  if (!response.ok() || response->code >= 400) {  // of the whole batch
    for (Item& item : items) item.done(response);
    return;
  }
  auto result = DecodeResult(*response, items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    if (result.ok()) {
      items[i].done(ResponseOf(*result->mutable_results(static_cast<int>(i))));
    } else {
      items[i].done(result.status());
    }
  }
}

}  // namespace berth::client
