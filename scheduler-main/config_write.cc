#include "api/yaml.h"
#include "scheduler-main/config.h"
#include "scheduler-main/config_fields.h"

namespace berth::scheduler {

api::JsonValue ConfigToJson(const Configuration& config) {
  api::JsonValue json = plugins::Encode(config);
  json.Set("apiVersion", api::JsonValue(std::string(kConfigApiVersion)));
  json.Set("kind", api::JsonValue(std::string(kConfigKind)));
  return json;
}

std::string WriteConfig(const Configuration& config) {
  const std::string json = ConfigToJson(config).ToText();
  auto yaml = api::JsonToYaml(json);
  return yaml.ok() ? *yaml : json + "\n";  // JSON is YAML too
}

}  // namespace berth::scheduler
