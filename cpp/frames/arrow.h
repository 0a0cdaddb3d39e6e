// Tables of any library that speaks Arrow's C stream interface (pyarrow, polars, pandas, DuckDB, ...), without copying.
#pragma once

#include "frames/column.h"

namespace celeris {

// https://arrow.apache.org/docs/format/CDataInterface.html and .../CStreamInterface.html: fixed layouts, to be copied.
struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    ArrowSchema **children, *dictionary;
    void (*release)(ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    ArrowArray **children, *dictionary;
    void (*release)(ArrowArray *);
    void *private_data;
};
struct ArrowArrayStream {
    int (*get_schema)(ArrowArrayStream *, ArrowSchema *);
    int (*get_next)(ArrowArrayStream *, ArrowArray *);
    const char *(*get_last_error)(ArrowArrayStream *);
    void (*release)(ArrowArrayStream *);
    void *private_data;
};

struct NamedColumn {
    std::string name;
    std::shared_ptr<Column> column;
};

// Reads the stream to its end and takes over what it gives. Throws std::runtime_error with the stream's own words.
std::vector<NamedColumn> read_arrow(ArrowArrayStream *stream);

}  // namespace celeris
