// ngrams: how often each n-gram of a pool occurs in a row, whose tokens are its columns, or parts of one text; and what is
// made of the counts where it is 0 for 0: logarithms, weights, a row of norm 1, products.
//
// A text is cut as it is read: no token is stored but the one being read, and no gram but those that may still grow. Of a
// row only the columns counted are visited, in ascending order, so that sums are those of normalizer and gemm to the bit.
#pragma once

#include "engine/functions.h"
#include "kernels/hash_index.h"

namespace celeris {

struct NGrams : KernelState {
    enum Cut { columns, runs, characters } cut;
    Type from;
    int64_t tokens, width;     // columns read and counted
    int64_t longest, least, steps;  // lengths of grams, and how far apart their tokens may lie
    bool presence;             // whether a gram counts once
    HashIndex keys;            // the pool's distinct tokens; a token's place is its gram of length 1
    std::vector<int32_t> ends; // of each gram, that of a beginning too: its output column, or -1
    struct Edge {
        uint64_t key;  // gram * 2^32 + token
        int32_t to;    // the gram longer by that token; -1: empty
    };
    std::vector<Edge> edges;   // open addressing, at most half full
    std::vector<float> scale, factors;  // of each column, or none, before and after the logarithm
    bool logarithm = false;    // ln(x + 1)
    enum Norm { none, l1, l2 } norm = none;
    int64_t products = 0;      // made of the columns, or 0: the columns are made
    bool by_lanes = false;     // as gemm sums
    Type to;
    std::vector<float> weights;  // [width, products]
    std::vector<double> bias;
    // How a text is cut: `member` says which bytes' characters tokens are made of, all beyond ASCII alike; a run with one that
    // `spoils` it is no token.
    bool lower = false, beyond = false;
    bool member[256] = {}, spoils[256] = {};
    uint8_t lowered[128];
    int64_t shortest = 1;      // characters of a token
    int64_t longest_key = 0;   // bytes
    int32_t single[128];       // places of keys of one letter of ASCII, or -1
    std::vector<int32_t> upper_case, lower_case;  // characters beyond ASCII, ascending, and what becomes of them

    static constexpr int64_t spare = 8;                // bytes beside the longest key: what tells a longer token
    static constexpr int64_t most_states = 1 << 16;

    explicit NGrams(const Params &p) {
        p.arity(1, 1);
        from = p.in[0].type, to = p.out[0].type, tokens = p.in[0].width, width = p.integer("width");
        const std::string way = p.text("cut");
        require(way == "columns" || way == "runs" || way == "characters", "ngrams: expected columns, runs or characters");
        cut = way == "columns" ? columns : way == "runs" ? runs : characters;
        require(from == Type::str || (from == Type::i64 && cut == columns), "ngrams: expected tokens of str or i64");
        require(cut == columns || tokens == 1, "ngrams: expected one text a row");
        longest = p.integer("longest"), least = p.integer("least"), steps = p.integer("steps");
        require(least >= 1 && longest >= least && steps >= 1, "ngrams: expected lengths and steps from 1 up");
        require(longest <= most_states / steps / steps, "ngrams: expected fewer lengths and steps");
        presence = p.integer("presence") != 0;
        keys.build(p, from);
        if (p.has("scale")) scale = p.floats("scale");
        require(scale.empty() || int64_t(scale.size()) == width, "ngrams: expected a scale for each column");
        read_pool(p);
        read_after(p);
        if (cut != columns) read_cut(p);
        cost = (cut == columns ? 20.0 * double(tokens) : 1000.0) * double(steps) + (products > 0 ? 0 : 0.1 * double(width));
        scratch_fixed = size_t(words() + words_of_words()) * sizeof(uint64_t) + size_t(products) * sizeof(double) +
                        size_t(width) * sizeof(float) + size_t(states()) * sizeof(int32_t) + size_t(longest_key + spare);
    }

    // Bits that say which columns are counted, and which words of those are not 0.
    int64_t words() const { return (width + 63) / 64; }
    int64_t words_of_words() const { return (words() + 63) / 64; }

    // One for each step, each of the places that a token can have modulo that step, and each length.
    int64_t states() const { return steps * (steps + 1) / 2 * longest; }

    static size_t slot(uint64_t key, size_t mask) { return hash_key(key) & mask; }

private:
    // `pool`: its tokens as places in keys; `starts`: where the grams of each length begin; `columns` of all grams.
    void read_pool(const Params &p) {
        const std::vector<int64_t> pool = p.integers("pool"), starts = p.integers("starts"), places = p.integers("columns");
        ends.assign(keys.bits.size(), -1);
        size_t capacity = 4;
        while (capacity < 2 * pool.size()) capacity *= 2;
        edges.assign(capacity, {0, -1});
        size_t at = 0, gram = 0;
        for (size_t length = 1; length <= starts.size(); ++length) {
            const size_t end = length < starts.size() ? size_t(starts[length]) : pool.size();
            require(end <= pool.size() && size_t(starts[length - 1]) == at && end >= at && (end - at) % length == 0,
                    "ngrams: expected starts that cut the pool evenly");
            for (; at < end; at += length, ++gram) {
                int64_t node = -1;
                for (size_t i = 0; i < length; ++i) {
                    const int64_t token = pool[at + i];
                    require(token >= 0 && size_t(token) < keys.bits.size(), "ngrams: expected places of keys");
                    node = i == 0 ? token : grown(node, token);
                }
                require(gram < places.size() && places[gram] >= 0 && places[gram] < width, "ngrams: column out of range");
                ends[size_t(node)] = int32_t(places[gram]);
            }
        }
        require(at == pool.size() && gram == places.size(), "ngrams: expected a column for each gram");
    }

    int64_t grown(int64_t gram, int64_t token) {
        const uint64_t key = uint64_t(gram) << 32 | uint64_t(token);
        const size_t mask = edges.size() - 1;
        size_t at = slot(key, mask);
        while (edges[at].to >= 0 && edges[at].key != key) at = (at + 1) & mask;
        if (edges[at].to < 0) {
            edges[at] = {key, int32_t(ends.size())};
            ends.push_back(-1);
        }
        return edges[at].to;
    }

    void read_after(const Params &p) {
        if (p.has("factors")) factors = p.floats("factors");
        require(factors.empty() || int64_t(factors.size()) == width, "ngrams: expected a factor for each column");
        logarithm = p.has("logarithm");
        if (p.has("norm")) {
            const std::string text = p.text("norm");
            require(text == "L1" || text == "L2", "ngrams: expected L1 or L2");
            norm = text == "L1" ? l1 : l2;
        }
        if (p.has("weights")) {
            bias = p.doubles("bias"), products = p.out[0].width;
            const std::vector<float> given = p.floats("weights");  // [products, width]
            require(int64_t(given.size()) == products * width && int64_t(bias.size()) == products && products > 0,
                    "ngrams: expected weights [M, V] and bias [M]");
            weights.resize(given.size());
            for (int64_t m = 0; m < products; ++m)
                for (int64_t c = 0; c < width; ++c) weights[size_t(c * products + m)] = given[size_t(m * width + c)];
            by_lanes = products <= 4 && width >= 8;
        }
        require(to == Type::f32 || (to == Type::f64 && products > 0), "ngrams: expected an output of f32 or products of f64");
        require(p.out[0].width == (products > 0 ? products : width), "ngrams: expected an output of each column");
    }

    void read_cut(const Params &p) {
        lower = p.integer("lower") != 0, beyond = p.integer("beyond") != 0;
        shortest = p.integer("shortest");
        const std::vector<uint8_t> members = p.bytes("members"), spoilers = p.bytes("spoilers");
        require(members.size() == 128 && spoilers.size() == 128, "ngrams: expected 128 members and as many spoilers");
        upper_case = p.integers32("upper_case"), lower_case = p.integers32("lower_case");
        require(upper_case.size() == lower_case.size(), "ngrams: expected a lower case for each upper case");
        for (size_t i = 0; i < 128; ++i) {
            lowered[i] = uint8_t(lower && i >= 'A' && i <= 'Z' ? i + 32 : i);
            member[i] = members[lowered[i]] != 0, spoils[i] = spoilers[lowered[i]] != 0;
        }
        for (size_t i = 128; i < 256; ++i) member[i] = beyond;
        for (int32_t &place : single) place = -1;
        for (size_t i = 0; i < keys.texts.size(); ++i) {
            const std::string &key = keys.texts[i];
            longest_key = std::max(longest_key, int64_t(key.size()));
            if (key.size() == 1 && uint8_t(key[0]) < 128) single[uint8_t(key[0])] = int32_t(i);
        }
    }
};

namespace CELERIS_TARGET {

// A row's columns that are counted, and its grams as they grow.
struct Counter {
    const NGrams &k;
    uint64_t *words, *words_of_words;  // which columns are counted; all 0 between rows
    double *sums;
    float *counts;
    int32_t *states;
    char *text;
    int64_t at = 0;  // tokens so far

    Counter(const NGrams &state, const Block &b) : k(state) {
        words = reinterpret_cast<uint64_t *>(b.scratch), words_of_words = words + k.words();
        sums = reinterpret_cast<double *>(words_of_words + k.words_of_words());
        counts = reinterpret_cast<float *>(sums + k.products);
        states = reinterpret_cast<int32_t *>(counts + k.width);
        text = reinterpret_cast<char *>(states + k.states());
        std::memset(words, 0, size_t(k.words() + k.words_of_words()) * sizeof(uint64_t));
    }

    void start() {
        at = 0;
        if (k.longest > 1)
            for (int64_t i = 0; i < k.states(); ++i) states[i] = -1;
    }

    void count(int32_t gram) {
        const int32_t column = k.ends.data()[gram];
        if (column < 0) return;
        uint64_t &word = words[column >> 6];
        const uint64_t bit = uint64_t(1) << (column & 63);
        counts[column] = word & bit ? counts[column] + 1 : 1;
        word |= bit;
        words_of_words[column >> 12] |= uint64_t(1) << (column >> 6 & 63);
    }

    // f(column) of each column counted, in order.
    template <class F>
    void visit(F &&f) const {
        for (int64_t i = 0, n = k.words_of_words(); i < n; ++i)
            for (uint64_t outer = words_of_words[i]; outer != 0; outer &= outer - 1) {
                const int64_t at_word = i * 64 + __builtin_ctzll(outer);
                for (uint64_t inner = words[at_word]; inner != 0; inner &= inner - 1)
                    f(at_word * 64 + __builtin_ctzll(inner));
            }
    }

    void clear() {
        for (int64_t i = 0, n = k.words_of_words(); i < n; ++i) {
            for (uint64_t outer = words_of_words[i]; outer != 0; outer &= outer - 1)
                words[i * 64 + __builtin_ctzll(outer)] = 0;
            words_of_words[i] = 0;
        }
    }

    float weighed(int64_t c) const {
        float x = counts[c];
        if (k.presence) x = 1;
        if (!k.scale.empty()) x *= k.scale.data()[c];
        if (k.logarithm) x = float(log_<float>(double(x + 1)));
        if (!k.factors.empty()) x *= k.factors.data()[c];
        return x;
    }

    // f(column, value) of each column counted.
    template <class F>
    void finish(F &&f) {
        double total = 0;
        visit([&](int64_t c) {
            const float x = weighed(c);
            counts[c] = x;
            total += k.norm == NGrams::l2 ? double(x) * double(x) : x < 0 ? -double(x) : double(x);
        });
        if (k.norm == NGrams::l2) total = std::sqrt(total);
        if (k.norm == NGrams::none || total == 0) total = 1;
        visit([&](int64_t c) { f(c, k.norm == NGrams::none ? counts[c] : float(double(counts[c]) / total)); });
        clear();
    }

    template <class To>
    void multiply(const View &out, int64_t r) {
        const float *weights = k.weights.data();
        const int64_t m = k.products;
        if (k.by_lanes) {
            double lanes[8][4] = {};
            finish([&](int64_t c, float y) {
                for (int64_t q = 0; q < m; ++q) lanes[c & 7][q] += double(y) * double(weights[c * m + q]);
            });
            for (int64_t q = 0; q < m; ++q) {
                const auto pair = [&](int64_t lane) { return lanes[lane][q] + lanes[lane + 4][q]; };
                sums[q] = (pair(0) + pair(2)) + (pair(1) + pair(3));
            }
        } else {
            for (int64_t q = 0; q < m; ++q) sums[q] = 0;
            finish([&](int64_t c, float y) {
                const float *w = weights + c * m;
                for (int64_t q = 0; q < m; ++q) sums[q] += double(y) * double(w[q]);
            });
        }
        for (int64_t q = 0; q < m; ++q) out.column<To>(q)[r] = To(sums[q] + k.bias.data()[q]);
    }

    int32_t grown(int32_t gram, int32_t token) const {
        if (gram < 0) return -1;
        const NGrams::Edge *edges = k.edges.data();
        const uint64_t key = uint64_t(gram) << 32 | uint64_t(token);
        const size_t mask = k.edges.size() - 1;
        for (size_t i = NGrams::slot(key, mask); edges[i].to >= 0; i = (i + 1) & mask)
            if (edges[i].key == key) return edges[i].to;
        return -1;
    }

    // The next token by its place among the keys, or -1: each gram that ended a step before it grows by it.
    void add(int32_t token) {
        if (k.least == 1 && token >= 0) count(token);
        if (k.longest == 1) return;
        int32_t *of_step = states;
        for (int64_t step = 1; step <= k.steps; of_step += step * k.longest, ++step) {
            int32_t *grams = of_step + (step == 1 ? 0 : at % step) * k.longest;  // by length, those that ended there
            for (int64_t length = k.longest; length > 1; --length) {
                const int32_t gram = token < 0 ? -1 : grown(grams[length - 2], token);
                grams[length - 1] = gram;
                if (gram >= 0 && length >= k.least) count(gram);
            }
            grams[0] = token;
        }
        ++at;
    }
};

// The token being read. What is longer than all keys is no key.
struct Token {
    const NGrams &k;
    Counter &counter;
    int64_t size = 0, length = 0;  // bytes and characters
    bool spoilt = false;

    void append(const char *bytes, int64_t n) {
        ++length;
        spoilt |= k.spoils[uint8_t(bytes[0])];
        for (int64_t i = 0; i < n && size <= k.longest_key; ++i) counter.text[size++] = bytes[i];
    }
    void end() {
        if (length >= k.shortest && !spoilt) counter.add(size > k.longest_key ? -1 : find<Str>(k.keys, {counter.text, size}));
        size = length = 0, spoilt = false;
    }
    void character(bool member, const char *bytes, int64_t n) {
        if (member) append(bytes, n);
        if (!member || k.cut == NGrams::characters) end();
    }
};

// Bytes of the character that begins with this one. UTF-8 is believed, but not beyond the text's end.
inline int64_t bytes_from(uint8_t first, int64_t left) {
    const int64_t n = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return first < 0xc0 ? 1 : n < left ? n : left;
}

inline int32_t code_of(const char *bytes, int64_t n) {
    int32_t code = uint8_t(bytes[0]) & (n == 1 ? 0xff : 0xff >> (n + 1));
    for (int64_t i = 1; i < n; ++i) code = code << 6 | (uint8_t(bytes[i]) & 0x3f);
    return code;
}

// A character beyond ASCII in lower case. False where it depends on its neighbours, as capital sigma's does.
inline bool lower_character(const NGrams &k, Token &token, const char *bytes, int64_t n) {
    const int32_t code = code_of(bytes, n);
    if (code == 0x212a) {  // the sign for Kelvin
        token.character(k.member['k'], "k", 1);
        return true;
    }
    if (code == 0x130) {  // I with a dot: an i, and a dot above it
        token.character(k.member['i'], "i", 1);
        token.character(k.beyond, "\xcc\x87", 2);
        return true;
    }
    if (!k.beyond) {
        token.character(false, bytes, n);
        return true;
    }
    const int32_t *upper = k.upper_case.data();
    int64_t low = 0, high = int64_t(k.upper_case.size());
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        upper[middle] < code ? low = middle + 1 : high = middle;
    }
    if (low == int64_t(k.upper_case.size()) || upper[low] != code) {
        token.character(true, bytes, n);
        return true;
    }
    const int32_t made = k.lower_case.data()[low];
    if (made < 0) return false;
    char small[4];
    const int64_t m = made < 0x800 ? 2 : made < 0x10000 ? 3 : 4;
    for (int64_t i = m - 1, rest = made; i >= 0; --i, rest >>= 6)
        small[i] = char(i > 0 ? 0x80 | (rest & 0x3f) : (0xf00 >> m & 0xff) | rest);
    token.character(true, small, m);
    return true;
}

// Character by character.
inline bool count_characters(const NGrams &k, Counter &counter, Str text) {
    Token token{k, counter};
    for (int64_t at = 0; at < text.size;) {
        const uint8_t c = uint8_t(text.data[at]);
        if (c < 0x80) {
            if (k.cut == NGrams::characters)
                counter.add(k.single[k.lowered[c]]);
            else
                token.character(k.member[c], reinterpret_cast<const char *>(k.lowered + c), 1);
            ++at;
            continue;
        }
        const int64_t n = bytes_from(c, text.size - at);
        if (k.lower) {
            if (!lower_character(k, token, text.data + at, n)) return false;
        } else {
            token.character(k.beyond, text.data + at, n);
        }
        at += n;
    }
    token.end();
    return true;
}

// Runs of bytes, where a byte says by itself what becomes of it: in lower case, only ASCII's do.
inline void count_runs(const NGrams &k, Counter &counter, Str text) {
    const char *data = text.data;
    for (int64_t at = 0; at < text.size;) {
        if (!k.member[uint8_t(data[at])]) {
            ++at;
            continue;
        }
        const int64_t first = at;
        int64_t continued = 0;  // bytes that begin no character
        bool spoilt = false;
        for (; at < text.size && k.member[uint8_t(data[at])]; ++at) {
            continued += (uint8_t(data[at]) & 0xc0) == 0x80;
            spoilt |= k.spoils[uint8_t(data[at])];
        }
        const int64_t size = at - first;
        if (size - continued < k.shortest || spoilt) continue;
        Str token{data + first, size};
        if (k.lower && size <= k.longest_key) {
            for (int64_t i = 0; i < size; ++i) counter.text[i] = char(k.lowered[uint8_t(data[first + i])]);
            token.data = counter.text;
        }
        counter.add(size > k.longest_key ? -1 : find<Str>(k.keys, token));
    }
}

inline bool is_ascii(Str text) {
    uint8_t any = 0;
    for (int64_t i = 0; i < text.size; ++i) any |= uint8_t(text.data[i]);
    return any < 0x80;
}

template <class From>
bool count_row(const NGrams &k, const Block &b, Counter &counter, int64_t r) {
    counter.start();
    if (k.cut == NGrams::columns) {
        for (int64_t c = 0; c < k.tokens; ++c) counter.add(find<From>(k.keys, b.in[0].column<From>(c)[r]));
    } else if constexpr (sizeof(From) == sizeof(Str)) {
        const Str text = b.in[0].column<Str>(0)[r];
        if (k.cut == NGrams::characters || (k.lower && !is_ascii(text))) return count_characters(k, counter, text);
        count_runs(k, counter, text);
    }
    return true;
}

template <class From>
void ngrams(const NGrams &k, const Block &b) {
    const View &out = b.out[0];
    if (k.products == 0)
        for (int64_t c = 0; c < k.width; ++c) std::memset(out.column<float>(c), 0, size_t(b.rows) * sizeof(float));
    Counter counter(k, b);
    for (int64_t r = 0; r < b.rows; ++r) {
        if (!count_row<From>(k, b, counter, r)) {
            *b.refused = true;
            return;
        }
        if (k.products == 0)
            counter.finish([&](int64_t c, float y) { out.column<float>(c)[r] = y; });
        else
            for_real(k.to, [&](auto *to) { counter.multiply<pointee<decltype(to)>>(out, r); });
    }
}

inline void run(const NGrams &k, const Block &b) {
    if (k.from == Type::str)
        ngrams<Str>(k, b);
    else
        ngrams<int64_t>(k, b);
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
