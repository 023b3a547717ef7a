#include "framework/status.h"

#include "base/check.h"
#include "base/strings.h"

namespace berth::framework {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kSuccess: return "Success";
    case Code::kError: return "Error";
    case Code::kUnschedulable: return "Unschedulable";
    case Code::kUnschedulableAndUnresolvable: return "UnschedulableAndUnresolvable";
    case Code::kWait: return "Wait";
    case Code::kSkip: return "Skip";
    case Code::kPending: return "Pending";
  }
  BERTH_CHECK(false);
}

Status::Status(Code code, std::vector<std::string> reasons) {
  if (code == Code::kSuccess) return;
  rep_ = new Rep;
  rep_->code = code;
  rep_->reasons = std::move(reasons);
}

Status Status::FromError(const absl::Status& error) {
  if (error.ok()) return Success();
  Status status(Code::kError, {});
  status.rep_->error = std::string(error.message());
  return status;
}

std::vector<std::string> Status::Reasons() const {
  std::vector<std::string> all;
  if (rep_ == nullptr) return all;
  if (!rep_->error.empty()) all.push_back(rep_->error);
  all.insert(all.end(), rep_->reasons.begin(), rep_->reasons.end());
  return all;
}

std::string Status::Message() const {
  if (rep_ == nullptr) return {};
  std::string text = rep_->error;
  for (const std::string& reason : rep_->reasons) {
    if (!text.empty()) text += ", ";
    text += reason;
  }
  return text;
}

std::string_view Status::plugin() const {
  return rep_ == nullptr ? std::string_view() : std::string_view(rep_->plugin);
}

Status Status::WithPlugin(std::string_view plugin) const {
  if (rep_ == nullptr || rep_->plugin == plugin) return *this;
  Status copy;
  copy.rep_ = new Rep;
  copy.rep_->code = rep_->code;
  copy.rep_->error = rep_->error;
  copy.rep_->reasons = rep_->reasons;
  copy.rep_->plugin = std::string(plugin);
  return copy;
}

bool operator==(const Status& a, const Status& b) {
  if (a.rep_ == b.rep_) return true;
  if (a.rep_ == nullptr || b.rep_ == nullptr) return false;
  return a.rep_->code == b.rep_->code && a.rep_->error == b.rep_->error &&
         a.rep_->reasons == b.rep_->reasons && a.rep_->plugin == b.rep_->plugin;
}

namespace {
Status Make(Code code, std::string_view reason) {
  if (reason.empty()) return Status(code, {});
  return Status(code, {std::string(reason)});
}
}  // namespace

Status Unschedulable(std::string_view reason) { return Make(Code::kUnschedulable, reason); }
Status Unresolvable(std::string_view reason) {
  return Make(Code::kUnschedulableAndUnresolvable, reason);
}
Status Skip() {
  static const Status* const kSkipped = new Status(Code::kSkip, {});
  return *kSkipped;
}
Status Wait(std::string_view reason) { return Make(Code::kWait, reason); }
Status Pending(std::string_view reason) { return Make(Code::kPending, reason); }
Status Error(std::string_view text) {
  return Status::FromError(absl::UnknownError(ToAbsl(text)));
}

}  // namespace berth::framework
