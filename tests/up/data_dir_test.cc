#include "cluster/up/data_dir.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "cluster/up/kubeconfig_file.h"

namespace berth::up {
namespace {

using ::testing::HasSubstr;

class DataDirTest : public ::testing::Test {
 protected:
  DataDirTest() : path_(::testing::TempDir() + "/berth-up-test") {
    std::filesystem::remove_all(path_);
  }
  ~DataDirTest() override { std::filesystem::remove_all(path_); }
  std::string Read(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  const std::string path_;
};

TEST_F(DataDirTest, OneOwnerAtATime) {
  {
    const auto first = DataDir::Acquire(path_ + "/a/b");
    ASSERT_TRUE(first.ok()) << first.status();
    const auto second = DataDir::Acquire(path_ + "/a/b");
    EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
    EXPECT_THAT(std::string(ToStd(second.status().message())),
                HasSubstr("is in use by process "));
    EXPECT_THAT(std::string(ToStd(second.status().message())), HasSubstr("--data-dir"));
  }
  EXPECT_TRUE(DataDir::Acquire(path_ + "/a/b").ok()) << "free again";
}

TEST_F(DataDirTest, WhatCannotBeMade) {
  EXPECT_TRUE(absl::IsUnavailable(DataDir::Acquire("/proc/nowhere").status()));
}

TEST_F(DataDirTest, KubeconfigIsReplacedOnlyWhenItIsOurs) {
  const std::string file = path_ + "/sub/kubeconfig";
  // Neither a directory nor a name no file can have ends the process.
  EXPECT_FALSE(WriteKubeconfig("/tmp", "http://127.0.0.1:1").ok());
  EXPECT_FALSE(WriteKubeconfig("/tmp/" + std::string(300, 'x'), "http://127.0.0.1:1").ok());
  ASSERT_TRUE(WriteKubeconfig(file, "http://127.0.0.1:1").ok());
  ASSERT_TRUE(WriteKubeconfig(file, "http://127.0.0.1:2").ok());
  EXPECT_THAT(Read(file), HasSubstr("server: http://127.0.0.1:2\n"));
  const auto mode = std::filesystem::status(file).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::ofstream(file) << "apiVersion: v1\nkind: Config\n";
  EXPECT_TRUE(absl::IsFailedPrecondition(WriteKubeconfig(file, "http://127.0.0.1:3")));
  EXPECT_THAT(Read(file), HasSubstr("kind: Config"));
}

}  // namespace
}  // namespace berth::up
