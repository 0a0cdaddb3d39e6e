#include "frames/arrow.h"

#include <cstring>
#include <string_view>

namespace celeris {
namespace {

// A struct of the C interface, released when nobody reads it any more.
template <class T>
struct Owned {
    T value{};
    Owned() = default;
    Owned(const Owned &) = delete;
    Owned &operator=(const Owned &) = delete;
    ~Owned() {
        if (value.release != nullptr) value.release(&value);
    }
};

struct Named {
    std::string_view format;
    Layout layout;
    const char *type;
};
constexpr Named kFormats[] = {
    {"n", Layout::null, "null"},        {"b", Layout::bits, "bool"},
    {"c", Layout::i8, "int8"},          {"C", Layout::u8, "uint8"},
    {"s", Layout::i16, "int16"},        {"S", Layout::u16, "uint16"},
    {"i", Layout::i32, "int32"},        {"I", Layout::u32, "uint32"},
    {"l", Layout::i64, "int64"},        {"L", Layout::u64, "uint64"},
    {"e", Layout::f16, "float16"},      {"f", Layout::f32, "float32"},
    {"g", Layout::f64, "float64"},      {"u", Layout::utf8, "string"},
    {"U", Layout::large_utf8, "string"}, {"vu", Layout::utf8_view, "string"},
};

Named named(const ArrowSchema &schema) {
    const std::string_view format = schema.format;
    for (const Named &n : kFormats)
        if (n.format == format) return n;
    const char *type = "an Arrow type";
    const auto starts = [&](const char *with) { return format.rfind(with, 0) == 0; };
    if (starts("d:")) type = "decimal";
    if (starts("td")) type = "date";
    if (starts("ts")) type = "timestamp";
    if (starts("tt")) type = "time";
    if (starts("tD")) type = "duration";
    if (starts("+l") || starts("+L") || starts("+w") || starts("+v")) type = "list";
    if (starts("+s")) type = "struct";
    if (starts("z") || starts("Z") || starts("vz") || starts("w:")) type = "binary";
    return {format, Layout::other, type};
}

size_t bytes_of(Layout l) {
    switch (l) {
        case Layout::i8:
        case Layout::u8: return 1;
        case Layout::i16:
        case Layout::u16:
        case Layout::f16: return 2;
        case Layout::i32:
        case Layout::u32:
        case Layout::f32: return 4;
        default: return 8;
    }
}

void append(Column &to, const ArrowSchema &schema, const ArrowArray &array, int64_t skipped, int64_t rows,
            const std::shared_ptr<void> &owner);

std::shared_ptr<Column> column_of(const ArrowSchema &schema) {
    auto made = std::make_shared<Column>();
    const Named values = named(schema.dictionary != nullptr ? *schema.dictionary : schema);
    made->layout = schema.dictionary != nullptr ? named(schema).layout : values.layout;
    made->values = values.layout;
    made->type = values.type;
    return made;
}

// `skipped`: rows of the array before the first that counts, beyond its own offset.
void append(Column &to, const ArrowSchema &schema, const ArrowArray &array, int64_t skipped, int64_t rows,
            const std::shared_ptr<void> &owner) {
    Piece p;
    p.start = to.rows, p.rows = rows;
    p.offset = array.offset + skipped;
    const auto buffer = [&](int64_t i) {
        return i < array.n_buffers ? static_cast<const std::byte *>(array.buffers[i]) : nullptr;
    };
    if (to.layout != Layout::null && to.layout != Layout::other && rows > 0) {
        if (array.null_count != 0) p.valid = reinterpret_cast<const uint8_t *>(buffer(0));
        p.data = buffer(1);
        if (to.layout == Layout::utf8 || to.layout == Layout::large_utf8) {
            p.text = reinterpret_cast<const char *>(buffer(2));
        } else if (to.layout == Layout::utf8_view) {
            p.buffers = array.buffers + 2;
        } else if (to.layout != Layout::bits) {
            p.stride = ptrdiff_t(bytes_of(to.layout));
            p.data += p.offset * p.stride;
        }
        if (schema.dictionary != nullptr && array.dictionary != nullptr) {
            auto values = column_of(*schema.dictionary);
            append(*values, *schema.dictionary, *array.dictionary, 0, array.dictionary->length, owner);
            p.dictionary = values;
        }
    }
    if (rows > 0 || to.pieces.empty()) to.pieces.push_back(p);
    to.rows += rows;
    to.kept.push_back(owner);
}

}  // namespace

std::vector<NamedColumn> read_arrow(ArrowArrayStream *stream) {
    const auto check = [&](int code) {
        if (code == 0) return;
        const char *text = stream->get_last_error(stream);
        throw std::runtime_error(text != nullptr ? text : "the stream of Arrow data failed");
    };
    Owned<ArrowSchema> schema;
    check(stream->get_schema(stream, &schema.value));
    const ArrowSchema &root = schema.value;
    const bool table = std::strcmp(root.format, "+s") == 0;
    std::vector<NamedColumn> made;
    for (int64_t c = 0; c < (table ? root.n_children : 1); ++c) {
        const ArrowSchema &own = table ? *root.children[c] : root;
        made.push_back({own.name != nullptr ? own.name : "", column_of(own)});
    }
    for (;;) {
        auto batch = std::make_shared<Owned<ArrowArray>>();
        ArrowArray &array = batch->value;
        check(stream->get_next(stream, &array));
        if (array.release == nullptr) break;
        for (size_t c = 0; c < made.size(); ++c) {
            if (table)
                append(*made[c].column, *root.children[c], *array.children[c], array.offset, array.length, batch);
            else
                append(*made[c].column, root, array, 0, array.length, batch);
        }
    }
    return made;
}

}  // namespace celeris
