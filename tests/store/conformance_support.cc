#include <fmt/format.h>

#include "tests/store/conformance.h"

namespace berth::store {

absl::StatusOr<KeyValue> StoreConformance::Get(std::string key, Revision revision) {
  return Await<absl::StatusOr<KeyValue>>(
      [&](auto done) { store().Get(key, revision, std::move(done)); });
}

absl::StatusOr<ListResult> StoreConformance::List(ListOptions options) {
  return Await<absl::StatusOr<ListResult>>(
      [&](auto done) { store().List(options, std::move(done)); });
}

absl::StatusOr<TxnResult> StoreConformance::Txn(TxnRequest request) {
  return Await<absl::StatusOr<TxnResult>>(
      [&](auto done) { store().Txn(request, std::move(done)); });
}

Revision StoreConformance::Put(std::string key, std::string value, LeaseId lease) {
  auto result = Txn({.compares = {},
                     .writes = {PutWrite(std::move(key), std::move(value), lease)}});
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? result->revision : 0;
}

Revision StoreConformance::Delete(std::string key) {
  auto result = Txn({.compares = {}, .writes = {DeleteWrite(std::move(key))}});
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? result->revision : 0;
}

Revision StoreConformance::Current() {
  auto result = Await<absl::StatusOr<Revision>>(
      [&](auto done) { store().CurrentRevision(std::move(done)); });
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(0);
}

absl::Status StoreConformance::Compact(Revision revision) {
  return Await<absl::Status>([&](auto done) { store().Compact(revision, std::move(done)); });
}

absl::StatusOr<LeaseId> StoreConformance::Grant(absl::Duration ttl) {
  return Await<absl::StatusOr<LeaseId>>(
      [&](auto done) { store().GrantLease(ttl, std::move(done)); });
}

absl::Status StoreConformance::Renew(LeaseId lease) {
  return Await<absl::Status>([&](auto done) { store().RenewLease(lease, std::move(done)); });
}

absl::Status StoreConformance::Revoke(LeaseId lease) {
  return Await<absl::Status>([&](auto done) { store().RevokeLease(lease, std::move(done)); });
}

std::shared_ptr<Watched> StoreConformance::Watch(std::string_view begin, std::string_view end,
                                                 Revision start) {
  auto watched = std::make_shared<Watched>();
  // The callback holds the record weakly, as the record holds the handle.
  auto callback = [env = env_.get(), weak = std::weak_ptr<Watched>(watched)](
                      const absl::Status& status, Revision revision,
                      std::vector<WatchEvent> events) {
    auto record = weak.lock();
    if (record == nullptr) return;
    absl::MutexLock lock(&env->mutex);
    if (record->running++ > 0 || record->ended) record->overlapped = true;
    record->status = status;
    record->ended = !status.ok();
    if (status.ok()) record->revisions.push_back(revision);
    for (WatchEvent& event : events) record->events.push_back(std::move(event));
    --record->running;
  };
  watched->handle = store().Watch(
      {.begin = std::string(begin), .end = std::string(end), .start = start}, callback);
  return watched;
}

bool StoreConformance::AwaitRevision(const std::shared_ptr<Watched>& watched, Revision revision) {
  return env_->Drive([&] { return watched->ended || watched->revision() >= revision; });
}

bool StoreConformance::AwaitEnd(const std::shared_ptr<Watched>& watched) {
  return env_->Drive([&] { return watched->ended; });
}

std::string Show(const KeyValue& kv) {
  if (kv.mod_revision == 0) return fmt::format("{} absent", kv.key);
  return fmt::format("{}={} c{} m{} v{} l{}", kv.key, kv.value == nullptr ? "NULL" : *kv.value,
                     kv.create_revision, kv.mod_revision, kv.version, kv.lease);
}

std::string Show(const WatchEvent& event) {
  std::string was = event.previous.mod_revision == 0 ? "" : " (was " + Show(event.previous) + ")";
  if (event.kind == WatchEvent::Kind::kPut) return "PUT " + Show(event.kv) + was;
  return fmt::format("DEL {} m{}{}", event.kv.key, event.kv.mod_revision, was);
}

std::vector<std::string> Keys(const std::vector<KeyValue>& items) {
  std::vector<std::string> keys;
  for (const KeyValue& kv : items) keys.push_back(kv.key);
  return keys;
}

Write PutWrite(std::string key, std::string value, LeaseId lease) {
  return {.kind = Write::Kind::kPut,
          .key = std::move(key),
          .value = MakeBytes(std::move(value)),
          .lease = lease};
}

Write DeleteWrite(std::string key) {
  return {.kind = Write::Kind::kDelete, .key = std::move(key)};
}

}  // namespace berth::store
