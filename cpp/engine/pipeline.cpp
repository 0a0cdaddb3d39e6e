#include "engine/pipeline.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "engine/threads.h"
#include "engine/transpose.h"

namespace celeris {
namespace {

constexpr int64_t kMaxBlockRows = 512;
constexpr int64_t kBlockBytes = 256 << 10;   // registers and scratch of a block: a quarter of a usual L2 cache
constexpr int64_t kNearBytes = 24 << 10;     // half a usual L1 cache: for a block of at least so many rows
constexpr int64_t kNearRows = 256;           // whose kernels take less than
constexpr double kCheap = 5;                 // ns a row: what is left is to bring rows in and out
constexpr size_t kKeptScratch = 4 << 20;     // what a thread keeps between calls
constexpr size_t kMaxOutputs = 16;
constexpr double kWorthThreads = 80e3;       // ns of work below which waking a thread costs more than it brings

int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// 64-byte aligned memory of this thread. What exceeds the bound is freed again after the call.
class Scratch {
public:
    explicit Scratch(size_t bytes) {
        thread_local Buffer kept;
        if (bytes <= kept.size) {
            memory_ = kept.data;
        } else if (bytes <= kKeptScratch) {
            kept.resize(std::max<size_t>(bytes, 64 << 10));
            memory_ = kept.data;
        } else {
            own_.resize(bytes);
            memory_ = own_.data;
        }
    }
    std::byte *get() const { return memory_; }

private:
    struct Buffer {
        std::byte *data = nullptr;
        size_t size = 0;
        void resize(size_t bytes) {
            release();
            data = static_cast<std::byte *>(::operator new(bytes, std::align_val_t(64)));
            size = bytes;
        }
        void release() {
            if (data != nullptr) ::operator delete(data, std::align_val_t(64));
            data = nullptr, size = 0;
        }
        Buffer() = default;
        Buffer(const Buffer &) = delete;
        Buffer &operator=(const Buffer &) = delete;
        ~Buffer() { release(); }
    };
    Buffer own_;
    std::byte *memory_;
};

// to[c * stride + r] = element (r, c) of `from`.
template <class T>
void gather(const Rows &from, int64_t rows, int64_t width, std::byte *to, int64_t stride) {
    T *out = reinterpret_cast<T *>(to);
    for (int64_t c = 0; c < width; ++c) {
        const std::byte *x = from.data + c * from.column_stride;
        for (int64_t r = 0; r < rows; ++r) out[c * stride + r] = *reinterpret_cast<const T *>(x + r * from.row_stride);
    }
}

template <class F>
void for_size(size_t bytes, F &&f) {
    switch (bytes) {
        case 1: f(uint8_t{}); break;
        case 4: f(uint32_t{}); break;
        case 8: f(uint64_t{}); break;
        default: f(Str{}); break;
    }
}

int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

Pipeline::Pipeline(std::vector<Register> registers, std::vector<int> sources, std::vector<Step> steps,
                   std::vector<int> sinks)
    : registers_(std::move(registers)), sources_(std::move(sources)), steps_(std::move(steps)), sinks_(std::move(sinks)) {
    std::vector<bool> written(registers_.size());
    const auto check = [&](int r, bool write) {
        require(r >= 0 && size_t(r) < registers_.size(), "pipeline: expected a register's index");
        require(written[size_t(r)] != write, write ? "pipeline: a register is written twice"
                                                   : "pipeline: a register is read before it is written");
        if (write) written[size_t(r)] = true;
    };
    for (const Register &r : registers_) require(r.width >= 0, "pipeline: expected a width of at least 0");
    for (int r : sources_) check(r, true);
    for (const Step &s : steps_) {
        require(s.out.size() <= kMaxOutputs, "pipeline: a kernel has too many outputs");
        for (int r : s.in) check(r, false);
        for (int r : s.out) check(r, true);
        cost_ += s.kernel.cost;
    }
    for (int r : sinks_) check(r, false);
    all_ = make_variant(std::vector<bool>(sinks_.size(), true));
}

Pipeline::Variant Pipeline::make_variant(const std::vector<bool> &wanted) const {
    Variant v;
    v.wanted = wanted;
    constexpr int never = -1;
    const int end = int(steps_.size());
    std::vector<int> last(registers_.size(), never);  // the last step that reads it; `end` for sinks
    for (size_t i = 0; i < sinks_.size(); ++i)
        if (wanted[i]) last[size_t(sinks_[i])] = end;
    for (int s = end - 1; s >= 0; --s) {
        const Step &step = steps_[size_t(s)];
        if (std::none_of(step.out.begin(), step.out.end(), [&](int r) { return last[size_t(r)] != never; })) continue;
        v.steps.push_back(s);
        v.cost += step.kernel.cost;
        v.scratch_per_row = std::max(v.scratch_per_row, step.kernel.scratch_per_row);
        v.scratch_fixed = std::max(v.scratch_fixed, step.kernel.scratch_fixed);
        v.rows_wanted = std::max(v.rows_wanted, step.kernel.rows_wanted);
        v.rows_most = std::min(v.rows_most, step.kernel.rows_most);
        v.rows_apart = std::max(v.rows_apart, step.kernel.rows_apart);
        for (int r : step.in) last[size_t(r)] = std::max(last[size_t(r)], s);
        for (int r : step.out) last[size_t(r)] = std::max(last[size_t(r)], s);  // written, if never read
    }
    std::reverse(v.steps.begin(), v.steps.end());

    v.by_rows.resize(registers_.size());
    for (size_t r = 0; r < registers_.size(); ++r) v.by_rows[r] = last[r] != end && registers_[r].width > 1;
    for (int s : v.steps) {
        const Step &step = steps_[size_t(s)];
        if (step.kernel.takes_rows && !step.kernel.keeps_rows) continue;
        for (int r : step.in) v.by_rows[size_t(r)] = false;
    }

    find_rows(v);

    // First fit: a register takes the first gap between those alive.
    struct Span {
        int64_t first, bytes;
        int last;
    };
    std::vector<Span> alive;
    v.place.assign(registers_.size(), -1);
    const auto allocate = [&](int r, int step) {
        if (last[size_t(r)] == never) return;
        std::erase_if(alive, [&](const Span &s) { return s.last < step; });
        std::sort(alive.begin(), alive.end(), [](const Span &a, const Span &b) { return a.first < b.first; });
        const Register &reg = registers_[size_t(r)];
        const int64_t bytes = std::max<int64_t>(8, round_up(int64_t(size_of(reg.type)) * reg.width, 8));
        int64_t at = 0;
        for (const Span &s : alive) {
            if (at + bytes <= s.first) break;
            at = std::max(at, s.first + s.bytes);
        }
        v.place[size_t(r)] = at;
        v.bytes_per_row = std::max(v.bytes_per_row, at + bytes);
        alive.push_back({at, bytes, last[size_t(r)]});
    };
    for (int r : sources_) allocate(r, -1);
    for (int s : v.steps)
        for (int r : steps_[size_t(s)].out) allocate(r, s);

    const int64_t per_row = std::max<int64_t>(1, v.bytes_per_row + int64_t(v.scratch_per_row));
    int64_t room = std::min(kBlockBytes / per_row / 64 * 64, kMaxBlockRows);
    if (v.cost < kCheap) room = std::min(room, std::max(kNearBytes / per_row / 64 * 64, kNearRows));
    v.block_rows = std::min(std::max(room, v.rows_wanted), v.rows_most);
    return v;
}

// Which registers may be rows: all that kernels agree on.
void Pipeline::find_rows(Variant &v) const {
    const auto wide = [&](int r) { return registers_[size_t(r)].width > 1; };
    v.rows.resize(registers_.size());
    for (size_t r = 0; r < registers_.size(); ++r) v.rows[r] = wide(int(r)) && registers_[r].type != Type::str;
    const auto all_rows = [&](const std::vector<int> &registers) {
        return std::all_of(registers.begin(), registers.end(), [&](int r) { return v.rows[size_t(r)] || !wide(r); });
    };
    for (bool settled = false; !settled;) {
        settled = true;
        const auto leave = [&](const std::vector<int> &registers) {
            for (int r : registers)
                if (v.rows[size_t(r)]) v.rows[size_t(r)] = settled = false;
        };
        for (int s : v.steps) {
            const Step &step = steps_[size_t(s)];
            const bool takes = step.kernel.takes_rows, keeps = step.kernel.keeps_rows;
            if (keeps && (takes || all_rows(step.in)) && all_rows(step.out)) continue;
            leave(step.out);
            if (keeps || !takes) leave(step.in);
        }
    }
    const auto any_rows = [&](const std::vector<int> &registers) {
        return std::any_of(registers.begin(), registers.end(), [&](int r) { return v.rows[size_t(r)]; });
    };
    for (size_t i = 0; i < sinks_.size(); ++i) v.keeps_rows = v.keeps_rows || (v.wanted[i] && v.rows[size_t(sinks_[i])]);
    for (int s : v.steps) {
        const Step &step = steps_[size_t(s)];
        v.keeps_rows = v.keeps_rows || (step.kernel.keeps_rows && (any_rows(step.in) || any_rows(step.out)));
    }
}

const Pipeline::Variant &Pipeline::variant(const Out *out) const {
    const auto null = [](const Out &o) { return o.data == nullptr; };
    if (std::none_of(out, out + sinks_.size(), null)) return all_;
    const auto same = [&](const Variant &v) {
        for (size_t i = 0; i < sinks_.size(); ++i)
            if (v.wanted[i] != (out[i].data != nullptr)) return false;
        return true;
    };
    if (const Variant *last = last_.load(std::memory_order_acquire); last != nullptr && same(*last)) return *last;
    std::vector<bool> wanted(sinks_.size());
    for (size_t i = 0; i < sinks_.size(); ++i) wanted[i] = out[i].data != nullptr;
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = variants_.find(wanted);
    if (found == variants_.end()) found = variants_.emplace(wanted, make_variant(wanted)).first;
    last_.store(&found->second, std::memory_order_release);
    return found->second;
}

// Whether what may be rows comes as rows, and goes as rows.
bool Pipeline::rows_lie(const Variant &v, const Rows *in, const Out *out) const {
    for (size_t i = 0; i < sources_.size(); ++i) {
        const size_t r = size_t(sources_[i]);
        const ptrdiff_t size = ptrdiff_t(size_of(registers_[r].type));
        if (v.place[r] < 0 || !v.rows[r]) continue;
        if (in[i].table != nullptr || in[i].column_stride != size || in[i].row_stride % size != 0 || in[i].row_stride == size)
            return false;
    }
    for (size_t i = 0; i < sinks_.size(); ++i)
        if (out[i].data != nullptr && v.rows[size_t(sinks_[i])] && (out[i].columns || out[i].blocks != 1)) return false;
    return true;
}

bool Pipeline::run(int64_t rows, const Rows *in, const Out *out, int threads, int64_t *step_ns) const {
    if (rows == 0) return true;
    const Variant &v = variant(out);
    if (v.cost * double(rows) < kWorthThreads) threads = 1;
    threads = int(std::clamp<int64_t>(rows / v.rows_apart, 1, threads));
    int64_t block = std::min(v.block_rows, round_up(rows, 64));
    if (threads > 1) {  // as many blocks for one thread as for another; and more of them where that shares the rows better
        const int64_t whole = rows < 4 * 64 ? 16 : 64;  // rows that blocks have a multiple of
        const auto of_rows = [&](int64_t blocks) { return round_up((rows + blocks - 1) / blocks, whole); };
        const auto longest = [&](int64_t each) { return round_up((rows + each - 1) / each, threads) / threads * each; };
        const int64_t least = round_up((rows + block - 1) / block, threads), more = of_rows(least + threads);
        block = of_rows(least);
        if (longest(more) * 32 < longest(block) * 31) block = more;
    }
    const bool keep = v.keeps_rows && rows > 1 && rows_lie(v, in, out);
    if (rows == 1) block = 1;
    // Columns a power of two apart would fall into the same few sets of the cache.
    const int64_t stride = block == 1 ? 1 : block + 16;
    const size_t registers = size_t(round_up(v.bytes_per_row * stride, 64));
    const size_t scratch = size_t(round_up(round_up(int64_t(v.scratch_per_row) * block, 64) + int64_t(v.scratch_fixed), 64));
    const size_t views = registers_.size() * sizeof(View);
    const size_t bytes = registers + scratch + views + 64;
    const int64_t blocks = (rows + block - 1) / block;
    std::vector<std::atomic<int64_t>> times(step_ns == nullptr ? 0 : steps_.size());
    std::atomic<bool> refused{false};
    const auto body = [&](int64_t i) {
        if (refused.load(std::memory_order_relaxed)) return;
        const Scratch memory(bytes);
        View *const table = reinterpret_cast<View *>(memory.get() + registers + scratch);
        const int64_t first = i * block, count = std::min(block, rows - first);
        std::vector<int64_t> spent(times.size());
        if (!run_block(v, keep && count > 1, first, count, rows, stride, in, out, memory.get(), table,
                       step_ns == nullptr ? nullptr : spent.data()))
            refused = true;
        for (size_t s = 0; s < spent.size(); ++s) times[s] += spent[s];
    };
    if (blocks == 1)
        body(0);
    else
        parallel_for(blocks, threads, body);
    for (size_t s = 0; s < times.size(); ++s) step_ns[s] += times[s];
    return !refused;
}

bool Pipeline::run_block(const Variant &v, bool keep, int64_t first, int64_t rows, int64_t total, int64_t stride,
                         const Rows *in, const Out *out, std::byte *memory, View *views, int64_t *step_ns) const {
    const size_t registers = registers_.size();
    const auto lie = [&](std::byte *data, size_t r) {  // a register's columns, or its rows side by side
        return keep && v.rows[r] ? View{data, 1, registers_[r].width} : View{data, stride};
    };
    for (size_t r = 0; r < registers; ++r) views[r] = lie(memory + v.place[r] * stride, r);
    std::byte *const scratch = memory + round_up(v.bytes_per_row * stride, 64);

    for (size_t i = 0; i < sources_.size(); ++i) {
        const size_t r = size_t(sources_[i]);
        if (v.place[r] < 0) continue;
        const Register &reg = registers_[r];
        const ptrdiff_t size = ptrdiff_t(size_of(reg.type));
        if (const Table *table = in[i].table) {
            const std::byte *whole = reg.width == 1 ? table->lie(0, first, rows) : nullptr;
            if (whole != nullptr) views[r] = {const_cast<std::byte *>(whole), stride};
            for (int64_t c = 0; whole == nullptr && c < reg.width; ++c)
                table->read(c, first, rows, views[r].data + c * stride * size);
            continue;
        }
        const Rows from{in[i].data + first * in[i].row_stride, in[i].row_stride, in[i].column_stride};
        const bool columns = rows == 1 || from.row_stride == size;
        if (columns && (reg.width <= 1 || from.column_stride % size == 0)) {
            views[r] = {const_cast<std::byte *>(from.data), reg.width <= 1 ? stride : from.column_stride / size};
            continue;
        }
        if ((keep && v.rows[r]) || (v.by_rows[r] && from.column_stride == size && from.row_stride % size == 0)) {
            views[r] = {const_cast<std::byte *>(from.data), 1, from.row_stride / size};
            continue;
        }
        if (from.column_stride == size && from.row_stride % size == 0)
            transpose(size_t(size), from.data, from.row_stride / size, rows, reg.width, views[r].data, stride);
        else
            for_size(size_t(size), [&](auto t) { gather<decltype(t)>(from, rows, reg.width, views[r].data, stride); });
    }
    // An output of one column, of one row, by columns or by rows is written where it belongs.
    uint64_t direct = 0;
    for (size_t i = 0; i < sinks_.size(); ++i) {
        const size_t r = size_t(sinks_[i]);
        const Register &reg = registers_[r];
        if (out[i].data == nullptr || (rows != 1 && reg.width != 1 && !out[i].columns && !views[r].by_rows()) || i >= 64) continue;
        if (out[i].blocks > 1 && total > 1) continue;
        if (views[r].data != memory + v.place[r] * stride) continue;  // a source, or shown already
        if (std::find(sources_.begin(), sources_.end(), int(r)) != sources_.end()) continue;
        const size_t size = size_of(reg.type);
        std::byte *const here = out[i].data + size_t(first * (out[i].columns ? 1 : reg.width)) * size;
        views[r] = out[i].columns ? View{here, total} : keep && v.rows[r] ? lie(here, r) : View{here, 1};
        direct |= uint64_t(1) << i;
    }

    bool refused = false;
    View ins[16], outs[kMaxOutputs];
    std::vector<View> many;  // for a kernel with more inputs than that
    for (int s : v.steps) {
        const Step &step = steps_[size_t(s)];
        View *arguments = ins;
        if (step.in.size() > std::size(ins)) {
            many.resize(step.in.size());
            arguments = many.data();
        }
        for (size_t i = 0; i < step.in.size(); ++i) arguments[i] = views[step.in[i]];
        for (size_t i = 0; i < step.out.size(); ++i) outs[i] = views[step.out[i]];
        const Block block{arguments, outs, rows, scratch, &refused};
        if (step_ns == nullptr) {
            step.kernel.run(step.kernel.state.get(), block);
        } else {
            const int64_t start = now();
            step.kernel.run(step.kernel.state.get(), block);
            step_ns[s] += now() - start;
        }
        if (refused) return false;
    }

    for (size_t i = 0; i < sinks_.size(); ++i) {
        if (out[i].data == nullptr || (i < 64 && direct >> i & 1)) continue;
        const Register &reg = registers_[size_t(sinks_[i])];
        const size_t size = size_of(reg.type);
        const View &from = views[sinks_[i]];
        if (out[i].columns) {
            for (int64_t c = 0; c < reg.width; ++c)
                std::memcpy(out[i].data + size_t(c * total + first) * size, from.data + c * from.stride * ptrdiff_t(size),
                            size_t(rows) * size);
            continue;
        }
        if (from.by_rows()) {
            const int64_t together = from.row == reg.width ? rows : 1;
            for (int64_t r = 0; r < rows; r += together)
                std::memcpy(out[i].data + size_t((first + r) * reg.width) * size, from.data + r * from.row * ptrdiff_t(size),
                            size_t(together * reg.width) * size);
            continue;
        }
        const int64_t width = out[i].blocks > 0 ? reg.width / out[i].blocks : 0;
        for (int64_t b = 0; b < out[i].blocks; ++b)
            transpose(size, from.data + b * width * from.stride * ptrdiff_t(size), from.stride, width, rows,
                      out[i].data + size_t((b * total + first) * width) * size, width);
    }
    return true;
}

}  // namespace celeris
