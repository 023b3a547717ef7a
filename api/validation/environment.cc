#include "api/validation/environment.h"

#include "api/schema/core_v1_container.pb.h"
#include "api/validation/volume.h"

namespace berth::api::validation {
namespace {

template <typename Selector>
void ValidateKeySelector(const Selector& selector, const FieldPath& path, Errors& errors) {
  const std::string& name = selector.local_object_reference().name();
  errors.Invalid(path.Child("name"), name, IsDns1123Subdomain(name));
  if (selector.key().empty()) {
    errors.Required(path.Child("key"));
  } else {
    errors.Invalid(path.Child("key"), selector.key(), IsConfigMapKey(selector.key()));
  }
}

void ValidateFileKey(const core::FileKeySelector& selector, const FieldPath& path,
                     Errors& errors) {
  if (selector.key().empty()) {
    errors.Required(path.Child("key"));
  } else {
    errors.Invalid(path.Child("key"), selector.key(), IsEnvVarName(selector.key()));
  }
  if (selector.volume_name().empty()) {
    errors.Required(path.Child("volumeName"));
  } else {
    errors.Invalid(path.Child("volumeName"), selector.volume_name(),
                   IsDns1123Label(selector.volume_name()));
  }
  if (selector.path().empty()) {
    errors.Required(path.Child("path"));
  } else {
    ValidatePathNoBacksteps(selector.path(), path.Child("path"), errors);
  }
}

void ValidateValueFrom(const core::EnvVar& variable, const FieldPath& path, Errors& errors) {
  const core::EnvVarSource& source = variable.value_from();
  int sources = 0;
  if (source.has_field_ref()) {
    ++sources;
    ValidateFieldRef(source.field_ref(), false, path.Child("fieldRef"), errors);
  }
  if (source.has_resource_field_ref()) {
    ++sources;
    ValidateResourceFieldRef(source.resource_field_ref(), false, path.Child("resourceFieldRef"),
                             errors);
  }
  if (source.has_config_map_key_ref()) {
    ++sources;
    ValidateKeySelector(source.config_map_key_ref(), path.Child("configMapKeyRef"), errors);
  }
  if (source.has_secret_key_ref()) {
    ++sources;
    ValidateKeySelector(source.secret_key_ref(), path.Child("secretKeyRef"), errors);
  }
  if (source.has_file_key_ref()) {
    ++sources;
    ValidateFileKey(source.file_key_ref(), path.Child("fileKeyRef"), errors);
  }
  if (sources == 0) {
    errors.Invalid(path, "",
                   "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
                   "`secretKeyRef` or `fileKeyRef`");
  } else if (!variable.value().empty()) {
    errors.Invalid(path, "", "may not be specified when `value` is not empty");
  } else if (sources > 1) {
    errors.Invalid(path, "", "may not have more than one field specified at a time");
  }
}

template <typename Source>
void ValidateReference(const Source& source, const FieldPath& path, Errors& errors) {
  const std::string& name = source.local_object_reference().name();
  if (name.empty()) return errors.Required(path.Child("name"));
  errors.Invalid(path.Child("name"), name, IsDns1123Subdomain(name));
}

}  // namespace

void ValidateEnv(const google::protobuf::RepeatedPtrField<core::EnvVar>& variables,
                 const FieldPath& path, Errors& errors) {
  for (int i = 0; i < variables.size(); ++i) {
    const core::EnvVar& variable = variables[i];
    const FieldPath at = path.Index(i);
    if (variable.name().empty()) {
      errors.Required(at.Child("name"));
    } else {
      errors.Invalid(at.Child("name"), variable.name(), IsEnvVarName(variable.name()));
    }
    if (variable.has_value_from()) ValidateValueFrom(variable, at.Child("valueFrom"), errors);
  }
}

void ValidateEnvFrom(const google::protobuf::RepeatedPtrField<core::EnvFromSource>& sources,
                     const FieldPath& path, Errors& errors) {
  for (int i = 0; i < sources.size(); ++i) {
    const core::EnvFromSource& source = sources[i];
    const FieldPath at = path.Index(i);
    if (!source.prefix().empty()) {
      errors.Invalid(at.Child("prefix"), source.prefix(), IsEnvVarName(source.prefix()));
    }
    if (source.has_config_map_ref()) {
      ValidateReference(source.config_map_ref(), at.Child("configMapRef"), errors);
    }
    if (source.has_secret_ref()) {
      ValidateReference(source.secret_ref(), at.Child("secretRef"), errors);
    }
    if (!source.has_config_map_ref() && !source.has_secret_ref()) {
      errors.Invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (source.has_config_map_ref() && source.has_secret_ref()) {
      errors.Invalid(path, "", "may not have more than one field specified at a time");
    }
  }
}

}  // namespace berth::api::validation
