// The parts of the module celeris._core, bound in this order by module.cpp.
#pragma once

#include <nanobind/nanobind.h>

namespace celeris {

class Program;

void init_records(nanobind::module_ &m);
void init_reader(nanobind::module_ &m);
void init_engine(nanobind::module_ &m);
void init_frames(nanobind::module_ &m);
void init_session(nanobind::module_ &m);

// The program behind a Python object of class Program, or null.
const Program *program_of(PyObject *object);

}  // namespace celeris
