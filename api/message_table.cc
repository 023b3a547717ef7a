#include "api/message_table.h"

#include <atomic>
#include <bit>
#include <memory>
#include <mutex>

#include <absl/container/flat_hash_map.h>
#include <fmt/core.h>

#include "api/field_access.h"
#include "base/check.h"

namespace berth::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;

// Published tables by descriptor: open addressing, entries are only ever added.
constexpr size_t kPublishedMax = 4096;  // power of two, several times the number of types
std::array<std::atomic<const MessageTable*>, kPublishedMax> published;

size_t PublishedStart(const Descriptor& descriptor) {
  const auto bits = reinterpret_cast<uintptr_t>(&descriptor) >> 4;
  return (bits * 0x9E3779B97F4A7C15ULL) >> 52;  // the top 12 bits
}

const MessageTable* FindPublished(const Descriptor& descriptor) {
  for (size_t at = PublishedStart(descriptor);; at = (at + 1) % kPublishedMax) {
    const MessageTable* table = published[at].load(std::memory_order_acquire);
    if (table == nullptr || &table->descriptor() == &descriptor) return table;
  }
}

FieldKind FieldKindOf(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING:
      return FieldKind::kString;
    case FieldDescriptor::TYPE_BYTES:
      return FieldKind::kBytes;
    case FieldDescriptor::TYPE_BOOL:
      return FieldKind::kBool;
    case FieldDescriptor::TYPE_INT32:
      return FieldKind::kInt32;
    case FieldDescriptor::TYPE_INT64:
      return FieldKind::kInt64;
    case FieldDescriptor::TYPE_DOUBLE:
      return FieldKind::kDouble;
    case FieldDescriptor::TYPE_MESSAGE:
      return FieldKind::kMessage;
    default:
      BERTH_CHECK(false && "the schema uses a type the codec does not know");
      return {};
  }
}

}  // namespace

// Builds the tables of a message and of all it reaches, then publishes them together.
class TableBuilder {
 public:
  const MessageTable& Build(const Descriptor& descriptor) {
    std::lock_guard lock(mutex_);
    if (const MessageTable* table = FindPublished(descriptor)) return *table;
    pending_.push_back(&Entry(descriptor));
    for (size_t i = 0; i < pending_.size(); ++i) Declare(*pending_[i]);
    for (MessageTable* table : pending_) {
      Flatten(*table, *table, {}, 0);
      table->BuildIndex();
    }
    for (MessageTable* table : pending_) Publish(*table);
    pending_.clear();
    return *FindPublished(descriptor);
  }

 private:
  MessageTable& Entry(const Descriptor& descriptor) {
    auto& table = tables_[&descriptor];
    if (table == nullptr) {
      table.reset(new MessageTable);
      table->descriptor_ = &descriptor;
    }
    return *table;
  }

  const MessageTable* Reach(const Descriptor& descriptor) {
    const bool is_new = tables_.find(&descriptor) == tables_.end();
    MessageTable& table = Entry(descriptor);
    if (is_new) pending_.push_back(&table);
    return &table;
  }

  void Declare(MessageTable& table) {
    const Descriptor& descriptor = *table.descriptor_;
    const Message* prototype = MessageFactory::generated_factory()->GetPrototype(&descriptor);
    BERTH_CHECK(prototype != nullptr);
    table.reflection_ = prototype->GetReflection();
    table.prototype_ = prototype;
    const MessageFacts& about = descriptor.options().GetExtension(message_facts);
    table.form_ = about.form();
    table.typed_ = about.typed();
    for (int i = 0; i < descriptor.field_count(); ++i) {
      table.members_.push_back(Describe(table, *descriptor.field(i)));
      FindLayout(*table.reflection_, table.members_.back());
    }
    for (const FieldInfo& member : table.members_) {
      if (member.json_name != "metadata" || member.kind != FieldKind::kMessage) continue;
      if (!member.repeated && !member.is_map) table.metadata_ = &member;
    }
  }

  FieldInfo Describe(const MessageTable& owner, const FieldDescriptor& field) {
    FieldInfo info;
    info.descriptor = &field;
    info.facts = &field.options().GetExtension(go_tags);
    info.json_name = field.json_name();
    info.quoted_name = fmt::format("\"{}\":", info.json_name);
    info.omitempty = info.facts->omitempty();
    info.omitzero = info.facts->omitzero();
    info.pointer = info.facts->pointer();
    info.is_inline = info.facts->inline_();
    info.is_map = field.is_map();
    info.repeated = field.is_repeated() && !info.is_map;
    info.list_items = owner.typed() && info.repeated && info.json_name == "items";
    const FieldDescriptor& value = info.is_map ? *field.message_type()->map_value() : field;
    info.kind = FieldKindOf(value);
    if (info.kind == FieldKind::kMessage) info.table = Reach(*value.message_type());
    if (info.is_map) {
      info.map = FindMapAccess(field);
      BERTH_CHECK(info.map != nullptr);  // map_fields.cc lacks a row for this field
    }
    return info;
  }

  void Flatten(MessageTable& root, const MessageTable& table,
               std::array<const FieldInfo*, 2> holders, uint8_t depth) {
    for (const FieldInfo& member : table.members_) {
      if (member.is_inline) {
        BERTH_CHECK(depth < holders.size());
        auto inner = holders;
        inner[depth] = &member;
        Flatten(root, *member.table, inner, static_cast<uint8_t>(depth + 1));
        continue;
      }
      root.fields_.push_back(member);
      root.fields_.back().holders = holders;
      root.fields_.back().holder_count = depth;
    }
  }

  static void Publish(const MessageTable& table) {
    size_t at = PublishedStart(table.descriptor());
    for (size_t tries = 0; published[at].load(std::memory_order_relaxed) != nullptr; ++tries) {
      BERTH_CHECK(tries < kPublishedMax / 2);
      at = (at + 1) % kPublishedMax;
    }
    published[at].store(&table, std::memory_order_release);
  }

  // std::mutex, which ThreadSanitizer understands without an instrumented Abseil. Guards what
  // follows; only Build takes it.
  std::mutex mutex_;
  absl::flat_hash_map<const Descriptor*, std::unique_ptr<MessageTable>> tables_;
  std::vector<MessageTable*> pending_;
};

void MessageTable::BuildIndex() {
  BERTH_CHECK(fields_.size() <= kFieldsMax);
  size_t size = 8;
  while (size < fields_.size() * 3) size *= 2;
  for (uint64_t seed = 1;; ++seed) {
    if (seed % 64 == 0) size *= 2;  // a name pair that will not part: give it room
    BERTH_CHECK(seed < 1024);
    multiplier_ = (seed * 0x9E3779B97F4A7C15ULL) | 1;
    shift_ = 64 - std::countr_zero(size);
    index_.assign(size, -1);
    bool clash = false;
    for (size_t i = 0; i < fields_.size() && !clash; ++i) {
      int16_t& slot = index_[internal::HashName(fields_[i].json_name, multiplier_) >> shift_];
      clash = slot >= 0;
      slot = static_cast<int16_t>(i);
    }
    if (!clash) return;
  }
}

const MessageTable& MessageTable::Of(const Descriptor& descriptor) {
  if (const MessageTable* table = FindPublished(descriptor)) return *table;
  static TableBuilder* const builder = new TableBuilder;
  return builder->Build(descriptor);
}

std::string MessageTable::GoName() const {
  const std::string& package = descriptor_->file()->package();
  return package.substr(package.rfind('.') + 1) + "." + descriptor_->name();
}

const Message& HolderOf(const Message& owner, const FieldInfo& field) {
  const Message* holder = &owner;
  for (uint8_t i = 0; i < field.holder_count; ++i) {
    holder = &access::GetMessage(*holder, *field.holders[i]);
  }
  return *holder;
}

Message& MutableHolderOf(Message& owner, const FieldInfo& field) {
  Message* holder = &owner;
  for (uint8_t i = 0; i < field.holder_count; ++i) {
    holder = &access::MutableMessage(*holder, *field.holders[i]);
  }
  return *holder;
}

std::string GoTypeOf(const FieldInfo& field) {
  std::string type;
  switch (field.kind) {
    case FieldKind::kString:
      type = "string";
      break;
    case FieldKind::kBytes:
      type = "[]uint8";
      break;
    case FieldKind::kBool:
      type = "bool";
      break;
    case FieldKind::kInt32:
      type = "int32";
      break;
    case FieldKind::kInt64:
      type = "int64";
      break;
    case FieldKind::kDouble:
      type = "float64";
      break;
    case FieldKind::kMessage:
      type = field.table->GoName();
      break;
  }
  if (field.is_map) return "map[string]" + type;
  return field.repeated ? "[]" + type : type;
}

}  // namespace berth::api
