#include "api/validation/probe.h"

#include <fmt/core.h>

#include "api/schema/core_v1_container.pb.h"

namespace berth::api::validation {
namespace {

void ValidatePort(const intstr::IntOrString& port, const FieldPath& path, Errors& errors) {
  if (port.type() == 0) {
    errors.InvalidInt(path, port.int_val(), IsPortNumber(port.int_val()));
  } else {
    errors.Invalid(path, port.str_val(), IsPortName(port.str_val()));
  }
}

void ValidateHttpGet(const core::HTTPGetAction& action, const FieldPath& path, Errors& errors) {
  if (action.path().empty()) errors.Required(path.Child("path"));
  ValidatePort(action.port(), path.Child("port"), errors);
  if (action.scheme() != "HTTP" && action.scheme() != "HTTPS") {
    errors.NotSupported(path.Child("scheme"), action.scheme(), {"HTTP", "HTTPS"});
  }
  for (const core::HTTPHeader& header : action.http_headers()) {
    errors.Invalid(path.Child("httpHeaders"), header.name(), IsHttpHeaderName(header.name()));
  }
}

void ValidateSleep(const core::SleepAction& action, std::optional<int64_t> grace_period_s,
                   const FieldPath& path, Errors& errors) {
  if (!grace_period_s.has_value()) return;
  if (action.seconds() >= 0 && action.seconds() <= *grace_period_s) return;
  errors.InvalidInt(path, action.seconds(),
                    fmt::format("must be non-negative and less than "
                                "terminationGracePeriodSeconds ({})",
                                *grace_period_s));
}

// Exactly one handler. Handler: ProbeHandler (grpc) or LifecycleHandler (sleep).
template <typename Handler, typename Own>
void ValidateHandler(const Handler& handler, bool has_own, std::string_view own_name, Own own,
                     const FieldPath& path, Errors& errors) {
  int count = 0;
  const auto first = [&](bool present, std::string_view name) {
    if (!present) return false;
    if (count++ == 0) return true;
    errors.Forbidden(path.Child(name), "may not specify more than 1 handler type");
    return false;
  };
  if (first(handler.has_exec(), "exec") && handler.exec().command().empty()) {
    errors.Required(path.Child("exec.command"));
  }
  if (first(handler.has_http_get(), "httpGet")) {
    ValidateHttpGet(handler.http_get(), path.Child("httpGet"), errors);
  }
  if (first(handler.has_tcp_socket(), "tcpSocket")) {
    ValidatePort(handler.tcp_socket().port(), path.Child("tcpSocket.port"), errors);
  }
  if (first(has_own, own_name)) own();
  if (count == 0) errors.Required(path, "must specify a handler type");
}

void ValidateHook(const core::LifecycleHandler& handler, std::optional<int64_t> grace_period_s,
                  const FieldPath& path, Errors& errors) {
  const auto sleep = [&] {
    ValidateSleep(handler.sleep(), grace_period_s, path.Child("sleep"), errors);
  };
  ValidateHandler(handler, handler.has_sleep(), "sleep", sleep, path, errors);
}

}  // namespace

void ValidateProbe(const core::Probe& probe, ProbeKind kind,
                   std::optional<int64_t> /*grace_period_s*/, const FieldPath& path,
                   Errors& errors) {
  const core::ProbeHandler& handler = probe.handler();
  const auto grpc = [&] {
    errors.InvalidInt(path.Child("grpc.port"), handler.grpc().port(),
                      IsPortNumber(handler.grpc().port()));
  };
  ValidateHandler(handler, handler.has_grpc(), "grpc", grpc, path, errors);
  errors.NonNegative(path.Child("initialDelaySeconds"), probe.initial_delay_seconds());
  errors.NonNegative(path.Child("timeoutSeconds"), probe.timeout_seconds());
  errors.NonNegative(path.Child("periodSeconds"), probe.period_seconds());
  errors.NonNegative(path.Child("successThreshold"), probe.success_threshold());
  errors.NonNegative(path.Child("failureThreshold"), probe.failure_threshold());
  const FieldPath grace = path.Child("terminationGracePeriodSeconds");
  const int64_t seconds = probe.termination_grace_period_seconds();
  if (probe.has_termination_grace_period_seconds() && seconds <= 0) {
    errors.InvalidInt(grace, seconds, "must be greater than 0");
  }
  if (kind == ProbeKind::kReadiness) {
    if (!probe.has_termination_grace_period_seconds()) return;
    errors.InvalidInt(grace, seconds, "must not be set for readinessProbes");
  } else if (probe.success_threshold() != 1) {
    errors.InvalidInt(path.Child("successThreshold"), probe.success_threshold(), "must be 1");
  }
}

void ValidateLifecycle(const core::Lifecycle& lifecycle, std::optional<int64_t> grace_period_s,
                       const FieldPath& path, Errors& errors) {
  if (lifecycle.has_post_start()) {
    ValidateHook(lifecycle.post_start(), grace_period_s, path.Child("postStart"), errors);
  }
  if (lifecycle.has_pre_stop()) {
    ValidateHook(lifecycle.pre_stop(), grace_period_s, path.Child("preStop"), errors);
  }
}

}  // namespace berth::api::validation
