// Binds the engine: Program, built from the planner's description, and the numbers that describe this build.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "bind.h"
#include "engine/program.h"
#include "engine/threads.h"

namespace nb = nanobind;

namespace celeris {
namespace {

Type type_from(const std::string &name) {
    if (name == "float") return Type::f32;
    if (name == "double") return Type::f64;
    if (name == "int64") return Type::i64;
    if (name == "int32") return Type::i32;
    if (name == "bool") return Type::u8;
    if (name == "string") return Type::str;
    throw std::invalid_argument("pipeline: expected a register of float, double, int64, int32, bool or string, got " + name);
}

// Parameters of a kernel in a Python dict of int, float, str, list of str, and NumPy arrays.
class DictParams : public Params {
public:
    DictParams(std::string kernel, nb::dict values) : kernel_(std::move(kernel)), values_(std::move(values)) {}

    bool has(const char *name) const override { return values_.contains(name) && !values_[name].is_none(); }
    int64_t integer(const char *name) const override { return cast<int64_t>(name, "an int"); }
    double number(const char *name) const override { return cast<double>(name, "a float"); }
    std::string text(const char *name) const override { return cast<std::string>(name, "a str"); }
    std::vector<std::string> strings(const char *name) const override {
        return cast<std::vector<std::string>>(name, "a list of str");
    }
    std::vector<float> floats(const char *name) const override { return copied<float>(name, NPY_FLOAT32, "float32"); }
    std::vector<int64_t> integers(const char *name) const override { return copied<int64_t>(name, NPY_INT64, "int64"); }
    std::vector<int32_t> integers32(const char *name) const override {
        return copied<int32_t>(name, NPY_INT32, "int32");
    }
    std::vector<uint8_t> bytes(const char *name) const override { return copied<uint8_t>(name, NPY_UINT8, "uint8"); }
    std::vector<double> doubles(const char *name) const override {
        nb::object value = get(name);
        if (PyArray_Check(value.ptr()) && PyArray_TYPE(reinterpret_cast<PyArrayObject *>(value.ptr())) == NPY_FLOAT32) {
            const std::vector<float> narrow = floats(name);
            return {narrow.begin(), narrow.end()};
        }
        return copied<double>(name, NPY_FLOAT64, "float32 or float64");
    }
    Array array(const char *name) const override {
        static constexpr std::pair<int, Type> types[] = {{NPY_FLOAT32, Type::f32}, {NPY_FLOAT64, Type::f64},
                                                         {NPY_INT64, Type::i64},   {NPY_INT32, Type::i32},
                                                         {NPY_UINT8, Type::u8},    {NPY_BOOL, Type::u8}};
        nb::object value = get(name);
        PyArrayObject *a = reinterpret_cast<PyArrayObject *>(value.ptr());
        if (PyArray_Check(value.ptr()) && PyArray_IS_C_CONTIGUOUS(a) && PyArray_ISALIGNED(a))
            for (const auto &[number, type] : types)
                if (PyArray_TYPE(a) == number)
                    return {type, static_cast<const std::byte *>(PyArray_DATA(a)), size_t(PyArray_SIZE(a))};
        throw std::invalid_argument(kernel_ + ": expected parameter '" + name + "' to be a contiguous array of numbers");
    }

private:
    nb::object get(const char *name) const {
        if (!values_.contains(name)) throw std::invalid_argument(kernel_ + ": expected a parameter '" + name + "'");
        return values_[name];
    }
    template <class T>
    T cast(const char *name, const char *what) const {
        T value;
        if (!nb::try_cast<T>(get(name), value))
            throw std::invalid_argument(kernel_ + ": expected parameter '" + name + "' to be " + what);
        return value;
    }
    template <class T>
    std::vector<T> copied(const char *name, int type_num, const char *what) const {
        nb::object value = get(name);
        PyArrayObject *a = reinterpret_cast<PyArrayObject *>(value.ptr());
        if (!PyArray_Check(value.ptr()) || PyArray_TYPE(a) != type_num || !PyArray_IS_C_CONTIGUOUS(a) ||
            !PyArray_ISALIGNED(a))
            throw std::invalid_argument(kernel_ + ": expected parameter '" + name + "' to be a contiguous array of " + what);
        const T *data = static_cast<const T *>(PyArray_DATA(a));
        return {data, data + PyArray_SIZE(a)};
    }
    std::string kernel_;
    nb::dict values_;
};

using RegisterSpec = std::pair<std::string, int64_t>;
using KernelSpec = std::tuple<std::string, nb::dict, std::vector<int>, std::vector<int>>;
using PortSpec = std::tuple<int, int, std::vector<int64_t>, int>;

std::shared_ptr<const Pipeline> make_pipeline(const std::vector<RegisterSpec> &registers, std::vector<int> sources,
                                              const std::vector<KernelSpec> &kernels, std::vector<int> sinks,
                                              int threads) {
    std::vector<Register> wires;
    for (const auto &[type, width] : registers) wires.push_back({type_from(type), width});
    std::vector<celeris::Step> steps;
    for (const auto &[name, values, in, out] : kernels) {
        DictParams params(name, values);
        params.threads = threads;
        for (int r : in) params.in.push_back(wires.at(size_t(r)));
        for (int r : out) params.out.push_back(wires.at(size_t(r)));
        steps.push_back({make_kernel(name, params), in, out});
    }
    return std::make_shared<const Pipeline>(std::move(wires), std::move(sources), std::move(steps), std::move(sinks));
}

// Builds a Program step by step, as the planner calls.
class Builder {
public:
    Builder(int slots, std::vector<int> inputs, std::vector<int> outputs, int threads)
        : slots_(slots), threads_(threads) {
        for (int i : inputs) slot(i);
        for (int i : outputs) slot(i);
        program = std::make_unique<Program>(slots, std::move(inputs), std::move(outputs));
    }
    void constant(int at, nb::handle value) { program->set_constant(slot(at), value.ptr()); }
    void call(nb::object function, std::vector<int> in, std::vector<int> out, std::vector<int> release, nb::object label) {
        for (int i : in) slot_or_none(i);
        for (int i : out) slot_or_none(i);
        Program::Step step{};
        step.kind = Program::Step::call;
        step.function = {function.release().ptr(), std::move(in), std::move(out)};
        add(std::move(step), std::move(release), std::move(label));
    }
    void tensor(const std::string &kernel, nb::dict params, nb::object fallback, std::vector<int> in, std::vector<int> out,
                std::vector<int> release, nb::object label) {
        for (int i : in) slot_or_none(i);
        for (int i : out) slot_or_none(i);
        Program::Step step{};
        step.kind = Program::Step::tensor;
        step.whole.kernel = make_tensor_kernel(kernel, DictParams(kernel, std::move(params)));
        step.whole.call = {fallback.release().ptr(), std::move(in), std::move(out)};
        add(std::move(step), std::move(release), std::move(label));
    }
    void zipmap(int in, int out, nb::list keys, std::vector<int64_t> columns, nb::object fallback,
                std::vector<int> release, nb::object label) {
        if (columns.size() != keys.size()) throw std::invalid_argument("zipmap: expected a column for each key");
        for (int64_t c : columns)
            if (c < 0 || size_t(c) >= keys.size()) throw std::invalid_argument("zipmap: column out of range");
        Program::Step step{};
        step.kind = Program::Step::zipmap;
        std::vector<PyObject *> each;
        for (nb::handle key : keys) each.push_back(key.ptr());
        step.zip = {slot(in), slot(out), std::make_shared<RowDicts>(std::move(each), std::move(columns)), fallback.release().ptr()};
        add(std::move(step), std::move(release), std::move(label));
    }
    void pipeline(const std::vector<RegisterSpec> &registers, std::vector<int> sources,
                  const std::vector<KernelSpec> &kernels, std::vector<int> sinks, const std::vector<PortSpec> &in,
                  const std::vector<PortSpec> &out, nb::object fallback, std::vector<int> release, nb::object label) {
        if (sources.size() != in.size() || sinks.size() != out.size())
            throw std::invalid_argument("pipeline: expected a port for each source and sink");
        Program::Step step{};
        step.kind = Program::Step::pipeline;
        step.run.in = ports(in, registers, sources, true);
        step.run.out = ports(out, registers, sinks, false);
        step.run.pipeline = make_pipeline(registers, std::move(sources), kernels, std::move(sinks), threads_);
        step.run.fallback = fallback.release().ptr();
        add(std::move(step), std::move(release), std::move(label));
    }
    std::unique_ptr<Program> program;

private:
    int slot(int i) const {
        if (i < 0 || i >= slots_) throw std::invalid_argument("program: slot out of range");
        return i;
    }
    void slot_or_none(int i) const {
        if (i != -1) slot(i);
    }
    std::vector<Port> ports(const std::vector<PortSpec> &specs, const std::vector<RegisterSpec> &registers,
                            const std::vector<int> &wires, bool given) const {
        std::vector<Port> result;
        for (size_t i = 0; i < specs.size(); ++i) {
            const auto &[at, type_num, tail, axis] = specs[i];
            const RegisterSpec &reg = registers.at(size_t(wires[i]));
            int64_t width = 1;
            for (int64_t d : tail) width *= d;
            const Type type = type_from(reg.first);
            PyArray_Descr *descr = PyArray_DescrFromType(type_num);
            const bool fits = descr != nullptr && (type == Type::str ? type_num == NPY_OBJECT
                                                                     : size_t(PyDataType_ELSIZE(descr)) == size_of(type));
            Py_XDECREF(descr);
            bool stands = axis >= 0 && size_t(axis) <= tail.size();
            for (int d = 0; given && stands && d < axis; ++d) stands = tail[size_t(d)] == 1;
            if (!fits || !stands || width != reg.second || tail.size() + 1 > NPY_MAXDIMS)
                throw std::invalid_argument("pipeline: a port does not fit its register");
            result.push_back({slot(at), type_num, {tail.begin(), tail.end()}, axis});
        }
        return result;
    }
    void add(Program::Step step, std::vector<int> release, nb::object label) {
        for (int i : release) slot(i);
        step.release = std::move(release);
        step.label = label.release().ptr();
        program->add(std::move(step));
    }
    int slots_, threads_;
};

nb::list run_program(const Builder &b, nb::list feeds, std::optional<std::vector<int>> wanted, int threads,
                       nb::object trace) {
    if (feeds.size() != b.program->inputs()) throw std::invalid_argument("program: expected a feed for each input");
    std::vector<PyObject *> values;
    for (nb::handle f : feeds) values.push_back(f.is_none() ? nullptr : f.ptr());
    if (wanted)
        for (int i : *wanted)
            if (i < 0 || size_t(i) >= b.program->outputs()) throw std::invalid_argument("program: output out of range");
    PyObject *result = b.program->run(values.data(), wanted ? wanted->data() : nullptr, wanted ? wanted->size() : 0,
                                      threads, trace.is_none() ? nullptr : trace.ptr());
    if (result == nullptr) throw nb::python_error();
    return nb::steal<nb::list>(result);
}

nb::dict build_info() {
    nb::dict info;
    info["instruction_set"] = instruction_set();
    nb::list names;
    for (const char *name : supported_instruction_sets()) names.append(name);
    info["supported"] = names;
    info["processors"] = available_processors();
    info["compiler"] = __VERSION__;
#ifdef __SANITIZE_ADDRESS__
    info["sanitizer"] = "address";
#else
    info["sanitizer"] = nb::none();
#endif
    return info;
}

}  // namespace

const Program *program_of(PyObject *object) {
    Builder *b = nullptr;
    return nb::try_cast<Builder *>(nb::handle(object), b) && b != nullptr ? b->program.get() : nullptr;
}

void init_engine(nb::module_ &m) {
    m.def("build_info", build_info,
          "What this build runs on: `instruction_set` in force, those `supported` by the processor, `processors` that\n"
          "this process may use, the `compiler`, and the `sanitizer` built in, or None.");
    m.def("available_processors", available_processors,
          "Processors this process may use: the smaller of its affinity mask and its cgroup CPU quota.");
    nb::class_<Builder>(m, "Program", "A plan the engine runs: slots for values, steps that fill them.")
        .def(nb::init<int, std::vector<int>, std::vector<int>, int>(), nb::arg("slots"), nb::arg("inputs"),
             nb::arg("outputs"), nb::arg("threads") = 1, "`threads`: that make its kernels.")
        .def("constant", &Builder::constant, nb::arg("slot"), nb::arg("value"))
        .def("call", &Builder::call, nb::arg("function"), nb::arg("inputs"), nb::arg("outputs"), nb::arg("release"),
             nb::arg("label"), "Adds function(*values) -> tuple.")
        .def("tensor", &Builder::tensor, nb::arg("kernel"), nb::arg("params"), nb::arg("fallback"), nb::arg("inputs"),
             nb::arg("outputs"), nb::arg("release"), nb::arg("label"),
             "Adds a kernel of tensors.h; fallback(*values) -> tuple answers for inputs that it does not take.")
        .def("zipmap", &Builder::zipmap, nb::arg("input"), nb::arg("output"), nb::arg("keys"), nb::arg("columns"), nb::arg("fallback"),
             nb::arg("release"), nb::arg("label"), "Adds [N, C] float32 -> list of dicts.")
        .def("pipeline", &Builder::pipeline, nb::arg("registers"), nb::arg("sources"), nb::arg("kernels"),
             nb::arg("sinks"), nb::arg("inputs"), nb::arg("outputs"), nb::arg("fallback"), nb::arg("release"),
             nb::arg("label"), "Adds a row pipeline.")
        .def("widths", [](Builder &b, nb::object maker) { b.program->set_maker(maker.release().ptr(), program_of); },
             nb::arg("maker"), "maker(*shapes) -> a Program for inputs of these shapes, or None.")
        .def("finish", [](Builder &b) { b.program->finish(); })
        .def("run", run_program, nb::arg("feeds"), nb::arg("wanted").none(), nb::arg("threads"),
             nb::arg("trace").none() = nb::none(), "Runs all steps; the wanted outputs by index, all where None.");
}

}  // namespace celeris
