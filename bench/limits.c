// What this processor can do at best, for bench/limits.py: copy memory, multiply and add, visit nodes of trees.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

// Bytes read and written a second by memcpy of so many bytes.
double copy(size_t bytes) {
    char *from = malloc(bytes), *to = malloc(bytes);
    memset(from, 1, bytes), memset(to, 2, bytes);
    double best = 1e9;
    for (int i = 0; i < 8; ++i) {
        double start = now();
        for (size_t done = 0; done < (64u << 20); done += bytes) {
            memcpy(to, from, bytes);
            __asm__ volatile("" ::: "memory");
        }
        double took = (now() - start) / (((64u << 20) + bytes - 1) / bytes);
        if (took < best) best = took;
    }
    free(from), free(to);
    return 2 * bytes / best;
}

// Floating-point operations a second: float32 products and sums, fused where it can, in registers as wide as the processor has.
double multiply_add(void) {
    enum { WIDTH = 16, CHAINS = 12 };
    typedef float lanes __attribute__((vector_size(4 * WIDTH)));
    lanes sum[CHAINS], by, plus;
    for (int l = 0; l < WIDTH; ++l) by[l] = 0.999f, plus[l] = 0.001f;
    for (int c = 0; c < CHAINS; ++c) sum[c] = by * (float)c;
    double best = 1e9;
    for (int i = 0; i < 5; ++i) {
        double start = now();
        for (int n = 0; n < 1000000; ++n)
            for (int c = 0; c < CHAINS; ++c) sum[c] = sum[c] * by + plus;
        double took = now() - start;
        if (took < best) best = took;
    }
    for (int c = 0; c < CHAINS; ++c) __asm__ volatile("" ::"m"(sum[c]));
    return 2.0 * WIDTH * CHAINS * 1000000 / best;
}

// Nodes visited a second, 16 walks at once without branches, in a complete tree of so many levels under random rows.
double visits(int levels) {
    enum { ROWS = 4096, FEATURES = 16, WALKS = 16 };
    struct node {
        float threshold;
        uint32_t feature;
    };
    size_t nodes = ((size_t)1 << levels) - 1;
    struct node *tree = malloc(nodes * sizeof *tree);
    float *rows = malloc(sizeof(float) * ROWS * FEATURES);
    uint32_t seed = 1;
    for (size_t i = 0; i < nodes; ++i) {
        seed = seed * 1664525u + 1013904223u;
        tree[i].threshold = (seed >> 8) / (float)(1 << 24), tree[i].feature = (seed >> 3) % FEATURES;
    }
    for (size_t i = 0; i < (size_t)ROWS * FEATURES; ++i) {
        seed = seed * 1664525u + 1013904223u;
        rows[i] = (seed >> 8) / (float)(1 << 24);
    }
    double best = 1e9;
    for (int round = 0; round < 20; ++round) {
        double start = now();
        for (size_t row = 0; row < ROWS; row += WALKS) {
            uint32_t at[WALKS] = {0};
            const float *x = rows + row * FEATURES;
            for (int level = 0; level < levels; ++level)
                for (int w = 0; w < WALKS; ++w) {
                    struct node node = tree[at[w]];
                    at[w] = 2 * at[w] + 1 + (x[w * FEATURES + node.feature] > node.threshold);
                }
            for (int w = 0; w < WALKS; ++w) __asm__ volatile("" ::"r"(at[w]));
        }
        double took = now() - start;
        if (took < best) best = took;
    }
    free(tree), free(rows);
    return (double)ROWS * levels / best;
}
