#include "plugins/signature_keys.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "framework/pod_info.h"
#include "framework/signature.h"

namespace berth::plugins {
namespace {

// Fixed width, so that fragments cannot run into each other.
void Append(std::string& out, uint32_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void Append(std::string& out, int64_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void Append(std::string& out, const api::scheduling::Amounts& amounts) {
  Append(out, amounts.milli_cpu);
  Append(out, amounts.memory_bytes);
  Append(out, amounts.ephemeral_storage_bytes);
  Append(out, static_cast<uint32_t>(amounts.scalars.size()));
  for (const auto& [name, amount] : amounts.scalars) {
    Append(out, name.id());
    Append(out, amount);
  }
}

}  // namespace

void PutTolerations(const framework::PodInfo& pod, framework::SignatureBuilder& out) {
  std::vector<std::string> each;
  each.reserve(pod.tolerations.size());
  for (const auto& toleration : pod.tolerations) {
    std::string text;
    Append(text, toleration.key.id());
    Append(text, toleration.value.id());
    Append(text, static_cast<uint32_t>(toleration.op) << 8 |
                     static_cast<uint32_t>(toleration.effect));
    each.push_back(std::move(text));
  }
  std::sort(each.begin(), each.end());
  std::string value;
  for (const std::string& text : each) value += text;
  out.Put(kTolerationsKey, value);
}

void PutRequests(const framework::PodInfo& pod, framework::SignatureBuilder& out) {
  std::string value;
  value.reserve(64);
  Append(value, pod.requests);
  Append(value, pod.scoring_requests);
  out.Put(kRequestsKey, value);
}

}  // namespace berth::plugins
