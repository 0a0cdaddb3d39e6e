// What element-wise kernels read: registers or constants, their columns broadcast to the output's.
#pragma once

#include "kernels/stretch.h"

namespace celeris {

// A constant array in the type of the register that it meets.
struct Constants {
    Type type = Type::f32;
    std::vector<float> f32;
    std::vector<double> f64;
    std::vector<int64_t> i64;
    std::vector<int32_t> i32;
    std::vector<uint8_t> u8;
    std::vector<std::string> texts;
    std::vector<Str> views;

    Constants() = default;
    Constants(const Constants &) = delete;  // views point into texts
    Constants &operator=(const Constants &) = delete;

    void read(const Params &p, const char *name, Type of) {
        type = of;
        switch (of) {
            case Type::f32: f32 = p.floats(name); break;
            case Type::f64: f64 = p.doubles(name); break;
            case Type::i64: i64 = p.integers(name); break;
            case Type::i32: i32 = p.integers32(name); break;
            case Type::u8: u8 = p.bytes(name); break;
            case Type::str:
                texts = p.strings(name);
                for (const std::string &s : texts) views.push_back({s.data(), int64_t(s.size())});
                break;
        }
    }
    size_t size() const {
        switch (type) {
            case Type::f32: return f32.size();
            case Type::f64: return f64.size();
            case Type::i64: return i64.size();
            case Type::i32: return i32.size();
            case Type::u8: return u8.size();
            case Type::str: return views.size();
        }
        return 0;
    }
    bool alike() const {
        return celeris::alike(f32) && celeris::alike(f64) && celeris::alike(i64) && celeris::alike(i32) && celeris::alike(u8) &&
               celeris::alike(texts);
    }
    void repeat() {
        celeris::repeat(f32), celeris::repeat(f64), celeris::repeat(i64), celeris::repeat(i32), celeris::repeat(u8);
        celeris::repeat(views);
    }
    const void *data() const {
        switch (type) {
            case Type::f32: return f32.data();
            case Type::f64: return f64.data();
            case Type::i64: return i64.data();
            case Type::i32: return i32.data();
            case Type::u8: return u8.data();
            case Type::str: return views.data();
        }
        return nullptr;
    }
};

// One operand of an element-wise kernel with `width` output columns. Parameter `<name>_columns` int64 [width] says which
// of the next register's columns each output column reads; `<name>_values` [width] holds constants instead.
struct Operand {
    int input = -1;  // the register; -1: constants
    Type type;
    std::vector<int64_t> columns;
    bool straight = false, single = false;  // output column c reads column c; all read the same one
    Constants values;

    bool same = false;  // constants: one for all columns

    // Whether it can be read along rows, as the output's lie.
    bool keeps_rows() const { return input < 0 || straight || (single && int64_t(columns.size()) >= kWide / 2); }
    // An input as wide as the output.
    int like() const { return single ? -1 : input; }
    // How many rows may go to a stretch: as many as constants are repeated for, one where it is of one column.
    int64_t together(int64_t width) const {
        if (input < 0) return same ? kAllRows : repeated(width);
        return straight ? kAllRows : single ? 1 : 0;
    }

    // `next` counts the registers taken. Constants take the type `of`.
    void read(const Params &p, const std::string &name, int64_t width, Type of, int &next) {
        const std::string at = name + "_columns", constant = name + "_values";
        type = of;
        if (!p.has(at.c_str())) {
            values.read(p, constant.c_str(), of);
            require(int64_t(values.size()) == width, "operand: expected a constant for each column");
            same = values.alike();
            if (!same) values.repeat();
            return;
        }
        require(size_t(next) < p.in.size(), "operand: expected a register");
        input = next++;
        const Register &reg = p.in[size_t(input)];
        require(reg.type == of, "operand: expected registers of one type");
        columns = p.integers(at.c_str());
        require(int64_t(columns.size()) == width, "operand: expected a column for each output column");
        straight = single = true;
        for (size_t i = 0; i < columns.size(); ++i) {
            require(columns[i] >= 0 && columns[i] < reg.width, "operand: column out of range");
            straight = straight && columns[i] == int64_t(i);
            single = single && columns[i] == columns[0];
        }
    }
};

namespace CELERIS_TARGET {

// The operand's elements that a stretch of the output's meets.
template <class T>
inline Lane<T> lane_of(const Operand &o, const Block &b, const Stretch &s) {
    if (o.input < 0) return constants_of(static_cast<const T *>(o.values.data()), o.same, s);
    const View &in = b.in[o.input];
    if (!s.along_rows) return {in.column<T>(o.columns.data()[s.at]), 1};
    return {in.column<T>(o.columns.data()[0]) + s.at * in.row, !o.single};
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
