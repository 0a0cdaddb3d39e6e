// BitBuilder: trees, of either kind of bits_trees.h, as Bits.
#pragma once

#include <bit>
#include <unordered_map>

#include "kernels/trees/bits_trees.h"
#include "kernels/trees/bits_values.h"

namespace celeris::trees {

template <class Trees>
class BitBuilder {
public:
    explicit BitBuilder(const Trees &trees) : trees_(trees) {}

    // The trees as bits, or none where they do not suit: too many leaves, or values that are not float32.
    std::optional<Bits> build() {
        if (!trees_.suit()) return {};
        bits_.columns = trees_.columns(), bits_.together = by_register_ ? kTogether : kTogetherInMemory;
        if (bits_.columns > 1 && !by_register_) bits_.across = (bits_.columns + 3) / 4 * 4;
        // Single rows look bytes up by bytes, which the baseline has no instruction for.
        if (Trees::whole && (by_register_ || std::string_view(instruction_set()) == "avx2")) lanes_.emplace(by_register_);
        bits_.program.reserve(4 * trees_.comparisons()), patches_.reserve(2 * trees_.comparisons());
        std::vector<int32_t> order(trees_.count());
        for (size_t i = 0; i < order.size(); ++i) order[i] = int32_t(i);
        std::stable_sort(order.begin(), order.end(),
                         [&](int32_t a, int32_t b) { return trees_.target(a) < trees_.target(b); });
        for (int32_t tree : order) {
            nodes_.clear(), ends_.clear();
            if (!trees_.expand(tree, nodes_, ends_, root_)) return {};
            if (!take()) {
                close();
                if (!take()) return {};  // a set of too many values
            }
            const int32_t target = trees_.target(tree);
            if (open_.empty() || open_.size() == together() || open_target_ != target) end_group();
            open_target_ = target;
            add();
            if (bits_.tables.size() > (size_t(1) << 22)) return {};
        }
        close();
        BitValues(bits_, by_register_).lay(Trees::whole, size_t(trees_.targets()));
        if (lanes_) bits_.lanes = lanes_->take();
        return std::move(bits_);
    }

private:
    using Key = typename Trees::Key;
    using Node = BitNode<Key>;
    using Vector = int32_t;  // the number of one that steps write, or ~test, or ~(kFirstSet + set)
    static constexpr int32_t kFirstSet = 1 << 24;
    static constexpr int32_t kStreamLevels = 3;
    struct Step {
        Vector to, where, yes, no;
    };
    struct Open {
        Bits::Tree tree;
        uint8_t levels;
        std::vector<uint32_t> values;  // [column][1 << levels]
    };

    // Takes the tree's comparisons into the chunk; false where it has no room for them.
    bool take() {
        const size_t before = pairs_.size();
        size_t sets = sets_.size();
        bool fits = true;
        for (Node &n : nodes_) {
            sets += n.set != nullptr;
            trees_.each_comparison(n, [&](int32_t plane, Key key) {
                if (fits) n.test = number(plane, key);
                fits &= pairs_.size() + sets <= kChunkTests;
                fits &= !lanes_ || used_[size_t(plane)] <= kRankedKeys || ranked_ <= kLanePlanes;
            });
        }
        for (; !fits && pairs_.size() > before; pairs_.pop_back())
            ranked_ -= --used_[size_t(pairs_.back().first)] % kRankedKeys == 0;
        return fits;
    }
    // The number of a test among the chunk's.
    int32_t number(int32_t plane, Key key) {
        size_t at = size_t((uint64_t(key) * 0x9e3779b97f4a7c15u + uint64_t(plane) * 0xd6e8feb86659fd93u) >> 32) % kPlaces;
        for (; number_[at] >= 0; at = (at + 1) % kPlaces)
            if (pairs_[size_t(number_[at])] == std::pair{plane, key}) return number_[at];
        number_[at] = int32_t(pairs_.size());
        pairs_.push_back({plane, key}), ranked_ += used_[size_t(plane)]++ % kRankedKeys == 0;
        return number_[at];
    }
    static constexpr size_t kPlaces = 1 << 15;  // of the hash table
    static_assert(kPlaces > 2 * kChunkTests);

    uint32_t entry(int32_t leaf, int64_t column) const { return trees_.entry(ends_[size_t(leaf)], column); }

    // Writes the tree of nodes_ into the open group. Words that name tests are patched when the chunk closes.
    void add() {
        if (lanes_) add_lanes();
        Open o{{uint32_t(bits_.pieces.size()), 0, false}, 0, {}};
        const int32_t levels = measure(root_, 0), least = std::bit_width(ends_.size() - 1);
        o.tree.mapped = below(root_, false) >= 0 || (by_register_ && levels > std::max(4, least));
        o.levels = uint8_t(o.tree.mapped ? least : levels);
        o.values.assign(size_t(bits_.columns) << o.levels, 0);
        numbers_.assign(ends_.size(), -1), numbered_ = 0;
        for (int32_t root = root_;;) {
            add_piece(o, root);
            root = below(root, true);
            if (root < 0) break;
            measure(root, 0);
        }
        o.tree.count = uint16_t(bits_.pieces.size() - o.tree.pieces);
        open_.push_back(std::move(o));
    }
    void add_lanes() {
        const auto depth = [&](auto &&self, int32_t at) -> int32_t {
            return at < 0 ? 0 : 1 + std::max(self(self, nodes_[size_t(at)].left), self(self, nodes_[size_t(at)].right));
        };
        const bool added = lanes_->add(
            nodes_, root_, ends_.size(), depth(depth, root_), open_target_, bits_.columns,
            [&](int32_t at) { return ~test(at); }, [&](int32_t leaf, int64_t column) { return std::bit_cast<float>(entry(leaf, column)); });
        if (!added) lanes_.reset();
    }
    // Settles the heights of a piece, and where it is cut.
    int32_t measure(int32_t at, int32_t depth) {
        if (at < 0) return 0;
        nodes_[size_t(at)].cut = depth == kMostLevels;
        if (depth == kMostLevels) return 0;
        const int32_t left = measure(nodes_[size_t(at)].left, depth + 1);
        const int32_t right = measure(nodes_[size_t(at)].right, depth + 1);
        return nodes_[size_t(at)].height = std::max(left, right) + 1;
    }
    // The root of what lies below the cuts, ~0 if there are none; to `make` it changes nodes_.
    int32_t below(int32_t at, bool make) {
        if (at < 0) return ~0;
        if (nodes_[size_t(at)].cut) return at;
        const int32_t left = below(nodes_[size_t(at)].left, make), right = below(nodes_[size_t(at)].right, make);
        if (left < 0 || right < 0) return left < 0 ? right : left;
        if (make) nodes_[size_t(at)].left = left, nodes_[size_t(at)].right = right;
        return at;
    }
    bool ends(int32_t at) const { return at < 0 || nodes_[size_t(at)].cut; }
    int32_t height(int32_t at) const { return ends(at) ? 0 : nodes_[size_t(at)].height; }
    int32_t choices(int32_t at) const {
        if (ends(at)) return 0;
        const int32_t left = nodes_[size_t(at)].left, right = nodes_[size_t(at)].right;
        return std::min(height(left), height(right)) + choices(left) + choices(right);
    }

    void add_piece(Open &o, int32_t root) {
        Bits::Piece piece{uint32_t(bits_.program.size()), uint32_t(bits_.maps.size()), 0, uint8_t(height(root)), false};
        const int32_t steps = choices(root);
        piece.steps = uint16_t(steps);
        piece.paths = piece.levels > 0 && piece.levels <= kPathLevels && 1 << piece.levels <= 2 * steps + 1;
        if (piece.paths) {
            bits_.program.resize(bits_.program.size() + (size_t(1) << piece.levels) - 1, 0);
            lay_path(root, piece.program, 0);
        } else {
            int32_t streams = kStreamLevels;
            do {
                steps_.clear(), planes_.clear(), values_ = 0;
                choose(root, streams);
            } while (!place_steps() && streams-- > 0);
            require(streams >= 0, "trees: too many vectors");
            for (const Step &step : steps_)
                for (const Vector v : {step.to, step.where, step.yes, step.no}) write(v);
            for (const Vector plane : planes_) write(plane);
        }
        std::vector<uint8_t> map(Bits::map_size(piece.levels), 0);
        fill(root, piece.levels, piece.paths, map.data());
        if (o.tree.mapped) {
            bits_.maps.insert(bits_.maps.end(), map.begin(), map.end());
        } else {
            for (size_t code = 0; code < size_t(1) << o.levels; ++code) set(o, code, map[code]);
        }
        if (o.tree.mapped)
            for (size_t leaf = 0; leaf < ends_.size(); ++leaf)
                if (numbers_[leaf] >= 0) set(o, size_t(numbers_[leaf]), uint8_t(numbers_[leaf]));
        bits_.pieces.push_back(piece);
    }
    // The leaf of each code: a node's mask is the highest bit of its height, or of each level in turn.
    void fill(int32_t at, int32_t levels, bool paths, uint8_t *map) {
        if (ends(at)) {
            std::fill_n(map, size_t(1) << levels, at < 0 ? number_leaf(~at) : kBelow);
            return;
        }
        const int32_t own = paths ? levels : height(at);
        const size_t half = size_t(1) << (own - 1);
        fill(nodes_[size_t(at)].left, own - 1, paths, map);
        fill(nodes_[size_t(at)].right, own - 1, paths, map + half);
        for (size_t from = 2 * half; from < size_t(1) << levels; from += 2 * half) std::copy_n(map, 2 * half, map + from);
    }
    uint8_t number_leaf(int32_t leaf) {
        if (numbers_[size_t(leaf)] < 0) {
            leaf_of_[numbered_] = leaf;
            numbers_[size_t(leaf)] = numbered_++;
        }
        return uint8_t(numbers_[size_t(leaf)]);
    }
    void set(Open &o, size_t index, uint8_t number) {
        for (int64_t c = 0; c < bits_.columns; ++c)
            o.values[(size_t(c) << o.levels) + index] = entry(leaf_of_[number], c);
    }
    Vector test(int32_t at) {
        const Node &n = nodes_[size_t(at)];
        if (n.set == nullptr) return ~n.test;
        const auto [found, fresh] = set_number_.try_emplace(n.set, int32_t(sets_.size()));
        if (fresh) {
            sets_.emplace_back();
            trees_.each_comparison(n, [&](int32_t plane, Key key) { sets_.back().push_back(number(plane, key)); });
        }
        return ~(kFirstSet + found->second);
    }
    void write(Vector v) {
        if (v < 0) patches_.push_back({uint32_t(bits_.program.size()), ~v});
        bits_.program.push_back(v < 0 ? uint16_t(0) : uint16_t(kUnit * v));
    }
    // `heap`: the node's place among the masks.
    void lay_path(int32_t at, size_t program, size_t heap) {
        if (ends(at)) return;
        patches_.push_back({uint32_t(program + heap), ~test(at)});
        lay_path(nodes_[size_t(at)].left, program, 2 * heap + 1);
        lay_path(nodes_[size_t(at)].right, program, 2 * heap + 2);
    }
    // Makes the steps of a node, the higher side first; leaves its planes on top of planes_, its own mask last. What a step
    // makes is given a number, and is read once. A step waits for those that it reads: so the sides of the nodes at the top,
    // `streams` levels of them, take turns.
    void choose(int32_t at, int32_t streams) {
        if (ends(at)) return;
        const Node n = nodes_[size_t(at)];
        const bool left_first = height(n.left) >= height(n.right);
        const size_t high = planes_.size(), first = steps_.size();
        choose(left_first ? n.left : n.right, streams - 1);
        const size_t low = planes_.size(), second = steps_.size();
        choose(left_first ? n.right : n.left, streams - 1);
        if (streams > 0) take_turns(first, second);
        const Vector mask = test(at);
        for (size_t i = 0; low + i < planes_.size(); ++i) {
            const Vector a = planes_[high + i], b = planes_[low + i];
            steps_.push_back({++values_, mask, left_first ? b : a, left_first ? a : b});
            planes_[high + i] = values_;
        }
        planes_.resize(low);
        planes_.push_back(mask);
    }
    // Of the steps from `first` on, those before `second` and those after, evenly mixed.
    void take_turns(size_t first, size_t second) {
        const std::vector<Step> given(steps_.begin() + int64_t(first), steps_.end());
        const size_t size = given.size(), left = second - first, right = size - left;
        for (size_t i = 0, a = 0, b = 0; i < size; ++i) {
            const bool from_left = b == right || (a < left && a * right <= b * left);
            steps_[first + i] = from_left ? given[a++] : given[left + b++];
        }
    }
    // Gives what steps make places among the slots; false where these are too few.
    bool place_steps() {
        std::vector<Vector> free, slot(size_t(values_) + 1);
        for (size_t i = kSlots; i > 0; --i) free.push_back(Vector(i));
        const auto placed = [&](Vector v) { return v > 0 ? slot[size_t(v)] : v; };
        for (Step &step : steps_) {
            step.yes = placed(step.yes), step.no = placed(step.no);
            for (const Vector read : {step.yes, step.no})
                if (read > 0) free.push_back(read);
            if (free.empty()) return false;
            step.to = slot[size_t(step.to)] = free.back(), free.pop_back();
        }
        for (Vector &plane : planes_) plane = placed(plane);
        return true;
    }

    void end_group() {
        if (open_.empty()) return;
        Bits::Group group{};
        group.target = open_target_, group.levels = 4, group.count = uint8_t(open_.size());
        for (const Open &o : open_) group.levels = std::max(group.levels, o.levels);
        group.table = uint32_t(bits_.tables.size());
        bits_.tables.resize(bits_.tables.size() + bits_.lines_of(group));
        for (size_t t = 0; t < together(); ++t) {
            group.trees[t] = t < open_.size() ? open_[t].tree : Bits::Tree{};
            if (t >= open_.size()) continue;
            const size_t own = size_t(1) << open_[t].levels;
            for (size_t c = 0; c < size_t(bits_.columns); ++c)
                for (size_t i = 0; i < own; ++i) bits_.entry(group, c, t, i) = open_[t].values[c * own + i];
        }
        bits_.groups.push_back(group);
        open_.clear();
    }

    size_t together() const { return size_t(bits_.together); }

    // Ends the chunk: numbers its tests plane by plane, and lays out the searches for ranks.
    void close() {
        end_group();
        if (bits_.groups.size() == groups_done_) {
            forget();
            return;
        }
        std::vector<int32_t> place(pairs_.size());
        std::vector<size_t> ends(used_.size());  // of the planes' tests; where the next is put, until all are
        for (size_t plane = 1; plane < used_.size(); ++plane) ends[plane] = ends[plane - 1] + used_[plane - 1];
        std::vector<std::pair<Key, int32_t>> order(pairs_.size());
        for (size_t i = 0; i < pairs_.size(); ++i) order[ends[size_t(pairs_[i].first)]++] = {pairs_[i].second, int32_t(i)};
        std::vector<std::pair<uint8_t, uint8_t>> lane(pairs_.size());  // plane and rank of each
        Bits::Chunk chunk{bits_.ranked.size(), 0, groups_done_, bits_.groups.size(), bits_.sets.size(), 0};
        for (size_t plane = 0, begin = 0; plane < ends.size(); begin = ends[plane++]) {
            std::sort(order.begin() + int64_t(begin), order.begin() + int64_t(ends[plane]));
            const size_t count = ends[plane] - begin, parts = (count + kRankedKeys - 1) / kRankedKeys;
            for (size_t part = 0; part < parts; ++part) {
                const size_t from = begin + count * part / parts, to = begin + count * (part + 1) / parts;
                std::vector<Key> keys;
                for (size_t at = from; at < to; ++at) {
                    const size_t test = size_t(order[at].second);
                    place[test] = int32_t(at) + 1;
                    lane[test] = {uint8_t(bits_.ranked.size() - chunk.ranked), uint8_t(at - from)};
                    keys.push_back(order[at].first);
                }
                rank(int32_t(plane), keys);
            }
        }
        chunk.ranked_end = bits_.ranked.size();
        const size_t shared = lay_sets(place);
        chunk.sets_end = bits_.sets.size();
        for (const auto &[at, test] : patches_) {
            const size_t mask = test < kFirstSet ? size_t(place[size_t(test)]) : pairs_.size() + shared + size_t(test - kFirstSet) + 1;
            bits_.program[at] = uint16_t(kUnit * (mask + kSlots));
        }
        if (chunk.ranked_end - chunk.ranked > kLanePlanes) lanes_.reset();
        if (lanes_ && !lanes_->close([&](int32_t test) { return lane[size_t(test)]; },
                                     [&](int32_t test) { return test < kFirstSet ? nullptr : &sets_[size_t(test - kFirstSet)]; },
                                     [&](uint8_t plane) { return size_t(bits_.ranked[chunk.ranked + plane].count); }))
            lanes_.reset();
        bits_.most_tests = std::max(bits_.most_tests, pairs_.size() + shared + sets_.size());
        bits_.chunks.push_back(chunk);
        size_t trees = 0;
        for (size_t g = chunk.groups; g < chunk.groups_end; ++g) trees += bits_.groups[g].count;
        bits_.most_trees = std::max(bits_.most_trees, trees);
        groups_done_ = bits_.groups.size();
        forget();
    }
    // Lays the chunk's sets, after what several of them have of four tests that are neighbours: that is a set of its own, made
    // once. Returns how many of those there are. `place` of a test: its number and one.
    size_t lay_sets(const std::vector<int32_t> &place) {
        std::vector<std::vector<uint32_t>> parts;  // of each set: sixteen times the four's number, and a bit for each
        std::unordered_map<uint32_t, int32_t> times;
        for (const auto &set : sets_) {
            std::vector<uint32_t> numbers, &own = parts.emplace_back();
            for (const int32_t test : set) numbers.push_back(uint32_t(place[size_t(test)] - 1));
            std::sort(numbers.begin(), numbers.end());
            for (const uint32_t number : numbers) {
                if (own.empty() || own.back() / 16 != number / 4) own.push_back(number / 4 * 16);
                own.back() ^= 1u << number % 4;
            }
            for (const uint32_t part : own) ++times[part];
        }
        auto &tests = bits_.set_tests;
        const auto add_tests = [&](uint32_t part) {
            for (uint32_t i = 0; i < 4; ++i)
                if (part >> i & 1) tests.push_back(uint16_t(part / 16 * 4 + i));
        };
        std::unordered_map<uint32_t, uint16_t> shared;
        const size_t room = kChunkTests - pairs_.size() - sets_.size();
        for (const auto &own : parts)
            for (const uint32_t part : own) {
                if (times[part] < 2 || std::popcount(part % 16) < 2 || shared.size() == room) continue;
                if (!shared.try_emplace(part, uint16_t(pairs_.size() + shared.size())).second) continue;
                const uint32_t first = uint32_t(tests.size());
                add_tests(part);
                bits_.sets.push_back({first, uint32_t(tests.size())});
            }
        for (const auto &own : parts) {
            const uint32_t first = uint32_t(tests.size());
            for (const uint32_t part : own) {
                const auto found = shared.find(part);
                if (found == shared.end())
                    add_tests(part);
                else
                    tests.push_back(found->second);
            }
            bits_.sets.push_back({first, uint32_t(tests.size())});
        }
        return shared.size();
    }
    void forget() {
        sets_.clear(), set_number_.clear(), pairs_.clear(), patches_.clear();
        number_.assign(kPlaces, -1), used_.assign(trees_.planes(), 0), ranked_ = 0;
    }
    void rank(int32_t plane, const std::vector<Key> &keys) {
        if (lanes_) lanes_->add_keys(keys);
        auto &limits = either(bits_.limits32, bits_.limits64);
        // What lies beyond them no number is.
        if (Trees::whole && keys.size() <= kFewKeys<Key> && keys.front() >= Keys<Key>::of(-infinity) && keys.back() <= Keys<Key>::of(infinity)) {
            bits_.ranked.push_back({plane, uint32_t(limits.size()), uint32_t(keys.size()), 0});
            for (const Key key : keys) limits.push_back(Keys<Key>::number(key));
            return;
        }
        auto &search = either(bits_.search32, bits_.search64);
        const int levels = std::bit_width(keys.size());
        const size_t at = search.size();
        bits_.ranked.push_back({plane, uint32_t(at), uint32_t(keys.size()), uint8_t(levels)});
        search.resize(at + Bits::search_size(levels), Keys<Key>::nan_right);
        for (int level = 0; level < levels; ++level) {
            for (size_t turns = 0; turns < size_t(1) << level; ++turns) {
                size_t middle = (size_t(1) << (levels - 1 - level)) - 1;
                for (int turn = 0; turn < level; ++turn) middle += (turns >> turn & 1) << (levels - 1 - turn);
                if (middle < keys.size()) search[at + Bits::level_start(level) + turns] = keys[middle];
            }
        }
    }

    template <class A, class B>
    static auto &either(A &narrow, B &wide) {
        if constexpr (sizeof(Key) == 4)
            return narrow;
        else
            return wide;
    }

    static constexpr auto infinity = std::numeric_limits<typename Keys<Key>::Real>::infinity();
    const Trees &trees_;
    Bits bits_;
    const bool by_register_ = std::string_view(instruction_set()) == "avx512";  // tables are looked up in registers
    std::vector<Node> nodes_;
    std::vector<int32_t> ends_;
    std::vector<int32_t> numbers_;  // of leaves, in the order in which pieces meet them
    int32_t leaf_of_[kMostLeaves], numbered_ = 0;
    std::vector<Step> steps_;  // of the piece that is added
    std::vector<Vector> planes_;
    Vector values_ = 0;
    int32_t root_ = ~0, open_target_ = 0;
    std::vector<Open> open_;
    std::optional<LaneBuilder> lanes_;
    std::vector<std::pair<int32_t, Key>> pairs_;
    std::vector<std::vector<int32_t>> sets_;  // of the open chunk: tests
    std::unordered_map<const void *, int32_t> set_number_;
    std::vector<int32_t> number_ = std::vector<int32_t>(kPlaces, -1);  // in pairs_
    std::vector<size_t> used_ = std::vector<size_t>(trees_.planes(), 0);  // tests of each plane
    size_t ranked_ = 0;                                                   // as many as they will be in the chunk
    std::vector<std::pair<uint32_t, int32_t>> patches_;
    size_t groups_done_ = 0;
};

}  // namespace celeris::trees
