#include "kernel_table.h"

namespace {

using vectorengine::KernelTable;

/* Best first; the last runs everywhere. */
const KernelTable *const tables[] = {&vectorengine::scalar_kernels};

const KernelTable &select() {
    const KernelTable *const *table = tables;
    while (!(*table)->is_supported())
        ++table;
    return **table;
}

/* The only place where an instruction set is chosen: once, when the library is loaded. */
const KernelTable &kernels = select();

} // namespace

int32_t ve_abi_version(void) { return VE_ABI_VERSION; }

float ve_dot(const float *x, const float *y, size_t length) { return kernels.dot(x, y, length); }

float ve_dot_half(const float *x, const uint16_t *y, size_t length) { return kernels.dot_half(x, y, length); }

float ve_squared_l2(const float *x, const float *y, size_t length) { return kernels.squared_l2(x, y, length); }

float ve_squared_l2_half(const float *x, const uint16_t *y, size_t length) { return kernels.squared_l2_half(x, y, length); }

void ve_dot_rows(const float *x, size_t length, const float *rows, size_t count, float *results) {
    kernels.dot_rows(x, length, rows, count, results);
}

void ve_squared_l2_rows(const float *x, size_t length, const float *rows, size_t count, float *results) {
    kernels.squared_l2_rows(x, length, rows, count, results);
}

int32_t ve_tile_columns(void) { return kernels.tile_columns; }

void ve_dot_tile(const float *rows, const float *panel, size_t dimensions, float *results) {
    kernels.dot_tile(rows, panel, dimensions, results);
}

void ve_hadamard(float *x, size_t length) { kernels.hadamard(x, length); }

void ve_multiply(float *x, const float *factors, size_t length) { kernels.multiply(x, factors, length); }

void ve_butterfly(float *x, float *y, size_t length) { kernels.butterfly(x, y, length); }

void ve_score_scale(const float *residual, size_t length, float scale, float *dot, float *squared_norm) {
    kernels.score_scale(residual, length, scale, dot, squared_norm);
}

void ve_fast_scan(const uint8_t *blocks, size_t block_stride, size_t block_count, const uint8_t *table, size_t table_length,
                  int32_t *sums) {
    kernels.fast_scan(blocks, block_stride, block_count, table, table_length, sums);
}

uint32_t ve_select_below(const int32_t *sums, const uint8_t *factors, const ve_bound_constants *constants, float threshold) {
    return kernels.select_below(sums, factors, constants, threshold);
}

int32_t ve_dot_ex_code(const uint8_t *code, size_t dimensions, const int8_t *query) {
    return kernels.dot_ex_code(code, dimensions, query);
}
