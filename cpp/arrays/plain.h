// plain: one operation on each element of tensors of any number type, which are broadcast: what NumPy does, sooner where
// tensors are small.
#pragma once

#include <type_traits>

#include "arrays/places.h"

namespace celeris::CELERIS_TARGET {

// One stretch: operands, their steps, the result.
using PlainStretch = void (*)(const std::byte *const *in, const int64_t *steps, std::byte *out, int64_t n);

// Tensors broadcast to one shape, axes that lie as one taken together.
struct Shaped {
    int rank = 0;
    int64_t dims[kMostAxes] = {}, steps[3][kMostAxes] = {};

    // Sets the result's dimensions; false where there is no such shape.
    bool fit(const Tensor *in, int n, Tensor &out) {
        for (int i = 0; i < n; ++i) out.rank = out.rank < in[i].rank ? in[i].rank : out.rank;
        for (int d = 0; d < out.rank; ++d) out.dims[d] = 1;
        for (int i = 0; i < n; ++i)
            for (int d = 0, to = out.rank - in[i].rank; d < in[i].rank; ++d, ++to) {
                if (in[i].dims[d] == 1) continue;
                if (out.dims[to] != 1 && out.dims[to] != in[i].dims[d]) return false;
                out.dims[to] = in[i].dims[d];
            }
        for (int d = 0; d < out.rank; ++d) {
            int64_t own[3] = {};
            for (int i = 0; i < n; ++i) {
                const int at = d - (out.rank - in[i].rank);
                if (at >= 0 && in[i].dims[at] != 1) own[i] = in[i].span(at + 1, in[i].rank);
            }
            bool together = rank > 0;
            for (int i = 0; together && i < n; ++i) together = steps[i][rank - 1] == own[i] * out.dims[d];
            if (!together) dims[rank++] = 1;
            dims[rank - 1] *= out.dims[d];
            for (int i = 0; i < n; ++i) steps[i][rank - 1] = own[i];
        }
        if (rank == 0) dims[rank++] = 1;
        return true;
    }

    // Calls f for stretches of the last axis.
    void each_stretch(const Call &c, PlainStretch f) const {
        const int last = rank - 1;
        const int64_t own[3] = {steps[0][last], steps[1][last], steps[2][last]}, stretch = dims[last] * size_of(c.out[0].element);
        Walk from[3] = {{dims, last, steps[0]}, {dims, last, steps[1]}, {dims, last, steps[2]}};
        for (std::byte *to = c.out[0].data, *end = to + c.out[0].size() * size_of(c.out[0].element); to < end; to += stretch) {
            const std::byte *in[3] = {};
            for (int i = 0; i < c.inputs; ++i) in[i] = c.in[i].data + from[i].offset() * size_of(c.in[i].element);
            f(in, own, to, dims[last]);
            for (Walk &each : from) each.next();
        }
    }
};

struct Plain : TensorState {
    enum Way {
        add, subtract, multiply, divide, maximum, minimum, equal, less, greater, less_equal, greater_equal, both, either, odd,
        negation, is_nan, negate, magnitude, root, cast, choose,
    } way;
    Element to;  // of a cast

    explicit Plain(const Params &p) : way(Way(p.integer("way"))), to(Element(p.integer("element"))) {
        require(way >= add && way <= choose && to <= Element::other, "plain: expected a way and an element");
        most = kMost;
    }
    static constexpr int64_t kMost = 1 << 12;  // elements: more take longer than NumPy's vectors, which look at arguments first
    int operands() const { return way == choose ? 3 : way < negation ? 2 : 1; }
    static bool number(Element e) { return e == Element::f32 || e == Element::f64 || e == Element::i64 || e == Element::i32; }
    static bool real(Element e) { return e == Element::f32 || e == Element::f64; }

    bool plan(Call &c, double &cost) const {
        const int n = operands();
        if (c.inputs != n || c.outputs != 1) return false;
        for (int i = 0; i < n; ++i)
            if (c.in[i].data == nullptr) return false;
        const Tensor &x = c.in[0];
        Tensor &y = c.out[0];
        Element element = x.element;
        bool fits = true;
        if (way == choose) {
            fits = x.element == Element::boolean && c.in[1].element == c.in[2].element;
            element = c.in[1].element;
        } else if (way >= both && way <= negation) {
            fits = x.element == Element::boolean && c.in[n - 1].element == Element::boolean;
        } else if (way == cast) {
            element = to;
            const auto plain = [](Element e) { return number(e) || e == Element::boolean; };
            fits = plain(x.element) && plain(to) && (!real(x.element) || real(to) || to == Element::boolean || whole(x));
        } else if (way == is_nan || way == root) {
            fits = real(x.element);
        } else {
            fits = number(x.element) && c.in[n - 1].element == x.element && (way != divide || real(x.element));
        }
        if ((way >= equal && way <= greater_equal) || way == is_nan) element = Element::boolean;
        y.shape(element, 0);
        Shaped b;
        if (!fits || !b.fit(c.in, n, y) || y.size() > kMost) return false;
        cost = 20 + double(y.size());
        return true;
    }

private:
    // Whether real numbers may be truncated to integers.
    bool whole(const Tensor &x) const {
        const double limit = to == Element::i64 ? 0x1p63 : 0x1p31;
        bool fits = true;
        by_number(x.element, [&]<class T>(T *) {
            for (int64_t i = 0, n = x.size(); i < n; ++i) fits &= x.as<T>()[i] > -T(limit) && x.as<T>()[i] < T(limit);
        });
        return fits;
    }
};

// Of f, which has no state: (T) or (T, T) -> R.
template <class T, class R, class F>
CELERIS_INLINE PlainStretch stretch_of(F) {
    return [](const std::byte *const *in, const int64_t *steps, std::byte *out, int64_t n) {
        const auto value = [in, steps](int operand, int64_t i) { return reinterpret_cast<const T *>(in[operand])[i * steps[operand]]; };
        for (int64_t i = 0; i < n; ++i) {
            if constexpr (std::is_invocable_v<F, T, T>)
                reinterpret_cast<R *>(out)[i] = R(F()(value(0, i), value(1, i)));
            else
                reinterpret_cast<R *>(out)[i] = R(F()(value(0, i)));
            asm volatile("");  // vectors of it would be much code
        }
    };
}

// Integers as they wrap.
template <class T>
struct Wrapping {
    using type = T;
};
template <>
struct Wrapping<int64_t> {
    using type = uint64_t;
};
template <>
struct Wrapping<int32_t> {
    using type = uint32_t;
};

template <class T>
inline PlainStretch number_stretch(Plain::Way way) {
    using W = typename Wrapping<T>::type;
    switch (way) {
        case Plain::add: return stretch_of<W, W>([](W x, W y) { return x + y; });
        case Plain::subtract: return stretch_of<W, W>([](W x, W y) { return x - y; });
        case Plain::multiply: return stretch_of<W, W>([](W x, W y) { return x * y; });
        case Plain::maximum: return stretch_of<T, T>([](T x, T y) { return x > y || x != x ? x : y; });
        case Plain::minimum: return stretch_of<T, T>([](T x, T y) { return x < y || x != x ? x : y; });
        case Plain::equal: return stretch_of<T, uint8_t>([](T x, T y) { return x == y; });
        case Plain::less: return stretch_of<T, uint8_t>([](T x, T y) { return x < y; });
        case Plain::greater: return stretch_of<T, uint8_t>([](T x, T y) { return x > y; });
        case Plain::less_equal: return stretch_of<T, uint8_t>([](T x, T y) { return x <= y; });
        case Plain::greater_equal: return stretch_of<T, uint8_t>([](T x, T y) { return x >= y; });
        case Plain::negate: return stretch_of<W, W>([](W x) { return -x; });
        case Plain::magnitude:
            if constexpr (std::is_same_v<T, W>)
                return stretch_of<T, T>([](T x) { return std::is_same_v<T, float> ? T(__builtin_fabsf(float(x))) : T(__builtin_fabs(double(x))); });
            else
                return stretch_of<T, W>([](T x) { return x < 0 ? -W(x) : W(x); });
        default: break;
    }
    if constexpr (std::is_same_v<T, W>) {
        switch (way) {
            case Plain::divide: return stretch_of<T, T>([](T x, T y) { return x / y; });
            case Plain::is_nan: return stretch_of<T, uint8_t>([](T x) { return x != x; });
            case Plain::root:
                return stretch_of<T, T>([](T x) { return std::is_same_v<T, float> ? T(__builtin_sqrtf(float(x))) : T(__builtin_sqrt(double(x))); });
            default: break;
        }
    }
    return nullptr;
}

inline void run(const Plain &k, const Call &c) {
    Tensor shaped;
    Shaped b;
    b.fit(c.in, k.operands(), shaped);
    if (c.out[0].size() == 0) return;
    PlainStretch stretch = nullptr;
    if (k.way == Plain::choose) {
        by_size(c.in[1].element, [&]<class T>(T *) {
            stretch = [](const std::byte *const *in, const int64_t *steps, std::byte *out, int64_t n) {
                for (int64_t i = 0; i < n; ++i) {
                    const int from = in[0][i * steps[0]] != std::byte{} ? 1 : 2;
                    reinterpret_cast<T *>(out)[i] = reinterpret_cast<const T *>(in[from])[i * steps[from]];
                }
            };
        });
    } else if (k.way == Plain::both) {
        stretch = stretch_of<uint8_t, uint8_t>([](uint8_t x, uint8_t y) { return x & y; });
    } else if (k.way == Plain::either) {
        stretch = stretch_of<uint8_t, uint8_t>([](uint8_t x, uint8_t y) { return x | y; });
    } else if (k.way == Plain::odd) {
        stretch = stretch_of<uint8_t, uint8_t>([](uint8_t x, uint8_t y) { return x ^ y; });
    } else if (k.way == Plain::negation) {
        stretch = stretch_of<uint8_t, uint8_t>([](uint8_t x) { return x == 0; });
    } else if (k.way == Plain::cast) {
        const auto from = [&]<class T>(T *) {
            if (k.to == Element::boolean)
                stretch = stretch_of<T, uint8_t>([](T x) { return x != 0; });
            else
                by_number(k.to, [&]<class R>(R *) { stretch = stretch_of<T, R>([](T x) { return R(x); }); });
        };
        if (c.in[0].element == Element::boolean)
            from(static_cast<uint8_t *>(nullptr));
        else
            by_number(c.in[0].element, from);
    } else {
        by_number(c.in[0].element, [&]<class T>(T *) { stretch = number_stretch<T>(k.way); });
    }
    b.each_stretch(c, stretch);
}

}  // namespace celeris::CELERIS_TARGET
