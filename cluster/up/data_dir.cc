#include "cluster/up/data_dir.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/core.h>

#include "base/status_macros.h"

namespace berth::up {
namespace {

absl::Status Failure(std::string_view doing, const std::string& path) {
  return absl::UnavailableError(fmt::format("{} {}: {}", doing, path, std::strerror(errno)));
}

absl::Status WriteAll(int fd, const std::string& text, const std::string& path) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failure("write", path);
    done += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DataDir> DataDir::Acquire(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return absl::UnavailableError(fmt::format("make directory {}: {}", path, error.message()));
  }
  const std::string file = path + "/lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return Failure("open", file);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char text[32] = {};
    const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
    ::close(fd);
    const std::string owner(text, n > 0 ? strcspn(text, "\n") : 0);
    return absl::FailedPreconditionError(
        fmt::format("data directory {} is in use by process {}; stop it or choose another "
                    "--data-dir",
                    path, owner.empty() ? "(unknown)" : owner));
  }
  DataDir dir(path, fd);
  if (::ftruncate(fd, 0) != 0) return Failure("write", file);
  BERTH_RETURN_IF_ERROR(WriteAll(fd, fmt::format("{}\n", ::getpid()), file));
  return dir;
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

DataDir::~DataDir() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status WriteFileAtomically(const std::string& path, const std::string& text, int mode) {
  const std::string draft = fmt::format("{}.{}.new", path, ::getpid());
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return Failure("open", draft);
  absl::Status status = WriteAll(fd, text, draft);
  if (status.ok() && ::fsync(fd) != 0) status = Failure("sync", draft);
  ::close(fd);
  if (status.ok() && ::rename(draft.c_str(), path.c_str()) != 0) status = Failure("write", path);
  if (!status.ok()) ::unlink(draft.c_str());
  return status;
}

}  // namespace berth::up
