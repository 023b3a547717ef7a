// The directory a cluster keeps its state in, held by one process at a time.
#pragma once

#include <string>

#include <absl/status/statusor.h>

namespace berth::up {

// Holds DIR/lock until destroyed (or the process ends, however it does).
class DataDir {
 public:
  // Makes the directory when absent. Errors: FailedPrecondition when another process holds it, with
  // its process id; Unavailable when it cannot be made or written.
  static absl::StatusOr<DataDir> Acquire(const std::string& path);
  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&&) = delete;
  ~DataDir();

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  DataDir(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
};

// Replaces a file by `text` in one step, with the given mode. Unavailable for I/O errors.
absl::Status WriteFileAtomically(const std::string& path, const std::string& text, int mode);

}  // namespace berth::up
