#include "cluster/apiserver/batch.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "api/envelope.h"
#include "api/errors.h"
#include "api/json.h"
#include "api/schema/berth_v1.pb.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "cluster/apiserver/answers.h"
#include "cluster/apiserver/negotiation.h"
#include "cluster/apiserver/request_body.h"

namespace berth::apiserver {
namespace {

// The batch until it is answered. Each result is written by whoever answers its item.
struct BatchState {
  CallPtr call;
  dev::v1::BatchResult result;
  std::atomic<int> unanswered{0};

  void Answered() {
    if (unanswered.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    Reply(std::move(call), 200, result, {std::string(api::kBatchVersion), "BatchResult"});
  }
};

class ItemSink final : public Responder::Sink {
 public:
  ItemSink(std::shared_ptr<BatchState> state, int index)
      : state_(std::move(state)), index_(index) {}

  void Respond(api::HttpResponse response) override {
    dev::v1::BatchItemResult& result = *state_->result.mutable_results(index_);
    result.set_code(response.code);
    for (const auto& [name, value] : response.headers) {
      if (name == "Warning") result.add_warnings(value);
    }
    if (response.code >= 400) FillStatus(response, *result.mutable_status());
    state_->Answered();
  }

  std::shared_ptr<StreamWriter> StartStream(api::HttpResponse) override {
    BERTH_CHECK(false);  // no item is a watch
    return nullptr;
  }

 private:
  // A Status as the item asked for it, or a line of text.
  static void FillStatus(const api::HttpResponse& response, api::meta::Status& status) {
    if (api::DecodeEnvelope(response.text(), status).ok()) return;
    status.Clear();
    if (api::ParseJson(response.text(), status).ok()) return;
    status.Clear();
    status.set_status("Failure");
    status.set_code(response.code);
    status.set_message(std::string(response.text()));
  }

  const std::shared_ptr<BatchState> state_;
  const int index_;
};

absl::StatusOr<std::unique_ptr<google::protobuf::Message>> DecodeBatch(Call& call) {
  if (call.request.method != "POST") return api::GenericMethodNotAllowed();
  BERTH_ASSIGN_OR_RETURN(call.output, NegotiateOutput(call.request.accept, false, false));
  BERTH_ASSIGN_OR_RETURN(const Media media, NegotiateBody(call.request.content_type));
  const TypeName type{std::string(api::kBatchVersion), "Batch"};
  BERTH_ASSIGN_OR_RETURN(auto body,
                         DecodeBody(call.request.body, media, dev::v1::Batch::default_instance(),
                                    type, FieldValidation::kStrict, call.warnings));
  call.request.body = {};
  const int count = static_cast<const dev::v1::Batch&>(*body).items_size();
  if (count > kBatchItemsMax) {
    return api::RequestEntityTooLarge(
        fmt::format("the batch has {} items, {} is the most", count, kBatchItemsMax));
  }
  return body;
}

api::HttpRequest RequestOf(dev::v1::BatchItem& item, const Call& batch) {
  api::HttpRequest request;
  request.method = std::move(*item.mutable_method());
  request.target = std::move(*item.mutable_path());
  request.body = std::move(*item.mutable_object()->mutable_raw());
  request.content_type = std::move(*item.mutable_content_type());
  if (request.content_type.empty() && api::HasEnvelopeMagic(request.body)) {
    request.content_type = api::kProtobufType;
  }
  request.accept = api::kProtobufType;
  request.user_agent = batch.request.user_agent;
  request.headers = batch.request.headers;  // of credentials
  return request;
}

// What the router found to be there, but does not belong into a batch.
absl::Status CheckItem(const Call& call) {
  if (call.info.kind == RequestInfo::Kind::kOther) {
    return api::BadRequest(fmt::format("{} {}: not an object's path", call.request.method,
                                       call.request.target));
  }
  if (call.info.kind != RequestInfo::Kind::kResource) return absl::OkStatus();
  switch (call.info.verb) {
    case Verb::kCreate:
    case Verb::kUpdate:
    case Verb::kPatch:
    case Verb::kDelete: break;
    case Verb::kGet:
    case Verb::kList:
    case Verb::kWatch:
    case Verb::kDeleteCollection:
      return api::BadRequest(fmt::format(
          "a batch is of create, update, patch and delete; {} {} is a {}", call.request.method,
          call.request.target, VerbName(call.info.verb)));
  }
  if (!IsHeavy(call.info, call.request)) return absl::OkStatus();
  return api::RequestEntityTooLarge(fmt::format(
      "an object of {} bytes is too long for a batch, send it alone", call.request.body.size()));
}

}  // namespace

bool IsBatch(const api::HttpRequest& request) {
  const std::string_view target = request.target;
  return target.substr(0, target.find('?')) == api::kBatchPath;
}

std::vector<CallPtr> OpenBatch(CallPtr batch, const Router& router) {
  std::vector<CallPtr> calls;
  auto body = DecodeBatch(*batch);
  if (!body.ok()) {
    Reply(std::move(batch), body.status());
    return calls;
  }
  auto state = std::make_shared<BatchState>();
  auto& items = *static_cast<dev::v1::Batch&>(**body).mutable_items();
  for (int i = 0; i < items.size(); ++i) state->result.add_results();
  state->unanswered = items.size() + 1;  // one for us: nobody answers while we look at it
  state->call = std::move(batch);
  for (int i = 0; i < items.size(); ++i) {
    auto call = std::make_unique<Call>(RequestOf(items[i], *state->call),
                                       Responder(std::make_unique<ItemSink>(state, i)));
    call->started = state->call->started;
    call->encoder = state->call->encoder;
    call->brief = true;
    call->info = router.Route(call->request.method, call->request.target);
    call->output.media = Media::kProtobuf;
    if (auto status = CheckItem(*call); !status.ok()) {
      Reply(std::move(call), status);
      continue;
    }
    DecodeRequestBody(*call);
    calls.push_back(std::move(call));
  }
  state->Answered();
  return calls;
}

}  // namespace berth::apiserver
