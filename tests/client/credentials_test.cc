// Credentials and TLS: what leaves the process, so these are integration tests.
#include "client/credentials.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <absl/synchronization/notification.h>
#include <fmt/format.h>

#include "client/kubeconfig.h"
#include "tests/client/http_peers.h"

namespace berth::client {
namespace {

// A directory of this test's own, removed at the end.
class ScratchDir {
 public:
  ScratchDir() {
    char name[] = "/tmp/berth-client-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~ScratchDir() {
    for (const std::string& file : files_) std::remove(file.c_str());
    std::remove(path_.c_str());
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    files_.push_back(path);
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

// Answers 401 unless the Authorization is one of the wanted ones.
class GuardedHandler final : public apiserver::Handler {
 public:
  void Handle(api::HttpRequest request, apiserver::Responder responder) override {
    const std::string given(api::FindHeader(request.headers, "Authorization"));
    api::HttpResponse response;
    absl::MutexLock lock(&mutex_);
    seen_.push_back(given);
    response.code = given == want_ ? 200 : 401;
    response.body = MakeBytes(given);
    responder.Respond(std::move(response));
  }
  void Want(std::string value) {
    absl::MutexLock lock(&mutex_);
    want_ = std::move(value);
  }
  std::vector<std::string> seen() {
    absl::MutexLock lock(&mutex_);
    return seen_;
  }

 private:
  absl::Mutex mutex_;
  std::string want_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> seen_ ABSL_GUARDED_BY(mutex_);
};

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() : server_(handler_) { EXPECT_TRUE(server_.Start("127.0.0.1", 0).ok()); }
  std::unique_ptr<Transport> With(std::unique_ptr<CredentialSource> source,
                                  api::Headers headers = {}) {
    return WithCredentials(ClientOf(server_.port()), std::move(source), std::move(headers));
  }
  GuardedHandler handler_;
  apiserver::HttpServer server_;
  ScratchDir dir_;
};

TEST_F(CredentialsTest, FixedOnes) {
  handler_.Want("Bearer t");
  EXPECT_EQ(Call(*With(MakeTokenSource("t")), RequestOf("GET", "/"))->code, 200);
  EXPECT_EQ(Call(*With(MakeTokenSource("x")), RequestOf("GET", "/"))->code, 401);
  EXPECT_EQ(handler_.seen().size(), 2u);  // the same token is not tried twice
  handler_.Want("Basic dTpw");
  EXPECT_EQ(Call(*With(MakeBasicSource("u", "p")), RequestOf("GET", "/"))->code, 200);
}

// Dropping the header would make the request somebody else's.
TEST_F(CredentialsTest, ATokenThatCannotBeSentIsAnError) {
  auto transport = With(MakeTokenSource("one\ntwo"));
  EXPECT_TRUE(absl::IsUnauthenticated(Call(*transport, RequestOf("GET", "/")).status()));
  EXPECT_EQ(handler_.seen().size(), 0u);
}

TEST_F(CredentialsTest, TokenFileIsReadAnew) {
  FakeClock clock;
  const std::string path = dir_.Write("token", "one\n");
  auto transport = With(MakeTokenFileSource(path, absl::Minutes(1), clock));
  handler_.Want("Bearer one");
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->code, 200);
  dir_.Write("token", "two\n");
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->code, 200);  // not a minute yet
  clock.Advance(absl::Minutes(2));
  handler_.Want("Bearer two");
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->code, 200);
  EXPECT_EQ(handler_.seen().size(), 3u);
  // Refused within the minute: read at once, and sent again.
  dir_.Write("token", "three\n");
  handler_.Want("Bearer three");
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->code, 200);
  EXPECT_EQ(handler_.seen().size(), 5u);
  auto nothing = With(MakeTokenFileSource(dir_.path() + "/none"));
  EXPECT_TRUE(absl::IsNotFound(Call(*nothing, RequestOf("GET", "/")).status()));
}

TEST_F(CredentialsTest, ExecPlugin) {
  FakeClock clock(absl::FromUnixSeconds(1'700'000'000));
  // Counts its runs; each token lives until 2023-11-15.
  const std::string script = dir_.Write(
      "plugin.sh",
      "echo run >> \"$1/runs\"\n"
      "n=$(wc -l < \"$1/runs\")\n"
      "echo \"$KUBERNETES_EXEC_INFO\" | grep -q '\"server\":\"https://s\"' || exit 3\n"
      "[ \"$FLAVOUR\" = sweet ] || exit 4\n"
      "printf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
      "\"status\":{\"token\":\"t%d\",\"expirationTimestamp\":\"2023-11-15T00:00:00Z\"}}' \"$n\"\n");
  dir_.Write("runs", "");
  ExecPluginOptions options;
  options.api_version = "client.authentication.k8s.io/v1";
  options.command = "/bin/sh";
  options.args = {script, dir_.path()};
  options.env = {{"FLAVOUR", "sweet"}};
  options.server = "https://s";
  options.provide_cluster_info = true;
  auto transport = With(MakeExecSource(options, clock));
  handler_.Want("Bearer t1");
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->code, 200);
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->code, 200);  // from the cache
  clock.Advance(absl::Hours(48));
  handler_.Want("Bearer t2");
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->code, 200);  // expired
  handler_.Want("Bearer t3");
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->code, 200);  // refused, then anew
}

TEST_F(CredentialsTest, AHangingExecPluginDoesNotHoldUpTheEnd) {
  ExecPluginOptions options;
  options.api_version = "client.authentication.k8s.io/v1";
  options.command = "/bin/sh";
  const std::string mark = dir_.path() + "/started";
  options.args = {"-c", "echo > " + mark + "; sleep 60; echo"};
  const absl::Time start = RealClock::Get().Now();
  absl::Notification closed;
  {
    auto transport = With(MakeExecSource(options));
    transport->Do(RequestOf("GET", "/"), absl::Minutes(1),
                  [&](absl::StatusOr<api::HttpResponse> response) {
                    EXPECT_FALSE(response.ok());
                    closed.Notify();
                  });
    while (!std::filesystem::exists(mark)) std::this_thread::yield();
  }
  closed.WaitForNotification();
  EXPECT_LT(RealClock::Get().Now() - start, absl::Seconds(30));
}

TEST_F(CredentialsTest, ExecPluginThatFails) {
  ExecPluginOptions options;
  options.api_version = "client.authentication.k8s.io/v1";
  const struct {
    std::string_view name;
    std::string command;
    std::vector<std::string> args;
    std::string_view want;
  } cases[] = {
      {"not there", "no-such-plugin", {}, "no-such-plugin: No such file or directory\nhint"},
      {"exits", "/bin/sh", {"-c", "echo because >&2; exit 7"}, "exit code 7: because"},
      {"prints rubbish", "/bin/echo", {"rubbish"}, ""},
      {"hangs", "/bin/sleep", {"60"}, "took too long"},
      {"closes its pipes and hangs", "/bin/sh", {"-c", "exec >&- 2>&-; sleep 60"}, "took too long"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    options.command = c.command;
    options.args = c.args;
    options.install_hint = "hint";
    options.timeout = absl::Milliseconds(300);
    auto transport = With(MakeExecSource(options));
    auto response = Call(*transport, RequestOf("GET", "/"));
    ASSERT_FALSE(response.ok());
    EXPECT_NE(std::string(response.status().message()).find(c.want), std::string::npos)
        << response.status();
    absl::Notification closed;
    StreamHandler handler;
    handler.on_close = [&](absl::Status status) {
      EXPECT_FALSE(status.ok());
      closed.Notify();
    };
    auto stream = transport->Open(RequestOf("GET", "/"), std::move(handler));
    closed.WaitForNotification();
  }
}

// --- TLS ---------------------------------------------------------------------------------------

struct KeyPair {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  X509* certificate = X509_new();
  ~KeyPair() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  std::string Pem(bool of_key) const {
    BIO* bio = BIO_new(BIO_s_mem());
    if (of_key) {
      PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    } else {
      PEM_write_bio_X509(bio, certificate);
    }
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<size_t>(size));
    BIO_free(bio);
    return text;
  }
};

void Sign(KeyPair& pair, const char* name, const char* alternative, const KeyPair& by) {
  X509* x = pair.certificate;
  X509_set_version(x, 2);
  static int serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x), -60);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_set_pubkey(x, pair.key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(by.certificate));
  X509V3_CTX context;
  X509V3_set_ctx(&context, by.certificate, x, nullptr, nullptr, 0);
  const auto add = [&](int nid, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  };
  if (&pair == &by) add(NID_basic_constraints, "critical,CA:TRUE");
  if (alternative != nullptr) add(NID_subject_alt_name, alternative);
  X509_sign(x, by.key, EVP_sha256());
}

class TlsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ca_ = new KeyPair;
    server_pair_ = new KeyPair;
    client_pair_ = new KeyPair;
    Sign(*ca_, "test-ca", nullptr, *ca_);
    Sign(*server_pair_, "server", "IP:127.0.0.1,DNS:kubernetes", *ca_);
    Sign(*client_pair_, "jane", nullptr, *ca_);
  }
  static void TearDownTestSuite() {
    delete ca_;
    delete server_pair_;
    delete client_pair_;
  }
  void StartServer(bool ask_for_certificates) {
    TlsOptions tls;
    tls.certificate_pem = server_pair_->Pem(false);
    tls.key_pem = server_pair_->Pem(true);
    if (ask_for_certificates) tls.ca_pem = ca_->Pem(false);
    apiserver::HttpServerOptions options;
    options.tls = TlsContext::ForServer(tls).value();
    server_ = std::make_unique<apiserver::HttpServer>(handler_, options);
    ASSERT_TRUE(server_->Start("127.0.0.1", 0).ok());
  }
  absl::StatusOr<api::HttpResponse> CallWith(TlsOptions tls, std::string host = "127.0.0.1",
                                             api::HttpRequest request = RequestOf("GET", "/e")) {
    HttpTransportOptions options;
    options.server = fmt::format("https://{}:{}", host, server_->port());
    options.tls = std::move(tls);
    auto transport = HttpTransport::Create(options);
    if (!transport.ok()) return transport.status();
    return Call(**transport, std::move(request));
  }
  static KeyPair *ca_, *server_pair_, *client_pair_;
  TestHandler handler_;
  std::unique_ptr<apiserver::HttpServer> server_;
};
KeyPair* TlsTest::ca_;
KeyPair* TlsTest::server_pair_;
KeyPair* TlsTest::client_pair_;

TEST_F(TlsTest, ServersCertificate) {
  StartServer(false);
  const std::string ca = ca_->Pem(false);
  auto good = CallWith({.ca_pem = ca});
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(good->text(), "GET /e ");
  EXPECT_TRUE(CallWith({.ca_pem = ca, .server_name = "kubernetes"}, "localhost").ok());
  EXPECT_TRUE(CallWith({.insecure_skip_verify = true}).ok());
  const struct {
    std::string_view name;
    TlsOptions tls;
    std::string host;
  } refused[] = {
      {"another CA", {.ca_pem = client_pair_->Pem(false)}, "127.0.0.1"},
      {"the system's CAs", {}, "127.0.0.1"},
      {"another host", {.ca_pem = ca}, "localhost"},
      {"another name", {.ca_pem = ca, .server_name = "other"}, "127.0.0.1"},
  };
  for (const auto& c : refused) {
    SCOPED_TRACE(c.name);
    auto response = CallWith(c.tls, c.host);
    EXPECT_TRUE(absl::IsUnauthenticated(response.status())) << response.status();
    EXPECT_NE(std::string(response.status().message()).find("failed to verify certificate"),
              std::string::npos);
  }
}

TEST_F(TlsTest, LargeBodiesAndKeepAlive) {
  StartServer(false);
  HttpTransportOptions options;
  options.tls.ca_pem = ca_->Pem(false);
  options.server = fmt::format("https://127.0.0.1:{}", server_->port());
  auto transport = ClientOf(0, options);
  const std::string body(2'000'000, 'y');
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Call(*transport, RequestOf("POST", "/e", body))->text(), "POST /e " + body);
    EXPECT_EQ(Call(*transport, RequestOf("GET", "/later"))->text(), "GET /later ");
  }
  EXPECT_EQ(server_->connections(), 1);
  // A stream.
  std::shared_ptr<apiserver::StreamWriter> writer;
  absl::Notification started, closed;
  handler_.OnStream([&](std::shared_ptr<apiserver::StreamWriter> w) {
    writer = std::move(w);
    started.Notify();
  });
  std::string data;
  StreamHandler handler;
  handler.on_data = [&](Bytes chunk) { data += *chunk; };
  handler.on_close = [&](absl::Status) { closed.Notify(); };
  auto stream = transport->Open(RequestOf("GET", "/stream"), std::move(handler));
  started.WaitForNotification();
  for (int i = 0; i < 20; ++i) writer->Write(MakeBytes(std::string(30'000, 'z')));
  writer->Close();
  closed.WaitForNotification();
  EXPECT_EQ(data, std::string(600'000, 'z'));
}

TEST_F(TlsTest, ClientCertificates) {
  StartServer(true);
  const std::string ca = ca_->Pem(false);
  auto good = CallWith({.ca_pem = ca,
                        .certificate_pem = client_pair_->Pem(false),
                        .key_pem = client_pair_->Pem(true)});
  EXPECT_TRUE(good.ok()) << good.status();
  auto mismatch = CallWith({.ca_pem = ca,
                            .certificate_pem = client_pair_->Pem(false),
                            .key_pem = server_pair_->Pem(true)});
  EXPECT_TRUE(absl::IsInvalidArgument(mismatch.status())) << mismatch.status();
  EXPECT_TRUE(absl::IsInvalidArgument(CallWith({.ca_pem = "rubbish"}).status()));
}

TEST_F(TlsTest, PlainTalkToATlsServerAndBack) {
  StartServer(false);
  auto plain = ClientOf(server_->port());
  EXPECT_FALSE(Call(*plain, RequestOf("GET", "/"), absl::Seconds(5)).ok());
  apiserver::HttpServer other(handler_);
  ASSERT_TRUE(other.Start("127.0.0.1", 0).ok());
  HttpTransportOptions options;
  options.server = fmt::format("https://127.0.0.1:{}", other.port());
  EXPECT_FALSE(Call(*ClientOf(0, options), RequestOf("GET", "/"), absl::Seconds(5)).ok());
}

}  // namespace
}  // namespace berth::client
