#include "frames/column.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

namespace celeris {
namespace {

constexpr int64_t kNoFault = std::numeric_limits<int64_t>::max();
constexpr int kReasonBits = 3, kColumnBits = 20;  // leaves 40 bits for the row

bool bit(const uint8_t *bits, int64_t at) { return bits[at >> 3] >> (at & 7) & 1; }

// IEEE 754 binary16 to binary32.
float half(uint16_t h) {
    const uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 0) return std::ldexp(float(mantissa), -24) * (sign != 0 ? -1.0f : 1.0f);
    const uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
    float f;
    std::memcpy(&f, &bits, 4);
    return f;
}

struct Half {
    uint16_t bits;
    operator float() const { return half(bits); }
};
struct Byte {  // a boolean in a byte
    uint8_t value;
    operator uint8_t() const { return value != 0; }
};

// f(a value of the C++ type that lies there), for layouts of one value after another.
template <class F>
void for_layout(Layout l, F &&f) {
    switch (l) {
        case Layout::i8: f(int8_t{}); break;
        case Layout::i16: f(int16_t{}); break;
        case Layout::i32: f(int32_t{}); break;
        case Layout::i64: f(int64_t{}); break;
        case Layout::u8: f(uint8_t{}); break;
        case Layout::u16: f(uint16_t{}); break;
        case Layout::u32: f(uint32_t{}); break;
        case Layout::u64: f(uint64_t{}); break;
        case Layout::f16: f(Half{}); break;
        case Layout::f32: f(float{}); break;
        case Layout::f64: f(double{}); break;
        default: f(Byte{}); break;
    }
}

template <class From>
constexpr bool is_real = std::is_floating_point_v<From> || std::is_same_v<From, Half>;

// Whether every value of From is one of To (reals: rounding is not a fault).
template <class From, class To>
constexpr bool always_fits() {
    if constexpr (std::is_floating_point_v<To> || std::is_same_v<From, Byte>)
        return true;
    else if constexpr (is_real<From>)
        return false;
    else
        return std::numeric_limits<From>::digits <= std::numeric_limits<To>::digits &&
               (std::is_signed_v<To> || !std::is_signed_v<From>);
}

// The bounds of an integer type as doubles that compare rightly: least <= x < past.
template <class To>
bool within(double x) {
    const double past = std::ldexp(1.0, std::numeric_limits<To>::digits);
    return x < past && x >= (std::is_signed_v<To> ? -past : 0.0);
}

// f(`at` as a pointer to the C++ type).
template <class F>
void for_type(Type type, std::byte *at, F &&f) {
    switch (type) {
        case Type::f32: f(reinterpret_cast<float *>(at)); break;
        case Type::f64: f(reinterpret_cast<double *>(at)); break;
        case Type::i64: f(reinterpret_cast<int64_t *>(at)); break;
        case Type::i32: f(reinterpret_cast<int32_t *>(at)); break;
        case Type::u8: f(reinterpret_cast<uint8_t *>(at)); break;
        case Type::str: f(reinterpret_cast<Str *>(at)); break;
    }
}

template <class Offset>
void read_offsets(const Piece &p, int64_t at, int64_t rows, Str *to) {
    const Offset *offsets = reinterpret_cast<const Offset *>(p.data) + p.offset + at;
    for (int64_t r = 0; r < rows; ++r) to[r] = {p.text + offsets[r], int64_t(offsets[r + 1]) - int64_t(offsets[r])};
}

bool is_missing(const Piece &p, int64_t at) {
    if (p.valid != nullptr) return !bit(p.valid, p.offset + at);
    return p.missing != nullptr && p.missing[at * p.missing_stride] != 0;
}

// Arrow's "variable-size binary view": the size, then up to 12 bytes, or a prefix, a buffer's number and a place in it.
void read_views(const Piece &p, int64_t at, int64_t rows, Str *to) {
    const char *views = reinterpret_cast<const char *>(p.data) + (p.offset + at) * 16;
    for (int64_t r = 0; r < rows; ++r, views += 16) {
        to[r] = {"", 0};
        if (is_missing(p, at + r)) continue;  // what stands there may be anything
        int32_t words[4];
        std::memcpy(words, views, 16);
        const char *data = words[0] <= 12 ? views + 4 : static_cast<const char *>(p.buffers[words[2]]) + words[3];
        to[r] = {data, words[0]};
    }
}

}  // namespace

bool is_text(Layout l) {
    return l == Layout::str || l == Layout::utf8 || l == Layout::large_utf8 || l == Layout::utf8_view;
}

Columns::Columns(std::vector<std::shared_ptr<const Column>> columns, Type type, bool refuse_nan,
                 std::shared_ptr<const std::string> missing_text)
    : columns_(std::move(columns)), type_(type), refuse_nan_(refuse_nan), missing_text_(std::move(missing_text)),
      fault_(kNoFault) {
    require(columns_.size() < (size_t(1) << kColumnBits), "columns: expected fewer than 2^20 columns");
    for (const auto &c : columns_) {
        if (&c == &columns_.front()) rows_ = c->rows;
        require(c->rows == rows_, "columns: expected columns of one length");
        const Layout values = c->values;
        require(values != Layout::other && (values == Layout::null || is_text(values) == (type == Type::str)),
                "columns: expected values that the model can take");
        std::vector<std::shared_ptr<const Coded>> coded;
        for (const Piece &p : c->pieces) {
            coded.push_back(nullptr);
            if (!p.dictionary) continue;
            const int64_t n = p.dictionary->rows;
            auto made = std::make_shared<Coded>();
            made->values.resize(size_t(n) * size_of(type));
            made->bad.resize(size_t(n));
            for (int64_t i = 0; i < n; ++i) {
                const Columns one({p.dictionary}, type, refuse_nan, missing_text_);
                one.read(0, i, 1, made->values.data() + size_t(i) * size_of(type));
                if (const auto found = one.fault()) made->bad[size_t(i)] = uint8_t(1 + int(found->reason));
            }
            coded.back() = made;
        }
        coded_.push_back(std::move(coded));
    }
}

std::optional<Columns::Fault> Columns::fault() const {
    const int64_t found = fault_.load(std::memory_order_relaxed);
    if (found == kNoFault) return std::nullopt;
    return Fault{found >> kReasonBits & ((int64_t(1) << kColumnBits) - 1), found >> (kReasonBits + kColumnBits),
                 Reason(found & ((1 << kReasonBits) - 1))};
}

void Columns::note(int64_t column, int64_t row, Reason reason) const {
    const int64_t fault = (row << kColumnBits | column) << kReasonBits | int64_t(reason);
    int64_t least = fault_.load(std::memory_order_relaxed);
    while (fault < least && !fault_.compare_exchange_weak(least, fault, std::memory_order_relaxed)) {
    }
}

const std::byte *Columns::lie(int64_t column, int64_t first, int64_t rows) const {
    static constexpr Layout same[] = {Layout::f32, Layout::f64, Layout::i64, Layout::i32, Layout::boolean, Layout::str};
    const Column &c = *columns_[size_t(column)];
    const size_t size = size_of(type_);
    if (c.layout != same[size_t(type_)] || (refuse_nan_ && (type_ == Type::f32 || type_ == Type::f64))) return nullptr;
    for (const Piece &p : c.pieces) {
        if (first < p.start || first + rows > p.start + p.rows) continue;
        const bool plain = !p.dictionary && p.valid == nullptr && p.missing == nullptr && p.stride == ptrdiff_t(size);
        const std::byte *at = p.data + (first - p.start) * p.stride;
        return plain && reinterpret_cast<uintptr_t>(at) % size_t(std::min<size_t>(size, 8)) == 0 ? at : nullptr;
    }
    return nullptr;
}

void Columns::read(int64_t column, int64_t first, int64_t rows, std::byte *to) const {
    const Column &c = *columns_[size_t(column)];
    for (size_t i = 0; i < c.pieces.size() && rows > 0; ++i) {
        const Piece &p = c.pieces[i];
        const int64_t at = first - p.start;
        if (at < 0 || at >= p.rows) continue;
        const int64_t n = std::min(rows, p.rows - at);
        if (p.dictionary)
            read_coded(column, p, *coded_[size_t(column)][i], at, n, to);
        else
            read_piece(column, p, at, n, to);
        first += n, rows -= n, to += size_t(n) * size_of(type_);
    }
}

void Columns::read_piece(int64_t column, const Piece &p, int64_t at, int64_t rows, std::byte *to) const {
    const Layout layout = columns_[size_t(column)]->layout;
    for_type(type_, to, [&](auto *typed) {
        if constexpr (std::is_same_v<decltype(typed), Str *>)
            read_texts(column, layout, p, at, rows, typed);
        else
            read_numbers(column, layout, p, at, rows, typed);
    });
}

// What a missing value is read as, and the reason to note for it (0: none).
template <class To>
std::pair<To, int> Columns::absent() const {
    if constexpr (std::is_floating_point_v<To>)
        return {std::numeric_limits<To>::quiet_NaN(), refuse_nan_ ? 1 + int(Reason::nan) : 0};
    else if constexpr (std::is_same_v<To, Str>)
        return missing_text_ ? std::pair{Str{missing_text_->data(), int64_t(missing_text_->size())}, 0}
                             : std::pair{Str{"", 0}, 1 + int(Reason::missing_text)};
    else
        return {To{}, 1 + int(Reason::missing)};
}

template <class To>
void Columns::read_numbers(int64_t column, Layout layout, const Piece &p, int64_t at, int64_t rows, To *to) const {
    const int64_t first = p.start + at;
    if (layout == Layout::null) {
        for (int64_t r = 0; r < rows; ++r) to[r] = To{};
    } else if (layout == Layout::bits) {
        const uint8_t *bits = reinterpret_cast<const uint8_t *>(p.data);
        for (int64_t r = 0; r < rows; ++r) to[r] = To(bit(bits, p.offset + at + r));
    } else {
        for_layout(layout, [&](auto t) {
            using From = decltype(t);
            const std::byte *x = p.data + at * p.stride;
            const auto each = [&](auto stride, auto &&f) {
                for (int64_t r = 0; r < rows; ++r) {
                    From v;
                    std::memcpy(&v, x + r * stride, sizeof v);
                    f(r, v);
                }
            };
            const auto every = [&](auto &&f) {  // the usual stride is known to the compiler
                if (p.stride == ptrdiff_t(sizeof(From)))
                    each(std::integral_constant<ptrdiff_t, sizeof(From)>{}, f);
                else
                    each(p.stride, f);
            };
            if constexpr (always_fits<From, To>()) {
                every([&](int64_t r, From v) { to[r] = To(v); });
            } else {
                every([&](int64_t r, From v) {
                    bool whole = true, fits;
                    if constexpr (is_real<From>) {
                        const double d = double(float(0) + v);
                        whole = d == std::trunc(d);  // false for NaN
                        fits = whole && within<To>(d);
                    } else {
                        fits = std::in_range<To>(v);
                    }
                    to[r] = fits ? To(v) : To{};
                    if (!fits && !is_missing(p, at + r)) {
                        bool nan = false;
                        if constexpr (is_real<From>) nan = double(float(0) + v) != double(float(0) + v);
                        note(column, first + r, nan ? Reason::missing : whole ? Reason::too_large : Reason::not_whole);
                    }
                });
            }
        });
    }
    if constexpr (std::is_same_v<To, uint8_t>)
        for (int64_t r = 0; r < rows; ++r) {
            if (to[r] > 1) note(column, first + r, Reason::too_large);
            to[r] = to[r] != 0;
        }
    blank(column, p, at, rows, to);
    if constexpr (std::is_floating_point_v<To>) {
        if (!refuse_nan_) return;
        // Asked of the bits: a comparison of floats may trap, so compilers make no vectors of it.
        using Bits = std::conditional_t<sizeof(To) == 4, int32_t, int64_t>;
        constexpr Bits size = std::numeric_limits<Bits>::max();
        constexpr Bits infinity = std::bit_cast<Bits>(std::numeric_limits<To>::infinity());
        Bits any = 0;
        for (int64_t r = 0; r < rows; ++r) any |= Bits((std::bit_cast<Bits>(to[r]) & size) > infinity);
        for (int64_t r = 0; any != 0 && r < rows; ++r)
            if (to[r] != to[r]) {
                note(column, first + r, Reason::nan);
                break;
            }
    }
}

// Missing values, in the place of what was read there.
template <class To>
void Columns::blank(int64_t column, const Piece &p, int64_t at, int64_t rows, To *to) const {
    const bool all = columns_[size_t(column)]->layout == Layout::null;
    if (p.valid == nullptr && p.missing == nullptr && !all) return;
    for (int64_t r = 0; r < rows; ++r) {
        if (!all && !is_missing(p, at + r)) continue;
        const auto [value, reason] = absent<To>();
        to[r] = value;
        if (reason != 0) note(column, p.start + at + r, Reason(reason - 1));
    }
}

void Columns::read_texts(int64_t column, Layout layout, const Piece &p, int64_t at, int64_t rows, Str *to) const {
    if (layout == Layout::utf8)
        read_offsets<int32_t>(p, at, rows, to);
    else if (layout == Layout::large_utf8)
        read_offsets<int64_t>(p, at, rows, to);
    else if (layout == Layout::utf8_view)
        read_views(p, at, rows, to);
    else if (layout == Layout::str)
        std::memcpy(to, p.data + at * p.stride, size_t(rows) * sizeof(Str));
    blank(column, p, at, rows, to);
}

template <class To>
void Columns::read_codes(int64_t column, const Piece &p, const Coded &coded, int64_t at, int64_t rows, To *to) const {
    const To *values = reinterpret_cast<const To *>(coded.values.data());
    const auto [absent_value, absent_reason] = absent<To>();
    const uint64_t n = coded.bad.size();
    for_layout(columns_[size_t(column)]->layout, [&](auto t) {
        using From = decltype(t);
        if constexpr (!is_real<From>) {
            for (int64_t r = 0; r < rows; ++r) {
                From code;
                std::memcpy(&code, p.data + (at + r) * p.stride, sizeof code);
                const uint64_t index = is_missing(p, at + r) ? n : uint64_t(int64_t(code));
                to[r] = index < n ? values[index] : absent_value;
                const int reason = index < n ? coded.bad[index] : absent_reason;
                if (reason != 0) note(column, p.start + at + r, Reason(reason - 1));
            }
        }
    });
}

void Columns::read_coded(int64_t column, const Piece &p, const Coded &coded, int64_t at, int64_t rows,
                         std::byte *to) const {
    for_type(type_, to, [&](auto *typed) { read_codes(column, p, coded, at, rows, typed); });
}

}  // namespace celeris
