// A whole plan: slots that hold Python values, and steps that fill them. The only part of the engine that knows Python.
#pragma once

#include <map>

#include "engine/pipeline.h"
#include "engine/row_dicts.h"
#include "engine/spares.h"
#include "numpy_api.h"
#include "tensor/tensor.h"

namespace celeris {

// A value as a pipeline takes it: rows of a tensor [N, ...], or of [1, .., 1, N, ...]; or as it gives it: of [..., N, ...].
struct Port {
    int slot;
    int type_num;               // NumPy's
    std::vector<npy_intp> tail;  // the dimensions besides that of the rows
    int axis;                   // where the rows stand

    // All dimensions, for so many rows.
    std::vector<npy_intp> dims(npy_intp rows) const {
        std::vector<npy_intp> all(tail);
        all.insert(all.begin() + axis, rows);
        return all;
    }
};

constexpr double kWorthReleasing = 20e3;  // ns of work below which giving the GIL away costs more than it brings

class Program {
public:
    struct PipelineStep {
        std::shared_ptr<const Pipeline> pipeline;
        std::vector<Port> in, out;
        PyObject *fallback;  // (values) -> tuple of all outputs: for inputs whose shapes the pipeline was not made for
        std::vector<std::string> names;  // of the nodes, one per kernel
    };
    struct CallStep {
        PyObject *function;  // (*values) -> tuple of values
        std::vector<int> in, out;
    };
    struct TensorStep {
        TensorKernel kernel;
        CallStep call;  // the same by the reference tier, for inputs that are none of the kernel's
    };
    struct ZipMapStep {
        int in, out;
        std::shared_ptr<RowDicts> dicts;
        PyObject *fallback;  // (scores) -> (list,): says what is wrong with scores of another shape
    };
    struct Step {
        enum Kind { pipeline, call, tensor, zipmap } kind;
        PipelineStep run;
        CallStep function;
        TensorStep whole;
        ZipMapStep zip;
        std::vector<int> release;  // slots that no later step reads
        PyObject *label;           // what traces are told of it: the plan's step
    };

    Program(int slots, std::vector<int> inputs, std::vector<int> outputs);
    ~Program();
    Program(const Program &) = delete;
    Program &operator=(const Program &) = delete;

    void set_constant(int slot, PyObject *value);  // keeps a reference
    void add(Step step);                           // takes over its references
    void finish();                                 // after the last step: finds out what each wanted output needs
    // For inputs whose sizes are not known before they come: maker(*shapes) -> what holds a Program for them, or None.
    // Takes over the reference.
    void set_maker(PyObject *maker, const Program *(*held)(PyObject *)) { maker_ = maker, held_ = held; }

    // Runs with feeds[i] for input i (borrowed; null: absent). Returns a new list of the wanted outputs (indices), or
    // null with a Python error set. `trace` is null or a callable (label, start_ns, duration_ns, spent, inputs,
    // outputs): `spent` has each kernel's time, the others the values of the step's slots, None where there is none.
    PyObject *run(PyObject *const *feeds, const int *wanted, size_t n_wanted, int threads, PyObject *trace) const;

    size_t inputs() const { return inputs_.size(); }
    size_t outputs() const { return outputs_.size(); }

private:
    using Need = std::vector<bool>;  // by slot
    using Shape = std::vector<npy_intp>;  // of an array, but for its rows, which may be any number: -1; empty: no array
    struct Special {
        std::vector<Shape> shapes;  // by input
        PyObject *owner;            // keeps `program`; None
        const Program *program;     // null: this one does it
    };

    bool special_for(PyObject *const *feeds, const Program *&found) const;  // widths.cpp

    Need needed(const int *wanted, size_t n) const;
    const Need &need_of(const int *wanted, size_t n, Need &own) const;
    bool run_pipeline(const PipelineStep &s, PyObject **slots, const std::vector<bool> &needed, int threads,
                      int64_t *times) const;
    bool run_call(const CallStep &s, PyObject **slots) const;
    bool run_tensor(const TensorStep &s, PyObject **slots, int threads) const;  // tensor_step.cpp
    bool run_zipmap(const ZipMapStep &s, PyObject **slots) const;
    bool fall_back(const PipelineStep &s, PyObject **slots) const;

    size_t slots_;
    std::vector<int> inputs_, outputs_;
    std::vector<PyObject *> constants_;  // by slot; null: none
    std::vector<Step> steps_;
    Need all_needed_;                    // when all outputs are wanted
    std::vector<int> all_wanted_;
    // Kept between runs, under the GIL.
    mutable std::map<uint64_t, Need> needs_;  // by the bits of the wanted outputs; it only grows
    mutable Spares spares_;                   // by slot
    PyObject *maker_ = nullptr;
    const Program *(*held_)(PyObject *) = nullptr;
    mutable std::vector<Special> specials_;  // it only grows
};

}  // namespace celeris
