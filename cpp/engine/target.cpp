// The body of one kernel for one instruction set. CMakeLists.txt writes a file for each row of kernels.h and tensors.h
// that names the kernel, its state, its file and what it is called with (a Block or a Call), and includes this one; it
// is compiled once per instruction set (CELERIS_TARGET).
#include CELERIS_FILE

namespace celeris::CELERIS_TARGET {

#define CELERIS_JOIN(a, b) a##b
#define CELERIS_NAME(prefix, kernel) CELERIS_JOIN(prefix, kernel)
void CELERIS_NAME(CELERIS_PREFIX, CELERIS_KERNEL)(const void *state, const CELERIS_UNIT &b) {
    run(*static_cast<const CELERIS_STATE *>(state), b);
}

}  // namespace celeris::CELERIS_TARGET
