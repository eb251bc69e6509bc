#ifndef VECTORENGINE_KERNEL_TABLE_H
#define VECTORENGINE_KERNEL_TABLE_H

#include "vectorengine_kernels.h"

namespace vectorengine {

/* The kernels of one instruction set; the members are documented in vectorengine_kernels.h. */
struct KernelTable {
    bool (*is_supported)();
    float (*dot)(const float *x, const float *y, size_t length);
    float (*dot_half)(const float *x, const uint16_t *y, size_t length);
    float (*squared_l2)(const float *x, const float *y, size_t length);
    float (*squared_l2_half)(const float *x, const uint16_t *y, size_t length);
    void (*dot_rows)(const float *x, size_t length, const float *rows, size_t count, float *results);
    void (*squared_l2_rows)(const float *x, size_t length, const float *rows, size_t count, float *results);
    int32_t tile_columns;
    void (*dot_tile)(const float *rows, const float *panel, size_t dimensions, float *results);
    void (*hadamard)(float *x, size_t length);
    void (*multiply)(float *x, const float *factors, size_t length);
    void (*butterfly)(float *x, float *y, size_t length);
    void (*score_scale)(const float *residual, size_t length, float scale, float *dot, float *squared_norm);
    void (*fast_scan)(const uint8_t *blocks, size_t block_stride, size_t block_count, const uint8_t *table, size_t table_length,
                      int32_t *sums);
    uint32_t (*select_below)(const int32_t *sums, const uint8_t *factors, const ve_bound_constants *constants, float threshold);
    int32_t (*dot_ex_code)(const uint8_t *code, size_t dimensions, const int8_t *query);
};

extern const KernelTable scalar_kernels;

} // namespace vectorengine

#endif
