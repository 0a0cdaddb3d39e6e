// A column of a table as its owner holds it, and several of them as the rows of one model input.
//
// Nothing is copied when a column is made. Values are cast when a block of rows is read, into the type that the model
// wants; a value that has no place there (a null for an integer, 1.5 for an integer, a null text) is noted, by row.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "engine/pipeline.h"

namespace celeris {

// How the values of a piece lie. `utf8`, `large_utf8` and `utf8_view` are Arrow's layouts, `bits` its booleans.
enum class Layout : uint8_t {
    i8, i16, i32, i64, u8, u16, u32, u64, f16, f32, f64, boolean, bits, str, utf8, large_utf8, utf8_view, null, other
};

bool is_text(Layout l);

struct Column;

// A run of rows that lie together (a record batch of Arrow's; all of a NumPy array).
struct Piece {
    int64_t start = 0, rows = 0;           // its place in the column
    const std::byte *data = nullptr;       // values; bits; offsets or views of texts
    ptrdiff_t stride = 0;                  // bytes from one value to the next, where layouts have strides
    int64_t offset = 0;                    // the first row's index in bits, offsets, views and `valid`
    const uint8_t *valid = nullptr;        // a bit a row, 0: missing; null: none is missing
    const uint8_t *missing = nullptr;      // or a byte a row, 1: missing
    ptrdiff_t missing_stride = 0;
    const char *text = nullptr;            // what the offsets point into
    const void *const *buffers = nullptr;  // what the views point into
    std::shared_ptr<const Column> dictionary;  // values are codes: positions there; negative: missing
};

struct Column {
    Layout layout = Layout::other;  // of what lies there: of the codes where there is a dictionary
    Layout values = Layout::other;  // of the values
    int64_t rows = 0;
    std::vector<Piece> pieces;
    std::string type;                        // as its owner calls it, for messages
    std::vector<std::shared_ptr<void>> kept;  // owners of the memory
};

enum class Reason : uint8_t { missing, not_whole, too_large, missing_text, nan };

// Columns as the rows [N, columns] of one type.
class Columns : public Table {
public:
    // Throws std::invalid_argument where lengths differ, or a column's values can never be of that type.
    // `missing_text`: what a missing text is read as; without it a missing text is noted. `refuse_nan`: note NaN too.
    Columns(std::vector<std::shared_ptr<const Column>> columns, Type type, bool refuse_nan,
            std::shared_ptr<const std::string> missing_text);

    const std::byte *lie(int64_t column, int64_t first, int64_t rows) const override;
    void read(int64_t column, int64_t first, int64_t rows, std::byte *to) const override;

    int64_t rows() const { return rows_; }
    int64_t width() const { return int64_t(columns_.size()); }
    Type type() const { return type_; }

    struct Fault {
        int64_t column, row;
        Reason reason;
    };
    // The first value (by row, then column) that had no place in the type, of those read so far.
    std::optional<Fault> fault() const;

private:
    struct Coded {  // a dictionary's values in the type wanted
        std::vector<std::byte> values;
        std::vector<uint8_t> bad;  // 0, or 1 + Reason
    };
    void note(int64_t column, int64_t row, Reason reason) const;
    void read_piece(int64_t column, const Piece &p, int64_t at, int64_t rows, std::byte *to) const;
    void read_coded(int64_t column, const Piece &p, const Coded &coded, int64_t at, int64_t rows, std::byte *to) const;
    template <class To>
    std::pair<To, int> absent() const;
    template <class To>
    void read_codes(int64_t column, const Piece &p, const Coded &coded, int64_t at, int64_t rows, To *to) const;
    template <class To>
    void read_numbers(int64_t column, Layout layout, const Piece &p, int64_t at, int64_t rows, To *to) const;
    void read_texts(int64_t column, Layout layout, const Piece &p, int64_t at, int64_t rows, Str *to) const;
    template <class To>
    void blank(int64_t column, const Piece &p, int64_t at, int64_t rows, To *to) const;

    std::vector<std::shared_ptr<const Column>> columns_;
    std::vector<std::vector<std::shared_ptr<const Coded>>> coded_;  // by column and piece
    Type type_;
    bool refuse_nan_;
    std::shared_ptr<const std::string> missing_text_;  // null: none
    int64_t rows_ = 0;
    mutable std::atomic<int64_t> fault_;  // row, column, reason in one number, so that the least is the first
};

}  // namespace celeris
