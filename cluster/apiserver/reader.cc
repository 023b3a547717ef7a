// get and list: from the watch cache, as new as the request demands.
//
//   resourceVersion   unset   everything acknowledged before the request (a consistent read)
//                     0       whatever the cache has
//                     N       at least revision N; limit's first page too
//                     N Exact, or a continue token: that very revision, from the store
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/meta_v1.pb.h"
#include "base/status_macros.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/rest.h"

namespace berth::apiserver {
namespace {

// A list of more is rendered off the server's executor.
constexpr size_t kInlineObjectsMax = 64;

}  // namespace

struct Rest::ListState {
  CallPtr call;
  ListOptions options;
  api::LabelSelector labels;
  api::FieldSelector fields;
  std::vector<ObjectPtr> objects;
  ListMetadata metadata;

  bool Matches(const StoredObject& object) const {
    return labels.Matches(object.metadata().labels()) && fields.Matches(object.message());
  }
  bool Selects() const { return !labels.MatchesEverything() || !fields.MatchesEverything(); }
};

void Rest::Get(CallPtr call) {
  auto revision = ParseResourceVersion(call->info.query.Get("resourceVersion").value_or(""));
  if (!revision.ok()) return Reply(std::move(call), revision.status());
  auto shared = std::make_shared<CallPtr>(std::move(call));
  cache_.WhenReadable(*revision, options_.read_wait, [this, shared](absl::Status status) {
    CallPtr waiting = std::move(*shared);
    if (!status.ok()) return Reply(std::move(waiting), status);
    const RequestInfo& info = waiting->info;
    const ObjectPtr object = cache_.For(*info.resource)
                                 .Find(CacheKey(*info.resource, info.namespace_, info.name));
    if (object == nullptr) {
      return Reply(std::move(waiting), api::NotFound(*info.resource, info.name));
    }
    Reply(std::move(waiting), 200, object);
  });
}

void Rest::List(CallPtr call) {
  auto state = std::make_shared<ListState>();
  state->call = std::move(call);
  const auto prepare = [&]() -> absl::Status {
    const RequestInfo& info = state->call->info;
    BERTH_ASSIGN_OR_RETURN(state->options, ParseListOptions(info.query, false));
    BERTH_ASSIGN_OR_RETURN(state->labels, api::LabelSelector::Parse(state->options.label_selector));
    BERTH_ASSIGN_OR_RETURN(state->fields, api::FieldSelector::Parse(*info.resource,
                                                                    state->options.field_selector));
    return absl::OkStatus();
  };
  if (auto status = prepare(); !status.ok()) return Reply(std::move(state->call), status);
  const ListOptions& options = state->options;
  if (!options.continue_token.empty()) {
    auto token = DecodeContinue(options.continue_token);
    if (!token.ok()) return Reply(std::move(state->call), token.status());
    return ServeListFromStore(std::move(state), token->revision, std::move(token->next_key));
  }
  if (options.match == ListOptions::Match::kExact) {
    return ServeListFromStore(std::move(state), options.revision.value_or(0), "");
  }
  cache_.WhenReadable(options.revision, options_.read_wait,
                      [this, state = std::move(state)](absl::Status status) mutable {
                        if (!status.ok()) return Reply(std::move(state->call), status);
                        ServeList(std::move(state));
                      });
}

void Rest::ServeList(std::shared_ptr<ListState> state) {
  const RequestInfo& info = state->call->info;
  const ResourceCache& cache = cache_.For(*info.resource);
  state->metadata.revision = cache_.applied();
  // Upstream's cache knows no limit when any revision will do.
  const int64_t limit = state->options.revision == 0 ? 0 : state->options.limit;
  bool full = false;
  const auto visit = [&](const ObjectPtr& object) {
    if (!state->Matches(*object)) return true;
    if (full) {
      if (state->metadata.continue_token.empty()) {
        state->metadata.continue_token =
            EncodeContinue({state->metadata.revision, object->key()});
      }
      ++state->metadata.remaining;
      return !state->Selects();  // the rest is counted only when that is free of matching
    }
    state->objects.push_back(object);
    full = limit > 0 && static_cast<int64_t>(state->objects.size()) >= limit;
    return true;
  };
  if (auto name = state->fields.ExactValue("metadata.name");
      name && (!info.resource->namespaced || !info.namespace_.empty())) {
    const ObjectPtr object = cache.Find(CacheKey(*info.resource, info.namespace_, *name));
    if (object) visit(object);
  } else {
    cache.Visit(info.namespace_, "", visit);
  }
  if (state->Selects()) state->metadata.remaining = 0;
  RenderAndReply(std::move(state));
}

void Rest::ServeListFromStore(std::shared_ptr<ListState> state, store::Revision revision,
                              std::string next_key) {
  const RequestInfo& info = state->call->info;
  const api::Resource& stored = cache_.For(*info.resource).resource();
  const std::string root = fmt::format("/registry/{}/", stored.storage_prefix);
  const std::string prefix = !stored.namespaced || info.namespace_.empty()
                                 ? root
                                 : fmt::format("{}{}/", root, info.namespace_);
  store::ListOptions options;
  options.begin = next_key.empty() ? prefix : std::max(prefix, root + next_key);
  options.end = store::PrefixEnd(prefix);
  options.revision = revision;
  // With a selector the page may need more than `limit` objects; take them all.
  const int64_t limit = std::max<int64_t>(state->options.limit, 0);
  options.limit = state->Selects() ? 0 : limit;
  auto done = [this, state = std::move(state), root, limit](
                  absl::StatusOr<store::ListResult> page) mutable {
    if (!page.ok()) {
      const absl::Status failure =
          absl::IsOutOfRange(page.status())
              ? api::ResourceExpired(
                    "The provided continue parameter is too old to display a consistent list "
                    "result. You can start a new list without the continue parameter.")
              : page.status();
      return Reply(std::move(state->call), failure);
    }
    const ResourceCache& cache = cache_.For(*state->call->info.resource);
    state->metadata.revision = page->revision;
    for (const store::KeyValue& kv : page->items) {
      auto object = cache_.Decode(cache, kv.key.substr(root.size()), kv);
      if (!object.ok()) return Reply(std::move(state->call), object.status());
      if (!state->Matches(**object)) continue;
      if (limit > 0 && static_cast<int64_t>(state->objects.size()) == limit) {
        state->metadata.continue_token = EncodeContinue({page->revision, (*object)->key()});
        break;
      }
      state->objects.push_back(*std::move(object));
    }
    if (page->more && state->metadata.continue_token.empty() && !page->items.empty()) {
      state->metadata.continue_token = EncodeContinue(
          {page->revision, page->items.back().key.substr(root.size()) + '\0'});
      state->metadata.remaining = page->count - static_cast<int64_t>(page->items.size());
    }
    RenderAndReply(std::move(state));
  };
  store_.List(std::move(options), OnExecutor(executor_, std::move(done)));
}

void Rest::RenderAndReply(std::shared_ptr<ListState> state) {
  auto render = [state, now = executor_.clock().Now()] {
    std::string body = RenderList(*state->call->info.resource, state->objects, state->metadata,
                                  RenderOptionsOf(*state->call, now));
    ReplyText(std::move(state->call), 200, std::move(body));
  };
  if (state->objects.size() <= kInlineObjectsMax) return render();
  encoder_.Post(std::move(render));
}

}  // namespace berth::apiserver
