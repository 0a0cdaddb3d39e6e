// The process-wide thread pool: started when first needed, asleep when idle, made anew after fork.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <vector>

namespace celeris {

// Processors this process may use: the smaller of the affinity mask and the cgroup CPU quota (v1 and v2), at least 1.
int available_processors();

// Calls body(i) for each i in [0, count) on at most `threads` threads, the caller among them; returns when all are
// done. While the pool serves another caller, everything runs on the calling thread. `body` must not throw.
void parallel_for(int64_t count, int threads, const std::function<void(int64_t)> &body);

// As parallel_for, of a body that may throw: of what was thrown, the exception of the smallest i is thrown again.
template <class Body>
void parallel_try(int64_t count, int threads, Body &&body) {
    std::vector<std::exception_ptr> faults(static_cast<size_t>(count));
    parallel_for(count, threads, [&](int64_t i) {
        try {
            body(i);
        } catch (...) {
            faults[static_cast<size_t>(i)] = std::current_exception();
        }
    });
    for (const auto &fault : faults)
        if (fault) std::rethrow_exception(fault);
}

}  // namespace celeris
