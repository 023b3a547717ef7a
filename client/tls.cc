#include "client/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>

#include "base/check.h"

namespace berth::client {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct X509Deleter {
  void operator()(X509* x509) const { X509_free(x509); }
};
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;
using X509Ptr = std::unique_ptr<X509, X509Deleter>;
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;

BioPtr Memory(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string LastError() {
  const unsigned long code = ERR_peek_last_error();  // NOLINT(google-runtime-int): OpenSSL's type
  char text[256] = "unknown error";
  if (code != 0) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return text;
}

absl::Status BrokenTls(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", what, LastError()));
}

// Calls use(certificate) for each certificate of a PEM text; the number of them.
template <typename F>
int EachCertificate(const std::string& pem, F use) {
  BioPtr bio = Memory(pem);
  int count = 0;
  while (X509Ptr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    use(std::move(certificate), count++);
  }
  ERR_clear_error();  // the end of the text is reported as an error
  return count;
}

absl::Status Trust(SSL_CTX* context, const std::string& ca_pem) {
  if (ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) return BrokenTls("the system's CAs");
    return absl::OkStatus();
  }
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const int count = EachCertificate(ca_pem, [store](X509Ptr certificate, int) {
    X509_STORE_add_cert(store, certificate.get());
  });
  if (count == 0) return absl::InvalidArgumentError("the CA data holds no certificate");
  return absl::OkStatus();
}

absl::Status Present(SSL_CTX* context, const TlsOptions& options) {
  if (options.certificate_pem.empty() && options.key_pem.empty()) return absl::OkStatus();
  const int count =
      EachCertificate(options.certificate_pem, [context](X509Ptr certificate, int index) {
        if (index == 0) {
          SSL_CTX_use_certificate(context, certificate.get());
        } else {
          SSL_CTX_add0_chain_cert(context, certificate.release());
        }
      });
  if (count == 0) return absl::InvalidArgumentError("the certificate data holds no certificate");
  BioPtr bio = Memory(options.key_pem);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return BrokenTls("the private key");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return BrokenTls("the private key does not belong to the certificate");
  }
  return absl::OkStatus();
}

bool IsAddress(const std::string& host) {
  unsigned char buffer[16];
  return inet_pton(AF_INET, host.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, host.c_str(), buffer) == 1;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::ForClient(
    const TlsOptions& options) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  BERTH_CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  if (options.insecure_skip_verify) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  } else {
    if (absl::Status status = Trust(context.get(), options.ca_pem); !status.ok()) return status;
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (absl::Status status = Present(context.get(), options); !status.ok()) return status;
  return std::shared_ptr<const TlsContext>(new TlsContext(context.release(), options));
}

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::ForServer(
    const TlsOptions& options) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  BERTH_CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  if (absl::Status status = Present(context.get(), options); !status.ok()) return status;
  if (!options.ca_pem.empty()) {
    if (absl::Status status = Trust(context.get(), options.ca_pem); !status.ok()) return status;
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  return std::shared_ptr<const TlsContext>(new TlsContext(context.release(), options));
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context, const std::string& host)
    : TlsSession(std::move(context)) {
  SSL_set_connect_state(ssl_);
  const std::string& configured = context_->options().server_name;
  const std::string& name = configured.empty() ? host : configured;
  if (IsAddress(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), name.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl_, name.c_str());
    SSL_set1_host(ssl_, name.c_str());
  }
}

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context)
    : context_(std::move(context)), ssl_(SSL_new(context_->get())) {
  BERTH_CHECK(ssl_ != nullptr);
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl_, in_, out_);
  SSL_set_accept_state(ssl_);
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

absl::Status TlsSession::Failure(const char* doing) const {
  const auto verdict = SSL_get_verify_result(ssl_);
  if (verdict != X509_V_OK && (SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER) != 0) {
    ERR_clear_error();
    return absl::UnauthenticatedError(fmt::format(
        "tls: failed to verify certificate: {}", X509_verify_cert_error_string(verdict)));
  }
  return absl::UnavailableError(fmt::format("tls: {}: {}", doing, LastError()));
}

absl::Status TlsSession::Advance() {
  if (established_) return absl::OkStatus();
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) {
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return absl::OkStatus();
    return Failure("handshake");
  }
  established_ = true;
  std::string early = std::move(early_);
  early_.clear();
  return Write(early);
}

absl::Status TlsSession::Feed(std::string_view cipher, std::string& plain) {
  BIO_write(in_, cipher.data(), static_cast<int>(cipher.size()));
  if (absl::Status status = Advance(); !status.ok()) return status;
  if (!established_) return absl::OkStatus();
  char buffer[16 << 10];
  for (;;) {
    ERR_clear_error();
    const int got = SSL_read(ssl_, buffer, sizeof(buffer));
    if (got > 0) {
      plain.append(buffer, static_cast<size_t>(got));
      continue;
    }
    const int error = SSL_get_error(ssl_, got);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return absl::OkStatus();
    if (error == SSL_ERROR_ZERO_RETURN) {
      closed_ = true;
      return absl::OkStatus();
    }
    return Failure("read");
  }
}

absl::Status TlsSession::Write(std::string_view plain) {
  if (!established_) {
    early_.append(plain);
    return Advance();
  }
  if (plain.empty()) return absl::OkStatus();
  ERR_clear_error();
  // A memory BIO takes everything at once.
  const int put = SSL_write(ssl_, plain.data(), static_cast<int>(plain.size()));
  if (put != static_cast<int>(plain.size())) return Failure("write");
  return absl::OkStatus();
}

std::string TlsSession::TakeOutput() {
  std::string out;
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out_, &data);
  if (size > 0) {
    out.assign(data, static_cast<size_t>(size));
    (void)BIO_reset(out_);
  }
  return out;
}

}  // namespace berth::client
