// The body of one kernel for one instruction set. CMakeLists.txt writes a file for each row of kernels.h that names the
// kernel, its state and its file, and includes this one; it is compiled once per instruction set (CELERIS_TARGET).
#include CELERIS_FILE

namespace celeris::CELERIS_TARGET {

#define CELERIS_JOIN(a, b) a##b
#define CELERIS_NAME(kernel) CELERIS_JOIN(run_, kernel)
void CELERIS_NAME(CELERIS_KERNEL)(const void *state, const Block &b) {
    run(*static_cast<const CELERIS_STATE *>(state), b);
}

}  // namespace celeris::CELERIS_TARGET
