// The HTTP client and the HTTP server, against each other over loopback.
#include "client/http_transport.h"

#include <gtest/gtest.h>

#include <absl/synchronization/notification.h>

#include "cluster/apiserver/http_server.h"

namespace berth::client {
namespace {

// Answers with what was asked.
class EchoHandler final : public apiserver::Handler {
 public:
  void Handle(api::HttpRequest request, apiserver::Responder responder) override {
    api::HttpResponse response;
    response.code = 200;
    response.content_type = "text/plain";
    response.body = MakeBytes(request.method + " " + request.target + " " + request.body);
    responder.Respond(std::move(response));
  }
};

absl::StatusOr<api::HttpResponse> Call(Transport& transport, api::HttpRequest request,
                                       absl::Duration timeout = absl::Seconds(10)) {
  absl::Notification done;
  absl::StatusOr<api::HttpResponse> result;
  transport.Do(std::move(request), timeout, [&](absl::StatusOr<api::HttpResponse> response) {
    result = std::move(response);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

std::unique_ptr<HttpTransport> ClientOf(const apiserver::HttpServer& server) {
  HttpTransportOptions options;
  options.server = "http://127.0.0.1:" + std::to_string(server.port());
  return HttpTransport::Create(options).value();
}

TEST(HttpTransportTest, RequestTravelsThereAndBack) {
  EchoHandler handler;
  apiserver::HttpServer server(handler);
  ASSERT_TRUE(server.Start("127.0.0.1", 0).ok());
  auto transport = ClientOf(server);
  api::HttpRequest request;
  request.method = "POST";
  request.target = "/api/v1/pods?x=1";
  request.body = "hello";
  auto response = Call(*transport, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->code, 200);
  EXPECT_EQ(response->content_type, "text/plain");
  EXPECT_EQ(response->text(), "POST /api/v1/pods?x=1 hello");
}

}  // namespace
}  // namespace berth::client
