#include "cluster/store/rocksdb_store.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <absl/synchronization/mutex.h>
#include <fmt/core.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "cluster/store/record.h"

namespace berth::store {
namespace {

constexpr size_t kCommitOpsMax = 4096;      // operations of one write to the disk
constexpr size_t kCommitBytesMax = 8 << 20;
constexpr size_t kRecoverTrimRecords = 65'536;
// More than the relaxed writes between two that are synced.
constexpr Revision kLostMax = 1'000'000;

rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status DiskError(std::string_view doing, const rocksdb::Status& status) {
  const std::string text = fmt::format("store: {}: {}", doing, status.ToString());
  return status.IsCorruption() ? absl::DataLossError(text) : absl::UnavailableError(text);
}

// Turns an index's changes into a WriteBatch.
class BatchJournal final : public Journal {
 public:
  rocksdb::WriteBatch& batch() { return batch_; }

  void Recorded(std::string_view key, const Version& version) override {
    EncodeRecordHead(key, version, head_);
    const std::string name = RecordKey(version.mod, version.sub);
    const rocksdb::Slice name_part = name;
    const rocksdb::Slice value = version.tombstone() ? "" : rocksdb::Slice(*version.value);
    const std::array<rocksdb::Slice, 3> parts = {head_, ToSlice(key), value};
    Check(batch_.Put(rocksdb::SliceParts(&name_part, 1),
                     rocksdb::SliceParts(parts.data(), static_cast<int>(parts.size()))));
  }
  // A record is put once and deleted once, as SingleDelete demands.
  void Dropped(Revision mod, uint32_t sub) override {
    Check(batch_.SingleDelete(RecordKey(mod, sub)));
  }
  void Compacted(Revision revision) override {
    Check(batch_.Put(ToSlice(kCompactedKey), EncodeInt(revision)));
  }
  void LeaseGranted(LeaseId lease, int64_t ttl_seconds) override {
    Check(batch_.Put(LeaseKey(lease), EncodeInt(ttl_seconds)));
    Check(batch_.Put(ToSlice(kNextLeaseKey), EncodeInt(lease + 1)));
  }
  void LeaseEnded(LeaseId lease) override { Check(batch_.Delete(LeaseKey(lease))); }

 private:
  // Adding to a batch fails only beyond 4 GB, which the limits exclude.
  static void Check(const rocksdb::Status& status) { BERTH_CHECK(status.ok()); }

  rocksdb::WriteBatch batch_;
  std::string head_;
};

// Changes with every boot of the machine; empty when the kernel does not say.
std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

rocksdb::Options DbOptions(const RocksdbOptions& options) {
  rocksdb::Options db;
  db.create_if_missing = true;
  // An unfinished record at the end of the log was never acknowledged; anything else that cannot
  // be read is damage, and opening must fail rather than forget what follows it.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.write_buffer_size = static_cast<size_t>(options.memtable_bytes);
  db.max_write_buffer_number = 4;
  db.max_background_jobs = 2;
  db.bytes_per_sync = 1 << 20;
  db.compression = rocksdb::kNoCompression;
  db.allow_concurrent_memtable_write = false;  // one writer
  db.keep_log_file_num = 2;
  db.max_log_file_size = 1 << 20;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8 << 20);  // read at recovery only
  table.block_size = 32 << 10;
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return db;
}

class RocksdbStore final : public MvccStore {
 public:
  RocksdbStore(Executor& executor, const RocksdbOptions& options)
      : MvccStore(executor, options.limits), options_(options) {}
  ~RocksdbStore() override { Close(); }

  absl::Status Open();
  void Close() override;

 private:
  void Submit(Operation op) override;
  void Reject(Operation op, std::string_view why);

  absl::Status OpenDb();
  absl::Status CheckFormat();
  // Notes that the store is open. True when the machine went down while it was before.
  absl::StatusOr<bool> NoteOpen();
  absl::StatusOr<int64_t> ReadMeta(std::string_view key, int64_t fallback);
  absl::Status Recover();
  absl::Status RecoverLeases() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  absl::Status RecoverRecords(bool went_down) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  absl::Status FinishTrim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);

  // The committer's thread.
  void CommitLoop();
  bool Take(std::vector<Operation>& ops);
  // Commits operations from `first` on; returns the first it left for the next write.
  size_t Commit(std::vector<Operation>& ops, size_t first);

  const RocksdbOptions options_;
  std::unique_ptr<rocksdb::DB> db_;
  BatchJournal journal_;  // the committer's, after Open
  bool failed_ = false;   // a write failed; the committer's, then Close's
  std::thread committer_;

  absl::Mutex queue_mutex_;
  absl::CondVar queue_filled_;
  std::vector<Operation> queue_ ABSL_GUARDED_BY(queue_mutex_);
  bool waiting_ ABSL_GUARDED_BY(queue_mutex_) = false;  // the committer waits for work
  bool closing_ ABSL_GUARDED_BY(queue_mutex_) = false;
};

// --- opening -----------------------------------------------------------------------------------

absl::Status RocksdbStore::OpenDb() {
  std::error_code error;
  std::filesystem::create_directories(options_.path, error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("store: cannot make {}: {}", options_.path, error.message()));
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(DbOptions(options_), options_.path, &db);
  if (status.ok()) {
    db_.reset(db);
    return absl::OkStatus();
  }
  const std::string text = status.ToString();
  if (status.IsIOError() && text.find("lock") != std::string::npos) {
    return absl::FailedPreconditionError(fmt::format(
        "store: {} is in use by another process (or by another store of this one): {}",
        options_.path, text));
  }
  return DiskError("cannot open " + options_.path, status);
}

absl::Status RocksdbStore::CheckFormat() {
  std::string format;
  const rocksdb::Status status = db_->Get({}, ToSlice(kFormatKey), &format);
  if (status.ok() && format == kFormat) return absl::OkStatus();
  if (status.ok()) {
    return absl::FailedPreconditionError(fmt::format(
        "store: {} has format \"{}\", this program reads \"{}\"", options_.path, format, kFormat));
  }
  if (!status.IsNotFound()) return DiskError("cannot read", status);
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
  it->SeekToFirst();
  if (it->Valid()) {
    return absl::FailedPreconditionError(
        fmt::format("store: {} holds a database that is not a store", options_.path));
  }
  rocksdb::WriteOptions sync;
  sync.sync = true;
  rocksdb::WriteBatch batch;
  rocksdb::Status written = batch.Put(ToSlice(kFormatKey), ToSlice(kFormat));
  if (written.ok() && options_.first_revision > 1) {
    written = batch.Put(ToSlice(kCompactedKey), EncodeInt(options_.first_revision));
  }
  if (written.ok()) written = db_->Write(sync, &batch);
  return written.ok() ? absl::OkStatus() : DiskError("cannot write", written);
}

absl::StatusOr<int64_t> RocksdbStore::ReadMeta(std::string_view key, int64_t fallback) {
  std::string value;
  const rocksdb::Status status = db_->Get({}, ToSlice(key), &value);
  if (status.IsNotFound()) return fallback;
  if (!status.ok()) return DiskError("cannot read", status);
  return DecodeInt(value);
}

absl::StatusOr<bool> RocksdbStore::NoteOpen() {
  const std::string boot = options_.boot_id.empty() ? BootId() : options_.boot_id;
  std::string before;
  rocksdb::Status status = db_->Get({}, ToSlice(kOpenKey), &before);
  if (!status.ok() && !status.IsNotFound()) return DiskError("cannot read", status);
  const bool went_down = status.ok() && (before != boot || boot.empty());
  rocksdb::WriteOptions sync;
  sync.sync = true;
  status = db_->Put(sync, ToSlice(kOpenKey), boot);
  if (!status.ok()) return DiskError("cannot write", status);
  return went_down;
}

absl::Status RocksdbStore::RecoverLeases() {
  const absl::Time now = executor().clock().Now();
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
  for (it->Seek(rocksdb::Slice(&kLeaseTag, 1)); it->Valid(); it->Next()) {
    const std::string_view key = ToView(it->key());
    if (key.front() != kLeaseTag) break;
    BERTH_ASSIGN_OR_RETURN(const LeaseId lease, ParseLeaseKey(key));
    BERTH_ASSIGN_OR_RETURN(const int64_t ttl_seconds, DecodeInt(ToView(it->value())));
    leases_.Add(lease, ttl_seconds, now);
  }
  if (!it->status().ok()) return DiskError("cannot read leases", it->status());
  BERTH_ASSIGN_OR_RETURN(const int64_t next, ReadMeta(kNextLeaseKey, 1));
  leases_.SetNextId(next);
  return absl::OkStatus();
}

absl::Status RocksdbStore::RecoverRecords(bool went_down) {
  BERTH_ASSIGN_OR_RETURN(const Revision compacted, ReadMeta(kCompactedKey, 0));
  rocksdb::ReadOptions read;
  read.verify_checksums = true;
  read.fill_cache = false;
  read.readahead_size = 2 << 20;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read));
  for (it->Seek(rocksdb::Slice(&kRecordTag, 1)); it->Valid(); it->Next()) {
    const std::string_view key = ToView(it->key());
    if (key.front() != kRecordTag) break;
    BERTH_ASSIGN_OR_RETURN(Record record, DecodeRecord(key, ToView(it->value())));
    BERTH_RETURN_IF_ERROR(state_->index.Load(std::move(record.key), std::move(record.version)));
  }
  if (!it->status().ok()) return DiskError("cannot read records", it->status());
  BERTH_ASSIGN_OR_RETURN(Revision head, ReadMeta(kHeadKey, 0));
  if (went_down) {
    head = std::max({state_->index.head(), compacted, head}) + kLostMax;
    rocksdb::WriteOptions sync;
    sync.sync = true;
    const rocksdb::Status written = db_->Put(sync, ToSlice(kHeadKey), EncodeInt(head));
    if (!written.ok()) return DiskError("cannot write", written);
    BERTH_LOG(kInfo, "the machine went down with the store open: going on later revision={}", head);
  }
  state_->index.FinishLoad(compacted, head);
  return absl::OkStatus();
}

// What a compaction before the restart left: the records go for good.
absl::Status RocksdbStore::FinishTrim() {
  for (bool more = true; more;) {
    more = state_->index.Trim(kRecoverTrimRecords, &journal_);
    const rocksdb::Status status = db_->Write({}, &journal_.batch());
    journal_.batch().Clear();
    if (!status.ok()) return DiskError("cannot write", status);
  }
  return absl::OkStatus();
}

absl::Status RocksdbStore::Recover() {
  BERTH_ASSIGN_OR_RETURN(const bool went_down, NoteOpen());
  absl::MutexLock lock(&state_->mutex);
  BERTH_RETURN_IF_ERROR(RecoverLeases());
  BERTH_RETURN_IF_ERROR(RecoverRecords(went_down));
  BERTH_RETURN_IF_ERROR(FinishTrim());
  ArmLeaseTimer();
  BERTH_LOG(kInfo, "store opened path={} revision={} compacted={} keys={} history={}",
            options_.path, state_->index.head(), state_->index.compacted(),
            state_->index.key_count(), state_->index.log_size());
  return absl::OkStatus();
}

absl::Status RocksdbStore::Open() {
  BERTH_RETURN_IF_ERROR(OpenDb());
  BERTH_RETURN_IF_ERROR(CheckFormat());
  BERTH_RETURN_IF_ERROR(Recover());
  committer_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "store-commit");
    CommitLoop();
  });
  return absl::OkStatus();
}

void RocksdbStore::Close() {
  {
    absl::MutexLock lock(&queue_mutex_);
    closing_ = true;
    queue_filled_.Signal();
  }
  if (committer_.joinable()) committer_.join();  // commits what is queued
  MvccStore::Close();
  if (db_ == nullptr) return;
  if (!failed_) {
    rocksdb::WriteOptions sync;  // of relaxed writes too
    sync.sync = true;
    const rocksdb::Status status = db_->Delete(sync, ToSlice(kOpenKey));
    if (!status.ok()) {
      BERTH_LOG(kWarning, "store closed without sync err=\"{}\"", status.ToString());
    }
  }
  db_.reset();
}

// --- the committer -----------------------------------------------------------------------------

void RocksdbStore::Reject(Operation op, std::string_view why) {
  Finish finish = Rejection(std::move(op));
  if (finish == nullptr) return;
  executor().Post([finish = std::move(finish), status = absl::UnavailableError(ToAbsl(why))]()
                      mutable { finish(status); });
}

void RocksdbStore::Submit(Operation op) {
  bool closing = false;
  {
    absl::MutexLock lock(&queue_mutex_);
    const bool full = std::holds_alternative<TxnOp>(op) &&
                      queue_.size() >= static_cast<size_t>(options_.queue_ops_max);
    closing = closing_;
    if (!closing && !full) {
      queue_.push_back(std::move(op));
      if (waiting_) queue_filled_.Signal();
      return;
    }
  }
  Reject(std::move(op), closing ? "the store is closed" : "too many writes wait for the disk");
}

bool RocksdbStore::Take(std::vector<Operation>& ops) {
  ops.clear();
  absl::MutexLock lock(&queue_mutex_);
  while (queue_.empty() && !closing_) {
    waiting_ = true;
    queue_filled_.Wait(&queue_mutex_);
    waiting_ = false;
  }
  ops.swap(queue_);
  return !ops.empty();
}

void RocksdbStore::CommitLoop() {
  std::vector<Operation> ops;
  while (Take(ops)) {
    for (size_t first = 0; first < ops.size();) first = Commit(ops, first);
  }
}

size_t RocksdbStore::Commit(std::vector<Operation>& ops, size_t first) {
  std::vector<Finish> finishes;
  std::vector<Operation> next;
  rocksdb::WriteOptions options;
  rocksdb::WriteBatch& batch = journal_.batch();
  const size_t stop = std::min(ops.size(), first + kCommitOpsMax);
  finishes.reserve(stop - first);
  for (; first < stop && batch.GetDataSize() < kCommitBytesMax; ++first) {
    absl::MutexLock lock(&state_->mutex);  // each for itself: readers come in between
    Outcome outcome = Execute(std::move(ops[first]), &journal_);
    options.sync = options.sync || outcome.sync;
    if (outcome.finish != nullptr) finishes.push_back(std::move(outcome.finish));
    if (outcome.next.has_value()) next.push_back(*std::move(outcome.next));
  }
  absl::Status status;
  if (batch.Count() > 0) {
    const rocksdb::Status written = db_->Write(options, &batch);
    batch.Clear();
    if (!written.ok()) {
      status = absl::UnavailableError(fmt::format("store: write failed: {}", written.ToString()));
      BERTH_LOG(kError, "store lost its disk path={} err=\"{}\"", options_.path,
                written.ToString());
      failed_ = true;  // RocksDB takes no sync after a failed write
      Fail(status);
    }
  }
  Task finish;
  if (!finishes.empty()) {
    finish = [finishes = std::move(finishes), status]() mutable {
      for (Finish& one : finishes) one(status);
    };
  }
  if (status.ok()) {
    absl::MutexLock lock(&state_->mutex);
    Publish(std::move(finish));
  } else if (finish != nullptr) {
    executor().Post(std::move(finish));
  }
  for (Operation& op : next) Submit(std::move(op));
  return first;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenRocksdbStore(Executor& executor,
                                                        const RocksdbOptions& options) {
  auto store = std::make_shared<RocksdbStore>(executor, options);
  if (auto status = store->Open(); !status.ok()) return status;
  return MvccStore::MakeHandle(std::move(store));
}

}  // namespace berth::store
