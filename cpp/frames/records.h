// Dicts, one for a row, as the arrays that a model's inputs take.
#pragma once

#include "engine/kernel.h"
#include "numpy_api.h"

namespace celeris {

class Records {
public:
    struct Input {
        Type type;
        bool matrix;                    // [N, columns]; otherwise [N]
        bool refuse_nan;
        std::vector<PyObject *> names;  // of its columns; kept
    };
    enum class Problem { none, not_a_dict, absent, extra, missing, wrong };
    struct Fault {
        Problem problem = Problem::none;
        int64_t row = 0;
        PyObject *name = nullptr;  // borrowed from this
    };

    // `refuse_extra`: keys beyond the columns are a fault. `missing_text`: a str, or null: a missing text is a fault.
    Records(std::vector<Input> inputs, bool refuse_extra, PyObject *missing_text);
    ~Records();
    Records(const Records &) = delete;
    Records &operator=(const Records &) = delete;

    // One new array an input into `arrays`, from n dicts. False with a fault in `fault`, or with a Python error set.
    bool read(PyObject *const *rows, int64_t n, PyObject **arrays, Fault &fault) const;

    size_t inputs() const { return inputs_.size(); }

private:
    Problem put(const Input &input, PyObject *value, std::byte *at) const;

    std::vector<Input> inputs_;
    size_t columns_ = 0;
    bool refuse_extra_;
    PyObject *missing_text_;
};

}  // namespace celeris
