// The control plane of one process: store, API server and its HTTP edge, each on its own threads.
//
//   OpenRocksdbStore | MakeMemoryStore  <- ApiServer  <- HttpServer (loopback)
//            ^------ "apiserver" ------------^             loops
//                                             ^---------- in-process transports
// The store completes on the server's own executor: a commit wakes one thread, not two.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "base/executor.h"
#include "cluster/apiserver/handler.h"
#include "cluster/up/data_dir.h"

namespace berth::up {

struct ControlPlaneOptions {
  enum class StoreKind { kRocksdb, kMemory };
  StoreKind store = StoreKind::kRocksdb;
  std::string data_dir;                  // needed by kRocksdb
  std::string address = "127.0.0.1";     // loopback only
  int port = 0;                          // 0: any free one
  bool binding_check = true;
  absl::Duration event_ttl = absl::Hours(1);
  int64_t first_revision = 1;  // of a store that is new
};

// "rocksdb" or "memory"; nullopt otherwise.
std::optional<ControlPlaneOptions::StoreKind> ParseStoreKind(std::string_view text);

// Any thread may ask.
struct ControlPlaneStats {
  int64_t requests = 0;  // ever, of all transports
  int64_t watchers = 0;
  int64_t pods = 0;
  int64_t revision = 0;
};

// Threads: made, used and destroyed by one thread that is none of its own; Stats from any.
class ControlPlane {
 public:
  // Returns when requests are served. Errors: those of the store and of the data directory's lock;
  // InvalidArgument for an address that is not loopback; Unavailable when the port is taken.
  static absl::StatusOr<std::unique_ptr<ControlPlane>> Start(const ControlPlaneOptions& options);
  // Ends watches, answers what is being handled, commits, closes.
  ~ControlPlane();

  std::string url() const;  // "http://127.0.0.1:8001", of the address it listens on
  int port() const;
  // For in-process transports: what handles requests, and the executor its tasks run on.
  apiserver::Handler& handler();
  Executor& executor();
  ControlPlaneStats Stats();

 private:
  struct Parts;
  explicit ControlPlane(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace berth::up
