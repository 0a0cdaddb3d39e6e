// What all of the decoder share: a stretch of the buffer, and the one exception.
#pragma once

#include <cstdint>
#include <stdexcept>

namespace celeris::wire {

struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Slice {
    int64_t offset, length;
};

}  // namespace celeris::wire
