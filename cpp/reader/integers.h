// Whole numbers, as narrow as the widest of them: what numbers the nodes of a forest takes a byte or two, not eight.
#pragma once

#include <algorithm>
#include <variant>

#include "reader/array.h"

namespace celeris::wire {

class Integers {
  public:
    static constexpr size_t kLong = 4096;  // elements from which on they are held narrowly

    // Values of 32 bits or 64. At most `more` elements follow.
    template <class Value>
    void append(const Value *values, size_t count, size_t more) {
        constexpr int last = int(sizeof(Value)) * 8 - 1;
        Value all = 0, signs = 0;  // all that a value's size takes, and its sign
        for (size_t i = 0; i < count; ++i) all |= values[i] ^ (values[i] >> last), signs |= values[i];
        negative_ |= signs < 0;
        const uint64_t bits = uint64_t(all);
        int width = bits < 0x80 ? 0 : bits < 0x8000 ? 1 : bits < 0x10000 ? 2 : bits < 0x80000000 ? 3 : 4;
        width = std::max(width, int(held_.index()));
        widen(width == 2 && negative_ ? 3 : width);
        std::visit([&](auto &array) {
            for (size_t done = 0; done < count;) {
                auto [next, full] = array.room(count - done + more);
                const size_t part = std::min(count - done, size_t(full - next));
                std::copy(values + done, values + done + part, next);
                array.commit(next + part), done += part;
            }
        }, held_);
    }
    // f(array) of their type: int64 for few.
    template <class F>
    auto release(F &&f) {
        if (std::visit([](const auto &array) { return array.size(); }, held_) < kLong) widen(4);
        return std::visit([&](auto &array) {
            array.fit();
            return f(array);
        }, held_);
    }

  private:
    void widen(int width) {
        if (width == int(held_.index())) return;
        switch (width) {
        case 1: return become<int16_t>();
        case 2: return become<uint16_t>();
        case 3: return become<int32_t>();
        default: return become<int64_t>();
        }
    }
    template <class Wide>
    void become() {
        Array<Wide> wide;
        std::visit([&](const auto &array) {
            std::copy(array.data(), array.data() + array.size(), wide.extend(array.size()));
        }, held_);
        held_ = std::move(wide);
    }
    std::variant<Array<int8_t>, Array<int16_t>, Array<uint16_t>, Array<int32_t>, Array<int64_t>> held_;
    bool negative_ = false;  // whether one is
};

}  // namespace celeris::wire
