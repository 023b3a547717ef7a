// An API server on the memory store, on one thread under virtual time, called without a socket.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "api/json_value.h"
#include "api/wire.h"
#include "base/sim_executor.h"
#include "cluster/apiserver/api_server.h"
#include "cluster/store/memory_store.h"

namespace berth::apiserver {

struct Answer {
  int code = 0;  // 0: not answered yet
  std::string content_type;
  api::Headers headers;
  std::string body;
  bool stream = false;
  bool closed = false;

  // The JSON body; null when it is none.
  api::JsonValue Json() const;
  // Text at a path of member names and indices, "metadata/name"; other values as JSON; "<absent>".
  std::string At(std::string_view path) const;
  // The lines of a JSON watch.
  std::vector<api::JsonValue> Events() const;
};
// Text at a path, as above.
std::string At(const api::JsonValue& value, std::string_view path);
// "ADDED name, MODIFIED name": the events of a watch, one word each.
std::string EventText(const std::vector<api::JsonValue>& events);

// A watch that is open: what has arrived so far.
class OpenStream {
 public:
  explicit OpenStream(std::shared_ptr<struct StreamState> state) : state_(std::move(state)) {}
  const Answer& answer() const;
  // The client goes away.
  void Leave();
  // From now on the writer refuses, as one whose budget is used up.
  void Stall();
  // From now on nothing that is written is taken; Resume takes it all.
  void Pause();
  void Resume();
  int64_t unsent_bytes_max() const;

 private:
  std::shared_ptr<StreamState> state_;
};

class ServerFixture : public ::testing::Test {
 public:
  explicit ServerFixture(ApiServerOptions options = DefaultOptions(), uint64_t seed = 1);
  ~ServerFixture() override;
  static ApiServerOptions DefaultOptions();

  // One request, run until it is answered (a minute of virtual time at most).
  Answer Do(std::string method, std::string target, std::string body = "",
            std::string content_type = "", std::string accept = "application/json",
            api::Headers headers = {});
  Answer Get(std::string target) { return Do("GET", std::move(target)); }
  Answer Post(std::string target, std::string body) {
    return Do("POST", std::move(target), std::move(body), "application/json");
  }
  Answer Put(std::string target, std::string body) {
    return Do("PUT", std::move(target), std::move(body), "application/json");
  }
  Answer MergePatch(std::string target, std::string body) {
    return Do("PATCH", std::move(target), std::move(body), "application/merge-patch+json");
  }
  Answer Delete(std::string target, std::string body = "") {
    return Do("DELETE", std::move(target), std::move(body), "application/json");
  }
  // Sends and does not wait.
  OpenStream Send(std::string method, std::string target, std::string body = "",
                  std::string content_type = "", std::string accept = "application/json",
                  api::Headers headers = {});
  OpenStream Watch(std::string target) { return Send("GET", std::move(target)); }
  // Lets virtual time pass.
  void Run(absl::Duration time = absl::Milliseconds(10));

  // A node that can take `cpu` millicores and `pods` pods.
  void MakeNode(std::string_view name, int64_t cpu_milli = 4000, int64_t pods = 110);
  // A pod of one container that asks for `cpu` millicores.
  Answer MakePod(std::string_view name, int64_t cpu_milli = 100);
  Answer Bind(std::string_view pod, std::string_view node);

  SimLoop loop;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<ApiServer> server;
};

}  // namespace berth::apiserver
