// Credentials added to every request of a transport.
#pragma once

#include <memory>
#include <string>

#include "api/wire.h"
#include "base/clock.h"
#include "client/transport.h"

namespace berth::client {

// Where a bearer token comes from. Threads: any.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // The value of the Authorization header. May complete inside the call.
  virtual void Get(Completion<std::string> done) = 0;
  // The server refused `value` (401): the next Get should not give it again if it can help it.
  // False when there will be no other.
  virtual bool Refused(const std::string& value) = 0;
};

std::unique_ptr<CredentialSource> MakeTokenSource(const std::string& token);
// "Basic ...".
std::unique_ptr<CredentialSource> MakeBasicSource(const std::string& username,
                                                  const std::string& password);
// Read anew every `period`, since tokens are rotated; a file that has gone keeps the last token.
std::unique_ptr<CredentialSource> MakeTokenFileSource(std::string path,
                                                      absl::Duration period = absl::Minutes(1),
                                                      Clock& clock = RealClock::Get());

// Adds Authorization (from source, may be null) and `headers` to every request. A request that is
// refused with 401 is sent once more when the source has something newer.
// Failures of the source fail the request.
std::unique_ptr<Transport> WithCredentials(std::unique_ptr<Transport> inner,
                                           std::unique_ptr<CredentialSource> source,
                                           api::Headers headers);

// The whole of a file. NotFound or Unavailable with the system's reason.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace berth::client
