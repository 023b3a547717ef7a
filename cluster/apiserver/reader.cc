// get and list: from the watch cache, as new as the request demands.
//
//   resourceVersion   unset   everything acknowledged before the request (a consistent read)
//                     0       whatever the cache has
//                     N       at least revision N; limit's first page too
//                     N Exact, or a continue token: that very revision, from the store
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "base/status_macros.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/rest.h"

namespace berth::apiserver {
namespace {

// A list of more is rendered off the server's executor.
constexpr size_t kInlineObjectsMax = 64;
// Of more, those that match are found there, too.
constexpr size_t kInlineSelectedMax = 512;
// Read from the store and decoded at a time.
constexpr int64_t kPageObjectsMax = 512;

}  // namespace

struct Rest::ListState {
  CallPtr call;
  ListOptions options;
  api::LabelSelector labels;
  api::FieldSelector fields;
  std::vector<ObjectPtr> objects;
  ListMetadata metadata;
  std::string root;         // of a list from the store: what its keys begin with
  std::string begin;        // where it begins
  int64_t range_count = 0;  // and how many objects it is of

  // How many more objects the page may have.
  int64_t Wanted() const {
    if (options.limit <= 0) return INT64_MAX;
    return options.limit - static_cast<int64_t>(objects.size());
  }
  bool Matches(const StoredObject& object) const {
    return labels.Matches(object.metadata().labels()) && fields.Matches(object.message());
  }
  bool Selects() const { return !labels.MatchesEverything() || !fields.MatchesEverything(); }

  // The next object of the cache. False: the rest need not be looked at.
  bool Take(const ObjectPtr& object, int64_t limit) {
    if (limit > 0 && std::ssize(objects) >= limit) {
      // Whether anything of the rest matches is not looked at, as upstream.
      if (metadata.continue_token.empty()) {
        metadata.continue_token = EncodeContinue({metadata.revision, object->key()});
      }
      ++metadata.remaining;
      return !Selects();
    }
    if (Matches(*object)) objects.push_back(object);
    return true;
  }
};

void Rest::Get(CallPtr call) {
  auto revision = ParseResourceVersion(call->info.query.Get("resourceVersion").value_or(""));
  if (!revision.ok()) return Reply(std::move(call), revision.status());
  auto shared = std::make_shared<CallPtr>(std::move(call));
  cache_.WhenReadable(*revision, options_.read_wait, [this, shared](const absl::Status& status) {
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
    const store::Revision revision =
        token->revision == ContinueToken::kNewest ? 0 : token->revision;
    return ServeListFromStore(std::move(state), revision, token->next_key);
  }
  if (options.match == ListOptions::Match::kExact) {
    return ServeListFromStore(std::move(state), options.revision.value_or(0), "");
  }
  cache_.WhenReadable(options.revision, options_.read_wait,
                      [this, state = std::move(state)](const absl::Status& status) mutable {
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
  if (auto name = state->fields.ExactValue("metadata.name");
      name && (!info.resource->namespaced || !info.namespace_.empty())) {
    const ObjectPtr object = cache.Find(CacheKey(*info.resource, info.namespace_, *name));
    if (object) state->Take(object, limit);
    return RenderAndReply(state);
  }
  if (!state->Selects()) {
    cache.Visit(info.namespace_, "",
                [&](const ObjectPtr& object) { return state->Take(object, limit); });
    return RenderAndReply(state);
  }
  std::vector<ObjectPtr> all;
  cache.Visit(info.namespace_, "", [&](const ObjectPtr& object) {
    all.push_back(object);
    return true;
  });
  const bool heavy = all.size() > kInlineSelectedMax;
  auto select = [state, limit, all = std::move(all)] {
    for (const ObjectPtr& object : all) {
      if (!state->Take(object, limit)) break;
    }
    state->metadata.remaining = 0;
  };
  Aside(heavy, std::move(select), [this, state] { RenderAndReply(state); });
}

void Rest::ServeListFromStore(std::shared_ptr<ListState> state, store::Revision revision,
                              const std::string& next_key) {
  const RequestInfo& info = state->call->info;
  const api::Resource& stored = cache_.For(*info.resource).resource();
  state->root = fmt::format("/registry/{}/", stored.storage_prefix);
  const std::string prefix = !stored.namespaced || info.namespace_.empty()
                                 ? state->root
                                 : fmt::format("{}{}/", state->root, info.namespace_);
  state->begin = next_key.empty() ? prefix : std::max(prefix, state->root + next_key);
  const std::string begin = state->begin;
  ReadPage(std::move(state), revision, begin, store::PrefixEnd(prefix));
}

// In pieces, so that a long list does not keep others waiting while it is decoded.
void Rest::ReadPage(std::shared_ptr<ListState> state, store::Revision revision, std::string begin,
                    std::string end) {
  store::ListOptions options;
  options.begin = std::move(begin);
  options.end = end;
  options.revision = revision;
  options.limit = kPageObjectsMax;
  options.count = state->metadata.revision == 0;  // of the first page, which is of all
  if (state->options.limit > 0 && !state->Selects()) {
    options.limit = std::min(options.limit, state->Wanted());
  }
  auto done = [this, alive = alive_.Watch(), state = std::move(state),
               end = std::move(end)](absl::StatusOr<store::ListResult> page) mutable {
    if (alive.expired()) return;
    if (!page.ok()) {
      const absl::Status failure = ReadFailure(*state, page.status());
      return Reply(std::move(state->call), failure);
    }
    if (auto status = TakePage(*state, *page); !status.ok()) {
      return Reply(std::move(state->call), status);
    }
    if (!page->more || page->items.empty() || state->Wanted() == 0) {
      return RenderAndReply(state);
    }
    ReadPage(std::move(state), page->revision, page->items.back().key + '\0', std::move(end));
  };
  store_.List(std::move(options), OnExecutor(executor_, std::move(done)));
}

// The revision has been compacted, or is still to come.
absl::Status Rest::ReadFailure(const ListState& state, const absl::Status& failure) {
  if (!absl::IsOutOfRange(failure)) return failure;
  if (failure.message().find("future") != std::string::npos) {
    return api::PlainError("etcdserver: mvcc: required revision is a future revision");
  }
  if (state.options.continue_token.empty()) {
    return api::ResourceExpired("The resourceVersion for the provided list is too old.");
  }
  api::meta::Status status = api::ToStatusMessage(api::ResourceExpired(
      "The provided continue parameter is too old to display a consistent list result. You can "
      "start a new list without the continue parameter, or use the continue token in this response "
      "to retrieve the remainder of the results. Continuing with the provided token results in an "
      "inconsistent list - objects that were created, modified, or deleted between the time the "
      "first chunk was returned and now may show up in the list."));
  status.mutable_metadata()->set_continue_(EncodeContinue(
      {ContinueToken::kNewest, state.begin.substr(state.root.size())}));
  return api::FromStatusMessage(status);
}

absl::Status Rest::TakePage(ListState& state, const store::ListResult& page) {
  const ResourceCache& cache = cache_.For(*state.call->info.resource);
  if (state.metadata.revision == 0) state.range_count = page.count;
  state.metadata.revision = page.revision;
  for (size_t i = 0; i < page.items.size(); ++i) {
    const store::KeyValue& kv = page.items[i];
    BERTH_ASSIGN_OR_RETURN(ObjectPtr object,
                           cache_.Decode(cache, kv.key.substr(state.root.size()), kv));
    if (!state.Matches(*object)) continue;
    state.objects.push_back(std::move(object));
    if (state.Wanted() > 0) continue;
    if (i + 1 < page.items.size() || page.more) {
      state.metadata.continue_token =
          EncodeContinue({page.revision, kv.key.substr(state.root.size()) + '\0'});
      if (!state.Selects()) {
        state.metadata.remaining = state.range_count - static_cast<int64_t>(state.objects.size());
      }
    }
    break;
  }
  return absl::OkStatus();
}

void Rest::RenderAndReply(const std::shared_ptr<ListState>& state) {
  auto render = [state, now = executor_.clock().Now()] {
    std::string body = RenderList(*state->call->info.resource, state->objects, state->metadata,
                                  RenderOptionsOf(*state->call, now));
    ReplyText(std::move(state->call), 200, std::move(body));
  };
  if (state->objects.size() <= kInlineObjectsMax) return render();
  encoder_.Post(std::move(render));
}

}  // namespace berth::apiserver
