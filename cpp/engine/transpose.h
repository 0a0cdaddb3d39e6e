// Rows to columns and back: how values come into a pipeline's blocks and leave them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace celeris {

// y[c * ys + r] = x[r * xs + c], for elements of so many bytes.
void transpose(size_t bytes, const std::byte *x, ptrdiff_t xs, int64_t rows, int64_t columns, std::byte *y, ptrdiff_t ys);

using Transpose = decltype(transpose) *;

}  // namespace celeris
