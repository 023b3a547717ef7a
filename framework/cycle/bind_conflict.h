// When the server's capacity check refuses a binding: what it says, and who remembers it.
//
// A plugin's Status carries a text, not the API's error, so the sink that plugins are given is
// wrapped: the wrapper remembers, by uid, what a refused binding must catch up to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "base/strings.h"
#include "framework/object_source.h"

namespace berth::framework {

// What the server had seen when it refused: who has seen the pods up to the one revision and the
// node itself at the other knows why.
struct CatchUp {
  int64_t pods_revision = 0, node_revision = 0;
};

// Of a 409 of pods/binding (causes "CatchUpToRevision"); nullopt for any other failure, also for a
// pod that is bound already.
std::optional<CatchUp> CatchUpOf(const absl::Status& status);

// Threads: the engine's executor. Must outlive the calls it forwards, or be closed before.
class SinkTap final : public ObjectSink {
 public:
  explicit SinkTap(ObjectSink& sink) : sink_(sink), conflicts_(std::make_shared<Conflicts>()) {}

  // Takes what was remembered of the pod.
  std::optional<CatchUp> TakeConflict(std::string_view uid);

  void Bind(const api::core::Pod& pod, std::string_view node_name, Done done) override;
  void Create(const api::Resource& resource, ObjectPtr object, ObjectDone done) override {
    sink_.Create(resource, std::move(object), std::move(done));
  }
  void Update(const api::Resource& resource, ObjectPtr object, std::string_view subresource,
              ObjectDone done) override {
    sink_.Update(resource, std::move(object), subresource, std::move(done));
  }
  void Patch(const api::Resource& resource, std::string_view namespace_, std::string_view name,
             std::string patch, std::string_view subresource, Done done) override {
    sink_.Patch(resource, namespace_, name, std::move(patch), subresource, std::move(done));
  }
  void Delete(const api::Resource& resource, std::string_view namespace_, std::string_view name,
              std::string_view uid, Done done) override {
    sink_.Delete(resource, namespace_, name, uid, std::move(done));
  }
  void Event(EventNote note) override { sink_.Event(std::move(note)); }

 private:
  using Conflicts = StringMap<CatchUp>;
  ObjectSink& sink_;
  std::shared_ptr<Conflicts> conflicts_;
};

}  // namespace berth::framework
