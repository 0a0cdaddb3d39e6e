#include "engine/threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

namespace celeris {
namespace {

// The quota of this process's cgroup and of each one above it, as a number of processors; infinity without one.
// Files: Documentation/admin-guide/cgroup-v2.rst (cpu.max) and cgroup-v1 (cpu.cfs_quota_us) of the Linux kernel.
double cgroup_quota() {
    double quota = INFINITY;
    std::ifstream memberships("/proc/self/cgroup");
    for (std::string line; std::getline(memberships, line);) {
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        std::string controllers(",");
        controllers.append(line, first + 1, second - first - 1).push_back(',');
        const bool v2 = controllers == ",,";
        if (!v2 && controllers.find(",cpu,") == std::string::npos) continue;
        const std::string root = v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
        for (std::string path = line.substr(second + 1);;) {
            const std::string folder = root + (path == "/" ? "" : path);
            double limit = 0, period = 0;
            if (v2) {
                std::ifstream file(folder + "/cpu.max");
                std::string text;
                if (file >> text >> period && text != "max") limit = std::atof(text.c_str());
            } else {
                std::ifstream a(folder + "/cpu.cfs_quota_us"), b(folder + "/cpu.cfs_period_us");
                if (!(a >> limit && b >> period)) limit = 0;
            }
            if (limit > 0 && period > 0) quota = std::min(quota, limit / period);
            if (path.empty() || path == "/") break;
            path.erase(path.rfind('/'));
        }
    }
    return quota;
}

// The quota as it was at most a second ago: to look takes ten files, as long as a tenth of a small model's loading.
double recent_quota() {
    static std::atomic<double> quota{INFINITY};
    static std::atomic<int64_t> until{INT64_MIN};  // no lock: a child of fork could find it held
    using std::chrono::nanoseconds;
    const int64_t now = nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
    if (now >= until.load(std::memory_order_acquire)) {
        quota.store(cgroup_quota(), std::memory_order_relaxed);
        until.store(now + nanoseconds(std::chrono::seconds(1)).count(), std::memory_order_release);
    }
    return quota.load(std::memory_order_relaxed);
}

class Pool {
public:
    // False when another caller is being served.
    bool run(int64_t count, int threads, const std::function<void(int64_t)> &body) {
        std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
        if (!turn.owns_lock()) return false;
        const int helpers = int(std::min<int64_t>(threads, count)) - 1;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            while (int(workers_.size()) < helpers) workers_.emplace_back([this] { serve(); }).detach();
            share(count, helpers + 1);
            body_ = &body, invited_ = helpers;
            ++round_;
        }
        for (int i = 0; i < helpers; ++i) wake_.notify_one();
        work(body, 0);
        std::unique_lock<std::mutex> lock(mutex_);
        invited_ = 0;  // who has not woken by now is not needed
        idle_.wait(lock, [this] { return busy_ == 0; });
        return true;
    }

private:
    // What one thread does first: neighbours, so that what it wrote before is in its cache. `next` may grow beyond `end`.
    struct alignas(64) Share {
        std::atomic<int64_t> next{0};
        int64_t end = 0;
    };

    void share(int64_t count, int threads) {
        if (int(shares_.size()) < threads) shares_ = std::vector<Share>(size_t(threads));
        sharing_ = threads;
        for (int i = 0; i < threads; ++i) shares_[size_t(i)].next = count * i / threads, shares_[size_t(i)].end = count * (i + 1) / threads;
    }

    // Its own share, then what is left of the others'.
    void work(const std::function<void(int64_t)> &body, int self) {
        for (int other = 0, n = sharing_; other < n; ++other) {
            Share &own = shares_[size_t((self + other) % n)];
            for (int64_t i; (i = own.next.fetch_add(1, std::memory_order_relaxed)) < own.end;) body(i);
        }
    }

    void serve() {
        uint64_t seen = 0;
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            wake_.wait(lock, [&] { return invited_ > 0 && round_ != seen; });
            seen = round_;
            const int self = invited_--;
            ++busy_;
            const auto *body = body_;
            lock.unlock();
            work(*body, self);
            lock.lock();
            if (--busy_ == 0) idle_.notify_one();
        }
    }

    std::mutex turn_, mutex_;
    std::condition_variable wake_, idle_;
    std::vector<std::thread> workers_;
    const std::function<void(int64_t)> *body_ = nullptr;
    std::vector<Share> shares_;
    int sharing_ = 0;  // how many of them are in use
    int invited_ = 0, busy_ = 0;
    uint64_t round_ = 0;
};

// Never destroyed: its threads may outlive static destruction. After fork the child has none of its threads and may
// have its locks held, so it starts over with a new pool.
std::atomic<Pool *> pool{nullptr};

Pool &get_pool() {
    Pool *found = pool.load();
    if (found == nullptr) {
#ifdef __linux__
        static std::once_flag once;
        std::call_once(once, [] { pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr); }); });
#endif
        Pool *fresh = new Pool;
        if (pool.compare_exchange_strong(found, fresh)) return *fresh;
        delete fresh;
    }
    return *found;
}

}  // namespace

int available_processors() {
#ifdef __linux__
    cpu_set_t mask;
    const bool known = sched_getaffinity(0, sizeof mask, &mask) == 0;
    const int n = known ? CPU_COUNT(&mask) : int(std::thread::hardware_concurrency());
    return std::max(int(std::min(double(n), std::ceil(recent_quota()))), 1);
#else
    return std::max(int(std::thread::hardware_concurrency()), 1);
#endif
}

void parallel_for(int64_t count, int threads, const std::function<void(int64_t)> &body) {
    if (threads > 1 && count > 1 && get_pool().run(count, threads, body)) return;
    for (int64_t i = 0; i < count; ++i) body(i);
}

}  // namespace celeris
