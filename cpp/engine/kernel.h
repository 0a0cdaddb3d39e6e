// What a kernel is to the engine: typed columns in, typed columns out, one block of rows at a time.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace celeris {

// Element types that flow through pipelines.
enum class Type : uint8_t { f32, f64, i64, i32, u8, str };  // u8: bool

// A string that somebody else keeps alive.
struct Str {
    const char *data;
    int64_t size;
    friend bool operator==(const Str &a, const Str &b) {
        return a.size == b.size && std::char_traits<char>::compare(a.data, b.data, size_t(a.size)) == 0;
    }
};

inline size_t size_of(Type t) {
    switch (t) {
        case Type::f32:
        case Type::i32: return 4;
        case Type::f64:
        case Type::i64: return 8;
        case Type::u8: return 1;
        case Type::str: return sizeof(Str);
    }
    return 0;
}

template <class T>
struct type_of;
template <>
struct type_of<float> {
    static constexpr Type value = Type::f32;
};
template <>
struct type_of<double> {
    static constexpr Type value = Type::f64;
};
template <>
struct type_of<int64_t> {
    static constexpr Type value = Type::i64;
};
template <>
struct type_of<int32_t> {
    static constexpr Type value = Type::i32;
};
template <>
struct type_of<uint8_t> {
    static constexpr Type value = Type::u8;
};
template <>
struct type_of<Str> {
    static constexpr Type value = Type::str;
};

// `width` columns of one type. Element (column c, row r) of a block stands at data[c * stride + r * row]. Kernels see
// columns (row is 1) unless their state says that they read rows.
struct Register {
    Type type;
    int64_t width;
};

struct View {
    std::byte *data;
    ptrdiff_t stride;  // elements from one column to the next; at least the block's rows, if these are columns
    ptrdiff_t row = 1;  // elements from one row to the next; if not 1, these are rows, whose elements lie side by side

    template <class T>
    T *column(int64_t c) const {
        return reinterpret_cast<T *>(data) + c * stride;
    }
    template <class T>
    T *row_at(int64_t r) const {
        return reinterpret_cast<T *>(data) + r * row;
    }
    bool by_rows() const { return row != 1; }
};

// One call of a kernel: its inputs' and outputs' columns for `rows` rows. Inputs and outputs never overlap.
// `scratch` holds what the kernel asked for, 64-byte aligned, contents undefined. A kernel that meets a value it has no
// answer for sets *refused: the call is then left to the reference tier, which answers, or says what is wrong.
struct Block {
    const View *in;
    const View *out;
    int64_t rows;
    std::byte *scratch;
    bool *refused;
};

// What the planner hands a kernel's constructor: parameters by name, and the registers it is wired to. A parameter
// that is missing or of another type throws std::invalid_argument, which names it.
class Params {
public:
    virtual ~Params() = default;
    virtual int64_t integer(const char *name) const = 0;
    virtual double number(const char *name) const = 0;
    virtual std::string text(const char *name) const = 0;
    virtual bool has(const char *name) const = 0;  // present and not None
    virtual std::vector<float> floats(const char *name) const = 0;
    virtual std::vector<double> doubles(const char *name) const = 0;  // from float32 or float64
    virtual std::vector<int64_t> integers(const char *name) const = 0;
    virtual std::vector<int32_t> integers32(const char *name) const = 0;
    virtual std::vector<uint8_t> bytes(const char *name) const = 0;
    virtual std::vector<std::string> strings(const char *name) const = 0;

    // An array where the planner holds it, without a copy: valid while the kernel is made.
    struct Array {
        Type type;
        const std::byte *data;
        size_t size;  // elements
    };
    virtual Array array(const char *name) const = 0;
    template <class T>
    std::span<const T> view(const char *name) const {
        const Array found = array(name);
        if (found.type != type_of<T>::value)
            throw std::invalid_argument(std::string("kernel: expected another element type in '") + name + "'");
        return {reinterpret_cast<const T *>(found.data), found.size};
    }

    std::vector<Register> in, out;
    int threads = 1;  // that may make the kernel

    // Throws unless the kernel is wired to so many registers.
    void arity(size_t inputs, size_t outputs) const {
        if (in.size() != inputs || out.size() != outputs)
            throw std::invalid_argument("kernel: expected " + std::to_string(inputs) + " inputs and " +
                                        std::to_string(outputs) + " outputs, got " + std::to_string(in.size()) +
                                        " and " + std::to_string(out.size()));
    }
};

// Throws std::invalid_argument(what) unless `ok`: a parameter that the planner should not have let through.
inline void require(bool ok, const char *what) {
    if (!ok) throw std::invalid_argument(what);
}

// Whether all of them are the first: zeros of one sign, and no NaN.
template <class T>
bool alike(const std::vector<T> &values) {
    for (const T &value : values) {
        if (!(value == values.front())) return false;
        if constexpr (std::is_floating_point_v<T>)
            if (std::signbit(value) != std::signbit(values.front())) return false;
    }
    return true;
}

// What every kernel's state says of itself. Immutable once made; `run` may be called by many threads.
struct KernelState {
    double cost = 10;              // about how many nanoseconds one row takes: decides when threads are worth it
    size_t scratch_per_row = 0;    // bytes of scratch for each row of a block
    size_t scratch_fixed = 0;      // and once a block
    int64_t rows_wanted = 64;      // in a block of wide rows too, for what it does once a block
    int64_t rows_most = 8192;      // that a block may have: its scratch has no room for more
    int64_t rows_apart = 1;        // fewer a thread are not worth several
    bool takes_rows = false;       // whether each of its inputs may be rows as the caller holds them (see View)
    bool keeps_rows = false;       // whether its outputs may be rows, if all its inputs are (or, with takes_rows, whatever they are)
};

using RunKernel = void (*)(const void *state, const Block &);

struct Kernel {
    std::shared_ptr<const void> state;
    RunKernel run;
    double cost;
    size_t scratch_per_row, scratch_fixed;
    int64_t rows_wanted, rows_most, rows_apart;
    bool takes_rows, keeps_rows;
    std::string name;
};

// Makes the kernel called `name` for the instruction set in force.
Kernel make_kernel(std::string_view name, const Params &);

// The instruction set whose bodies run ("baseline", "avx2", "avx512"), chosen once from CELERIS_ISA or the processor.
const char *instruction_set();
std::vector<const char *> supported_instruction_sets();

// Whether AVX-512 is in force and its gathers are faster than loads one by one. Of Intel's processors those from Sapphire Rapids
// on are such; those before pay for the mitigation of Downfall, and AMD's take several cycles a lane.
bool fast_gathers();

// Whether AVX-512 is in force and two vectors of 32 bytes are converted to double and multiplied faster than one of 64.
// Zen 4 takes 1.1 cycles for 8 products so, and 2.0 by whole vectors (measured); Intel's convert whole ones at once.
bool faster_halves();

}  // namespace celeris
