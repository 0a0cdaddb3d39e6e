// The process-wide thread pool: started when first needed, asleep when idle, made anew after fork.
#pragma once

#include <cstdint>
#include <functional>

namespace celeris {

// Processors this process may use: the smaller of the affinity mask and the cgroup CPU quota (v1 and v2), at least 1.
int available_processors();

// Calls body(i) for each i in [0, count) on at most `threads` threads, the caller among them; returns when all are
// done. While the pool serves another caller, everything runs on the calling thread. `body` must not throw.
void parallel_for(int64_t count, int threads, const std::function<void(int64_t)> &body);

}  // namespace celeris
