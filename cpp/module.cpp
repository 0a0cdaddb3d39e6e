// The extension module celeris._core.
#define CELERIS_IMPORT_NUMPY
#include "numpy_api.h"

#include "bind.h"
#include "engine/kernel.h"

namespace {
int import_numpy() {
    import_array1(-1);
    return 0;
}
}  // namespace

NB_MODULE(_core, m) {
    nanobind::set_leak_warnings(false);  // sessions may live to the very end; nobody wants to read of it
    m.doc() = "The native core of Celeris.";
    if (import_numpy() != 0) throw nanobind::python_error();
    celeris::instruction_set();  // an unusable CELERIS_ISA is refused at import
    celeris::init_records(m);
    celeris::init_engine(m);
    celeris::init_frames(m);
    celeris::init_session(m);
    celeris::init_reader(m);
}
