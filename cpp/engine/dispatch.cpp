// Chooses the instruction set, once, and joins each kernel's state with the body built for it.
#include <cstdlib>
#ifdef CELERIS_X86
#include <cpuid.h>
#endif

#include "arrays.h"
#include "engine/transpose.h"
#include "kernels.h"
#include "tensors.h"

namespace celeris {

#define CELERIS_DECLARE(name, State, file) void run_##name(const void *state, const Block &);
#define CELERIS_BODY(name, State, file) run_##name,
#define CELERIS_DECLARE_TENSOR(name, State, file) void tensor_##name(const void *state, const Call &);
#define CELERIS_TENSOR_BODY(name, State, file) tensor_##name,
#define CELERIS_BODIES(target)                          \
    namespace target {                                  \
    CELERIS_KERNELS(CELERIS_DECLARE)                    \
    CELERIS_TENSORS(CELERIS_DECLARE_TENSOR)             \
    const RunKernel bodies[] = {CELERIS_KERNELS(CELERIS_BODY)}; \
    const RunTensor tensors[] = {CELERIS_TENSORS(CELERIS_TENSOR_BODY)}; \
    decltype(celeris::transpose) transpose;             \
    }
CELERIS_BODIES(baseline)
#define CELERIS_DECLARE_ARRAY(name, State, file) void array_##name(const void *state, const Call &);
#define CELERIS_ARRAY_BODY(name, State, file) array_##name,
namespace baseline {
CELERIS_ARRAYS(CELERIS_DECLARE_ARRAY)
const RunTensor arrays[] = {CELERIS_ARRAYS(CELERIS_ARRAY_BODY)};
}  // namespace baseline
#ifdef CELERIS_X86
CELERIS_BODIES(avx2)
CELERIS_BODIES(avx512)
#endif

namespace {

struct Target {
    const char *name;
    bool supported;
    const RunKernel *bodies;
    const RunTensor *tensors;
    Transpose transpose;
};

// Best first.
std::vector<Target> targets() {
    std::vector<Target> all;
#ifdef CELERIS_X86
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
                    __builtin_cpu_supports("gfni");
    all.push_back({"avx512", v4, avx512::bodies, avx512::tensors, avx512::transpose});
    all.push_back({"avx2", v3, avx2::bodies, avx2::tensors, avx2::transpose});
#endif
    all.push_back({"baseline", true, baseline::bodies, baseline::tensors, baseline::transpose});
    return all;
}

Target choose() {
    const char *forced = std::getenv("CELERIS_ISA");
    std::string names;
    for (const Target &t : targets()) {
        if (forced && *forced ? std::string_view(forced) == t.name : t.supported) {
            if (t.supported) return t;
            throw std::runtime_error(std::string("CELERIS_ISA: this processor has no ") + forced +
                                     "; unset it, or name one of those that celeris.build_info() lists");
        }
        names += (names.empty() ? "" : ", ") + std::string(t.name);
    }
    throw std::runtime_error("CELERIS_ISA: expected one of " + names + ", got '" + forced + "'");
}

const Target &chosen() {
    static const Target target = choose();
    return target;
}

using MakeState = Kernel (*)(const Params &, RunKernel);

template <class State>
Kernel make(const Params &p, RunKernel run) {
    auto state = std::make_shared<const State>(p);
    return {state, run, state->cost, state->scratch_per_row, state->scratch_fixed, state->rows_wanted, state->rows_most,
            state->rows_apart, state->takes_rows, state->keeps_rows, ""};
}

struct Row {
    std::string_view name;
    MakeState make;
};
#define CELERIS_ROW(name, State, file) {#name, make<State>},
const Row table[] = {CELERIS_KERNELS(CELERIS_ROW)};
#undef CELERIS_ROW

using MakeTensor = TensorKernel (*)(const Params &, RunTensor);

template <class State>
TensorKernel make_tensor(const Params &p, RunTensor run) {
    auto state = std::make_shared<const State>(p);
    const PlanTensor plan = [](const void *of, Call &call, double &cost) {
        return static_cast<const State *>(of)->plan(call, cost);
    };
    return {state, plan, run, state->strided, state->most};
}

struct TensorRow {
    std::string_view name;
    MakeTensor make;
};
#define CELERIS_ROW(name, State, file) {#name, make_tensor<baseline::State>},
const TensorRow tensor_table[] = {CELERIS_TENSORS(CELERIS_ROW)}, array_table[] = {CELERIS_ARRAYS(CELERIS_ROW)};
#undef CELERIS_ROW

}  // namespace

bool fast_gathers() {
#ifdef CELERIS_X86
    if (std::string_view(instruction_set()) != "avx512") return false;
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 23 & 1) != 0) return true;  // AVX512-FP16
    if (!__builtin_cpu_is("intel") || __get_cpuid(1, &a, &b, &c, &d) == 0) return false;
    const unsigned family = a >> 8 & 15, model = (a >> 12 & 0xf0) | (a >> 4 & 15);
    return family == 6 && (model == 0x8f || model == 0xcf);  // Sapphire and Emerald Rapids, where a virtual machine hides it
#else
    return false;
#endif
}

bool faster_halves() {
#ifdef CELERIS_X86
    return std::string_view(instruction_set()) == "avx512" && __builtin_cpu_is("amd");
#else
    return false;
#endif
}

const char *instruction_set() { return chosen().name; }

std::vector<const char *> supported_instruction_sets() {
    std::vector<const char *> names;
    for (const Target &t : targets())
        if (t.supported) names.push_back(t.name);
    return names;
}

void transpose(size_t bytes, const std::byte *x, ptrdiff_t xs, int64_t rows, int64_t columns, std::byte *y, ptrdiff_t ys) {
    chosen().transpose(bytes, x, xs, rows, columns, y, ys);
}

Kernel make_kernel(std::string_view name, const Params &p) {
    for (size_t i = 0; i < std::size(table); ++i)
        if (table[i].name == name) {
            Kernel kernel = table[i].make(p, chosen().bodies[i]);
            kernel.name = name;
            return kernel;
        }
    throw std::invalid_argument("expected a kernel of kernels.h, got '" + std::string(name) + "'");
}

TensorKernel make_tensor_kernel(std::string_view name, const Params &p) {
    for (size_t i = 0; i < std::size(tensor_table); ++i)
        if (tensor_table[i].name == name) return tensor_table[i].make(p, chosen().tensors[i]);
    for (size_t i = 0; i < std::size(array_table); ++i)
        if (array_table[i].name == name) return array_table[i].make(p, baseline::arrays[i]);
    throw std::invalid_argument("expected a kernel of tensors.h or arrays.h, got '" + std::string(name) + "'");
}

}  // namespace celeris
