// TLS without I/O: bytes of the wire in, text out, and the other way round.
//
//   cipher from the socket --Feed--> [ session ] --Read--> plain
//   cipher to the socket  <--TakeOutput-- [ ]  <--Write-- plain
//
// Never touches a socket, so it suits any event loop and both ends of a connection. TLS 1.2 or
// newer. Source: OpenSSL 3.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;
using BIO = struct bio_st;

namespace berth::client {

struct TlsOptions {
  std::string ca_pem = {};           // empty: the system's
  std::string certificate_pem = {};  // our own, with its chain; empty: none
  std::string key_pem = {};
  std::string server_name = {};      // what the server must prove to be; empty: the host
  bool insecure_skip_verify = false;
};

// Certificates and settings, shared by sessions. Threads: immutable, any.
class TlsContext {
 public:
  // Errors: InvalidArgument naming the part that does not parse, or a key that does not match.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> ForClient(const TlsOptions& options);
  // Presents options.certificate_pem; with ca_pem, asks clients for a certificate it signed.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> ForServer(const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* get() const { return context_; }
  const TlsOptions& options() const { return options_; }

 private:
  TlsContext(SSL_CTX* context, TlsOptions options)
      : context_(context), options_(std::move(options)) {}
  SSL_CTX* const context_;
  const TlsOptions options_;
};

// Threads: none, one owner.
class TlsSession {
 public:
  // host: the name or address connected to (client side).
  TlsSession(std::shared_ptr<const TlsContext> context, const std::string& host);
  // Server side.
  explicit TlsSession(std::shared_ptr<const TlsContext> context);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Bytes from the socket; then appends what they decrypt to. Also drives the handshake.
  // Errors: Unauthenticated when the peer's certificate is refused, Unavailable for the rest.
  absl::Status Feed(std::string_view cipher, std::string& plain);
  // Starts the handshake (client), or encrypts; before the handshake is done it keeps the text.
  absl::Status Write(std::string_view plain);
  // Bytes for the socket.
  std::string TakeOutput();
  bool established() const { return established_; }
  // The peer has said that it will send no more.
  bool closed() const { return closed_; }

 private:
  absl::Status Advance();
  absl::Status Failure(const char* doing) const;

  std::shared_ptr<const TlsContext> context_;
  SSL* ssl_;
  BIO* in_;   // owned by ssl_
  BIO* out_;  // owned by ssl_
  std::string early_;  // written before the handshake was done
  bool established_ = false;
  bool closed_ = false;
};

}  // namespace berth::client
