// The protobuf wire format, driven by a schema given at run time: bytes -> a tree of messages. No Python, no ONNX.
// Every varint, length, wire type, group and nesting depth is checked; any fault throws wire::Error. Linear time.
// Source: protobuf.dev/programming-guides/encoding. As there, a known field met with a foreign wire type is skipped
// like an unknown one, a repeated number may come packed or not, the last of a oneof wins, and messages merge.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/threads.h"
#include "reader/codes.h"
#include "reader/integers.h"
#include "reader/slice.h"

namespace celeris::wire {

static_assert(std::endian::native == std::endian::little, "the wire format is read in place");

// Integers: int64, many of them held narrowly.
enum class Kind : uint8_t { Int32, Int64, Integers, UInt64, Float, Double, String, Bytes, Message };

struct Field {
    std::string name;
    Kind kind;
    bool repeated;
    int oneof;   // fields with the same number >= 0 exclude each other; -1: none
    int message;  // for Kind::Message: which type
};

struct Type {
    std::string name;
    std::vector<Field> fields;
    std::vector<int> by_number;  // field number -> index into fields, or -1

    const Field *find(uint64_t number) const {
        if (number >= by_number.size() || by_number[number] < 0) return nullptr;
        return &fields[by_number[number]];
    }
};

using Schema = std::vector<Type>;

struct Message;
using Value = std::variant<int64_t, uint64_t, float, double, Slice, std::unique_ptr<Message>, Array<int32_t>,
                           Array<int64_t>, Integers, Array<uint64_t>, Array<float>, Array<double>, Array<Slice>,
                           std::unique_ptr<Coded>, std::vector<Message>>;

struct Slot {
    const Field *field;
    Value value;
};

struct Message {
    const Type *type;
    std::vector<Slot> slots;  // one a field that is present, in order of first appearance

    Slot *find(const Field *field) {
        for (Slot &slot : slots)
            if (slot.field == field) return &slot;
        return nullptr;
    }
};

struct Limits {
    int depth = 100;              // nested messages or groups, as protobuf's own default
    int64_t messages = 8'000'000;  // an empty message is two bytes in a file and a hundred in memory
    int threads = 1;
};

class Decoder {
  public:
    Decoder(const Schema &schema, const uint8_t *data, size_t size, Limits limits = {})
        : schema_(schema), begin_(data), end_(data + size), left_(limits.messages), depth_(limits.depth),
          threads_(limits.threads) {}

    Message decode(int root) {
        Message message{&schema_[root], {}};
        fields(message, begin_, end_, 0);
        return message;
    }

  private:
    enum Wire : uint32_t { Varint = 0, Fixed64 = 1, Delimited = 2, StartGroup = 3, EndGroup = 4, Fixed32 = 5 };

    [[noreturn]] void fail(const uint8_t *at, const char *what) const {
        throw Error("byte " + std::to_string(at - begin_) + ": " + what);
    }

    uint64_t varint(const uint8_t *&p, const uint8_t *end) const {
        if (p < end && *p < 0x80) return *p++;
        if (end - p >= 4) {  // two or three bytes, as most indices have
            uint32_t word;
            std::memcpy(&word, p, sizeof word);
            const uint32_t low = (word & 0x7f) | (word & 0x7f00) >> 1;
            if (!(word & 0x8000)) return p += 2, low;
            if (!(word & 0x800000)) return p += 3, low | (word & 0x7f0000) >> 2;
        }
        return long_varint(p, end);
    }
    uint64_t long_varint(const uint8_t *&p, const uint8_t *end) const {
        uint64_t value = 0;
        const uint8_t *start = p;
        for (int shift = 0; shift < 70; shift += 7) {
            if (p == end) fail(start, "expected a whole varint, got the end of the data");
            uint8_t byte = *p++;
            if (shift == 63 && byte > 1) break;
            value |= uint64_t(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        fail(start, "expected a varint of at most 64 bits, got a longer one");
    }
    uint32_t tag(const uint8_t *&p, const uint8_t *end) const {
        const uint8_t *start = p;
        uint64_t value = varint(p, end);
        if (value > UINT32_MAX || value < 8) fail(start, "expected a field number from 1 to 2^29-1, got another");
        return uint32_t(value);
    }
    // The length prefix at p, checked: that many bytes follow.
    size_t length(const uint8_t *&p, const uint8_t *end) const {
        const uint8_t *start = p;
        uint64_t value = varint(p, end);
        if (value > uint64_t(end - p)) fail(start, "expected a length within the data, got one beyond its end");
        return size_t(value);
    }
    template <typename T> T fixed(const uint8_t *&p, const uint8_t *end) const {
        if (size_t(end - p) < sizeof(T)) fail(p, "expected a whole number, got the end of the data");
        T value;
        std::memcpy(&value, p, sizeof(T));
        p += sizeof(T);
        return value;
    }

    void skip(uint32_t tag, const uint8_t *&p, const uint8_t *end, int depth) const {
        switch (tag & 7) {
        case Varint: varint(p, end); return;
        case Fixed64: fixed<uint64_t>(p, end); return;
        case Fixed32: fixed<uint32_t>(p, end); return;
        case Delimited: {
            size_t size = length(p, end);
            p += size;
            return;
        }
        case StartGroup: skip_group(tag >> 3, p, end, depth + 1); return;
        case EndGroup: fail(p, "expected no end of a group, got one that was not begun");
        default: fail(p, "expected wire type 0 to 5, got 6 or 7");
        }
    }
    void skip_group(uint32_t number, const uint8_t *&p, const uint8_t *end, int depth) const {
        if (depth > depth_) fail(p, "expected less deeply nested messages");
        for (;;) {
            if (p == end) fail(p, "expected the end of a group, got the end of the data");
            uint32_t inner = tag(p, end);
            if ((inner & 7) == EndGroup) {
                if (inner >> 3 != number) fail(p, "expected the end of the group begun last, got another's");
                return;
            }
            skip(inner, p, end, depth);
        }
    }

    // Large ones among a message's repeated messages, which are read by several threads once their places are known.
    struct Later {
        const Field *field;
        size_t index;
        const uint8_t *begin, *end;
    };
    static constexpr size_t kLarge = 1 << 16;

    void fields(Message &message, const uint8_t *p, const uint8_t *end, int depth) {
        if (depth > depth_) fail(p, "expected less deeply nested messages");
        std::vector<Later> later;
        while (p < end) {
            uint32_t t = tag(p, end);
            const Field *field = message.type->find(t >> 3);
            if (field == nullptr || !take(message, *field, t, p, end, depth, later)) skip(t, p, end, depth);
        }
        if (later.empty()) return;
        parallel_try(int64_t(later.size()), threads_, [&](int64_t i) {
            const Later &each = later[size_t(i)];
            fields(value<std::vector<Message>>(message, *each.field)[each.index], each.begin, each.end, depth + 1);
        });
    }

    // The slot's value, made if the field was not there; members of the same oneof go.
    template <typename V> V &value(Message &message, const Field &field) {
        if (Slot *slot = message.find(&field)) return std::get<V>(slot->value);
        if (field.oneof >= 0)
            std::erase_if(message.slots, [&](const Slot &slot) { return slot.field->oneof == field.oneof; });
        return std::get<V>(message.slots.emplace_back(Slot{&field, V()}).value);
    }

    // Reads one occurrence of a known field; false if its wire type is not one the field can have.
    bool take(Message &message, const Field &field, uint32_t t, const uint8_t *&p, const uint8_t *end, int depth,
              std::vector<Later> &later) {
        switch (field.kind) {
        case Kind::Int32: return number<int32_t, int64_t, Varint>(message, field, t, p, end);
        case Kind::Int64: return number<int64_t, int64_t, Varint>(message, field, t, p, end);
        case Kind::Integers: return integers(message, field, t, p, end);
        case Kind::UInt64: return number<uint64_t, uint64_t, Varint>(message, field, t, p, end);
        case Kind::Float: return number<float, float, Fixed32>(message, field, t, p, end);
        case Kind::Double: return number<double, double, Fixed64>(message, field, t, p, end);
        case Kind::String: return text<Array<Slice>>(message, field, t, p, end);
        case Kind::Bytes: return text<std::unique_ptr<Coded>>(message, field, t, p, end);
        case Kind::Message: return submessage(message, field, t, p, end, depth, later);
        }
        return false;
    }

    template <typename T, Wire wire> T one(const uint8_t *&p, const uint8_t *end) const {
        if constexpr (wire == Varint) return T(varint(p, end));
        else return fixed<T>(p, end);
    }

    // T as an element of an array, S as a single value.
    template <typename T, typename S, Wire wire>
    bool number(Message &message, const Field &field, uint32_t t, const uint8_t *&p, const uint8_t *end) {
        if (!field.repeated) {
            if ((t & 7) != wire) return false;
            value<S>(message, field) = one<T, wire>(p, end);
            return true;
        }
        if ((t & 7) == Delimited) {
            packed<T, wire>(value<Array<T>>(message, field), p, end);
            return true;
        }
        if ((t & 7) != wire) return false;
        constexpr size_t least = 1 + (wire == Varint ? 1 : sizeof(T));
        run<least>(value<Array<T>>(message, field), t, p, end, [this](const uint8_t *&at, const uint8_t *stop) {
            return one<T, wire>(at, stop);
        });
        return true;
    }
    // One element, and those of the same field that follow at once, as arrays that are not packed come.
    // `least`: bytes that one takes at least, its tag included.
    template <size_t least, typename T, typename Read>
    void run(Array<T> &array, uint32_t t, const uint8_t *&p, const uint8_t *end, Read read) const {
        array.push(read(p, end));
        if (t >= 0x80) return;
        const uint8_t *at = p;
        while (at < end && *at == t) {
            auto [next, full] = array.room(size_t(end - at) / least);
            for (; next < full && at < end && *at == t; ++next) *next = read(++at, end);
            array.commit(next);
        }
        array.fit();
        p = at;
    }
    template <typename T, Wire wire> void packed(Array<T> &array, const uint8_t *&p, const uint8_t *end) const {
        const uint8_t *start = p;
        size_t size = length(p, end);
        if constexpr (wire == Varint) {
            const uint8_t *stop = p + size;
            size_t count = 0;
            for (const uint8_t *q = p; q < stop; ++q) count += *q < 0x80;
            T *out = array.extend(count);
            for (T *last = out + count; out < last; ++out) *out = T(varint(p, stop));
            if (p != stop) fail(p, "expected a whole varint, got the end of a packed array");
        } else {
            if (size % sizeof(T)) fail(start, "expected a packed array of whole numbers, got a part of one");
            if (size) std::memcpy(array.extend(size / sizeof(T)), p, size);
            p += size;
        }
    }

    Slice slice(const uint8_t *&p, const uint8_t *end) const {
        int64_t size = int64_t(length(p, end));
        Slice found{p - begin_, size};
        p += size;
        return found;
    }
    template <class Many>
    bool text(Message &message, const Field &field, uint32_t t, const uint8_t *&p, const uint8_t *end) {
        if ((t & 7) != Delimited) return false;
        if (!field.repeated) {
            value<Slice>(message, field) = slice(p, end);
            return true;
        }
        Many &to = value<Many>(message, field);
        if constexpr (std::is_same_v<Many, Array<Slice>>) {
            run<2>(to, t, p, end, [this](const uint8_t *&at, const uint8_t *stop) { return slice(at, stop); });
        } else {
            if (!to) to = std::make_unique<Coded>(begin_);
            chunks<int32_t>(to->codes, p, end, [&](const uint8_t *&at, const uint8_t *stop, int32_t &next) {
                if (to->strings.again(at, stop, next)) return true;
                next = to->strings.code(slice(at, stop), t);
                return again(at, stop, t);
            });
        }
        return true;
    }
    bool integers(Message &message, const Field &field, uint32_t t, const uint8_t *&p, const uint8_t *end) {
        if ((t & 7) == Varint) {
            unpacked(value<Integers>(message, field), t, p, end);
        } else if ((t & 7) == Delimited) {
            Integers &to = value<Integers>(message, field);
            const size_t size = length(p, end);
            if (size) chunks<int64_t>(to, p, p + size, [this](const uint8_t *&at, const uint8_t *stop, int64_t &next) {
                next = int64_t(varint(at, stop));
                return at < stop;
            });
        } else {
            return false;
        }
        return true;
    }
    // Where eight bytes hold four integers of one byte, or six hold two of two, each before the tag of the next, they are
    // taken at once, twice as many where those after them do, too; others by two, whatever their lengths, which no processor
    // guesses.
    void unpacked(Integers &to, uint32_t t, const uint8_t *&p, const uint8_t *end) const {
        const uint64_t fours = t * 0x0100010001000100, twos = t * 0x010000010000 | 0x80 | uint64_t(0x80) << 24;
        const auto are_fours = [=](uint64_t word) { return (word & 0xff80ff80ff80ff80) == fours; };
        const auto are_twos = [=](uint64_t word) { return (word & 0xff8080ff8080) == twos; };
        const auto take_fours = [](uint64_t word, int32_t *next) {
            for (int i = 0; i < 4; ++i) next[i] = int32_t(word >> 16 * i & 0x7f);
        };
        const auto take_twos = [](uint64_t word, int32_t *next) {
            for (int i = 0; i < 2; ++i) next[i] = int32_t((word >> 24 * i & 0x7f) | (word >> (24 * i + 1) & 0x3f80));
        };
        // So many integers in so many bytes at `from`, or twice as many; returns how often they were taken.
        const auto taken = [](const uint8_t *from, size_t bytes, size_t each, const auto &are, const auto &take, int32_t *next) {
            uint64_t word, after;
            std::memcpy(&word, from, sizeof word), std::memcpy(&after, from + bytes, sizeof after);
            if (!are(word)) return size_t(0);
            take(word, next), take(after, next + each);
            return are(after) ? size_t(2) : size_t(1);
        };
        std::array<int32_t, 512> chunk;
        const uint8_t *at = p;
        for (bool more = true; more;) {
            size_t count = 0;
            std::array<int64_t, 128> wides;  // from the first on that takes more than 32 bits: others like it may follow
            size_t wide = 0;
            while (more && wide == 0 && count <= chunk.size() - 2 * kPairs) {
                int32_t *next = chunk.data() + count;
                if (t < 0x80 && end - at > 16) {
                    if (const size_t times = taken(at, 8, 4, are_fours, take_fours, next)) {
                        count += 4 * times, at += 8 * times;
                        continue;
                    }
                    if (const size_t times = taken(at, 6, 2, are_twos, take_twos, next)) {
                        count += 2 * times, at += 6 * times;
                        continue;
                    }
                }
                if (size_t pairs = 0; t < 0x80 && pair(at, end, t, next)) {
                    while (++pairs < kPairs && pair(at, end, t, next + 2 * pairs)) {}
                    count += 2 * pairs;
                } else {
                    const int64_t value = int64_t(varint(at, end));
                    more = again(at, end, t);
                    if (int32_t(value) == value)
                        *next = int32_t(value), ++count;
                    else
                        wides[wide++] = value;
                }
            }
            to.append(chunk.data(), count, size_t(end - at) / 2 + 1 + wide);
            for (; wide > 0 && more && wide < wides.size(); ++wide) wides[wide] = int64_t(varint(at, end)), more = again(at, end, t);
            if (wide > 0) to.append(wides.data(), wide, size_t(end - at) / 2 + 1);
        }
        p = at;
    }
    static constexpr size_t kPairs = 8;  // before longer runs are looked for again
    // Two integers of up to three bytes, each before the tag of the next, found by the bytes that end them.
    static bool pair(const uint8_t *&at, const uint8_t *end, uint32_t t, int32_t *to) {
        if (end - at <= 8) return false;
        uint64_t word;
        std::memcpy(&word, at, sizeof word);
        uint64_t ends = ~word & 0x8080808080808080;
        const int first = std::countr_zero(ends);
        ends &= ends - 1;  // the tag, if it is one
        const int second = std::countr_zero(ends & (ends - 1));
        if (first > 23 || second > 63 || second - first > 32) return false;
        const uint8_t *next = at + second / 8 + 1;
        if ((word >> (first + 1) & 0xff) != t || *next != t) return false;
        const auto squeezed = [](uint64_t x) { return int32_t((x & 0x7f) | (x >> 1 & 0x3f80) | (x >> 2 & 0x1fc000)); };
        to[0] = squeezed(word & ((uint64_t(2) << first) - 1));
        to[1] = squeezed(word >> (first + 9) & ((uint64_t(1) << (second - first - 8)) - 1));
        at = next + 1;
        return true;
    }
    // Whether the same field follows: passes over its tag.
    static bool again(const uint8_t *&at, const uint8_t *end, uint32_t t) {
        const bool found = t < 0x80 && at < end && *at == t;
        at += found;
        return found;
    }
    // read(at, end, next) reads one and says whether another follows, one that takes two bytes or more.
    template <class Value, class Read>
    void chunks(Integers &to, const uint8_t *&p, const uint8_t *end, Read read) const {
        std::array<Value, 512> chunk;
        const uint8_t *at = p;
        for (bool more = true; more;) {
            size_t count = 0;
            while (more && count < chunk.size()) more = read(at, end, chunk[count++]);
            to.append(chunk.data(), count, size_t(end - at) + 1);
        }
        p = at;
    }

    bool submessage(Message &message, const Field &field, uint32_t t, const uint8_t *&p, const uint8_t *end,
                    int depth, std::vector<Later> &later) {
        if ((t & 7) != Delimited) return false;
        if (--left_ < 0) fail(p, "expected fewer messages");
        size_t size = length(p, end);
        Message *inner;
        if (field.repeated) {
            auto &all = value<std::vector<Message>>(message, field);
            inner = &all.emplace_back(Message{&schema_[field.message], {}});
            if (size >= kLarge && threads_ > 1) {
                later.push_back({&field, all.size() - 1, p, p + size});
                p += size;
                return true;
            }
        } else {
            auto &held = value<std::unique_ptr<Message>>(message, field);
            if (!held) held = std::make_unique<Message>(Message{&schema_[field.message], {}});
            inner = held.get();
        }
        fields(*inner, p, p + size, depth + 1);
        p += size;
        return true;
    }

    const Schema &schema_;
    const uint8_t *begin_, *end_;
    std::atomic<int64_t> left_;
    int depth_, threads_;
};

}  // namespace celeris::wire
