// A row pipeline: kernels wired by registers, run over blocks of rows.
#pragma once

#include <atomic>
#include <limits>
#include <map>
#include <mutex>

#include "engine/kernel.h"

namespace celeris {

struct Step {
    Kernel kernel;
    std::vector<int> in, out;  // registers
};

// Columns that lie apart, each in a form of its own, read as values of one type: what a table is fed as.
class Table {
public:
    virtual ~Table() = default;
    // Where these values already lie one after another in the type wanted, or null.
    virtual const std::byte *lie(int64_t column, int64_t first, int64_t rows) const = 0;
    virtual void read(int64_t column, int64_t first, int64_t rows, std::byte *to) const = 0;
};

// Rows as the caller holds them: element (r, c) at data + r * row_stride + c * column_stride, in bytes; or a table.
struct Rows {
    const std::byte *data;
    ptrdiff_t row_stride, column_stride;
    const Table *table = nullptr;
};

// Where an output goes, [rows, width]: row by row, or (`columns`) column by column, as tables want it. Null: not wanted.
// Its columns may be in blocks, one after the other, [blocks, rows, width / blocks].
struct Out {
    std::byte *data = nullptr;
    bool columns = false;
    int64_t blocks = 1;
};

class Pipeline {
public:
    // Throws std::invalid_argument where the wiring is not: a register without a writer, two writers, an index out
    // of range. `sources` and `sinks` are the registers that the inputs fill and the outputs show.
    Pipeline(std::vector<Register> registers, std::vector<int> sources, std::vector<Step> steps, std::vector<int> sinks);

    // Runs all rows. `step_ns`, if given, has room for each step and is increased by the time it took. False where a kernel refused.
    bool run(int64_t rows, const Rows *in, const Out *out, int threads, int64_t *step_ns = nullptr) const;

    double cost_per_row() const { return cost_; }
    const std::vector<Register> &registers() const { return registers_; }
    const std::vector<int> &sources() const { return sources_; }
    const std::vector<int> &sinks() const { return sinks_; }
    const std::vector<Step> &steps() const { return steps_; }

private:
    // What is needed for one choice of wanted outputs: the steps, and where each register lies.
    struct Variant {
        std::vector<bool> wanted;  // by sink
        std::vector<int> steps;
        std::vector<int64_t> place;  // bytes per row; -1: not used
        std::vector<bool> by_rows;   // inputs that may be rows as the caller holds them: all that read them take rows
        std::vector<bool> rows;      // registers that may all be rows at once: who writes and who reads them can do with that
        bool keeps_rows = false;     // whether there are such
        int64_t bytes_per_row = 0;   // registers
        size_t scratch_per_row = 0, scratch_fixed = 0;
        int64_t rows_wanted = 64, rows_most = std::numeric_limits<int64_t>::max(), rows_apart = 1;
        int64_t block_rows = 1;
        double cost = 0;
    };
    const Variant &variant(const Out *out) const;
    Variant make_variant(const std::vector<bool> &wanted) const;
    void find_rows(Variant &v) const;
    bool rows_lie(const Variant &v, const Rows *in, const Out *out) const;
    bool run_block(const Variant &v, bool keep, int64_t first, int64_t rows, int64_t total, int64_t stride, const Rows *in,
                   const Out *out, std::byte *memory, View *views, int64_t *step_ns) const;

    std::vector<Register> registers_;
    std::vector<int> sources_;
    std::vector<Step> steps_;
    std::vector<int> sinks_;
    Variant all_;
    double cost_ = 0;
    mutable std::mutex mutex_;
    mutable std::map<std::vector<bool>, Variant> variants_;
    mutable std::atomic<const Variant *> last_{nullptr};  // asked for, of variants_, which only grows
};

}  // namespace celeris
