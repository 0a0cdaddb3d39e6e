// Compiled once per instruction set (CELERIS_TARGET names it): the bodies of all kernels, in the order of the table.
#include "kernels.h"

namespace celeris::CELERIS_TARGET {

#define CELERIS_ROW(name, State) \
    [](const void *state, const Block &b) { run(*static_cast<const State *>(state), b); },
extern const RunKernel bodies[] = {CELERIS_KERNELS(CELERIS_ROW)};
#undef CELERIS_ROW

}  // namespace celeris::CELERIS_TARGET
