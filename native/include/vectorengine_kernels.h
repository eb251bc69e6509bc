/*
 * The hot loops of VectorEngine as a C ABI: optional, found at run time, and held to the managed kernels' results.
 *
 * Integer kernels, ve_select_below, ve_hadamard, ve_multiply and ve_butterfly give the same bits on every instruction set; the others may
 * sum in any order. Floats are finite. No function allocates, keeps a pointer, or fails: lengths and ranges are the caller's duty, and
 * nothing is read or written beyond what each function states. All functions may be called from any thread at once. A pointer may be null
 * where its length is 0. The machine is little-endian.
 */
#ifndef VECTORENGINE_KERNELS_H
#define VECTORENGINE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(VE_BUILDING)
#define VE_API __declspec(dllexport)
#else
#define VE_API __declspec(dllimport)
#endif
#elif defined(VE_BUILDING)
#define VE_API __attribute__((visibility("default")))
#else
#define VE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a function, or the meaning of an argument, changes. */
#define VE_ABI_VERSION 1

/* Bytes behind an ex-code that ve_dot_ex_code may read and ignore. */
#define VE_EX_CODE_OVERREAD 16

/* What a query and one posting list contribute to the lower bounds of the list's postings. */
typedef struct ve_bound_constants {
    float base;  /* added to every posting's add factor */
    float step;  /* value of one unit of a ve_fast_scan sum */
    float bias;  /* added to the sum before it is rescaled */
    float error; /* multiplies every posting's error factor */
} ve_bound_constants;

/* The VE_ABI_VERSION that the library was built with; to be checked before any other call. */
VE_API int32_t ve_abi_version(void);

/* The sum of x[i] y[i]; y is float32, or float16 as its bits. */
VE_API float ve_dot(const float *x, const float *y, size_t length);
VE_API float ve_dot_half(const float *x, const uint16_t *y, size_t length);

/* The sum of (x[i] - y[i])^2; y is float32, or float16 as its bits. */
VE_API float ve_squared_l2(const float *x, const float *y, size_t length);
VE_API float ve_squared_l2_half(const float *x, const uint16_t *y, size_t length);

/* results[i] = ve_dot or ve_squared_l2 of x and row i of a count x length matrix. */
VE_API void ve_dot_rows(const float *x, size_t length, const float *rows, size_t count, float *results);
VE_API void ve_squared_l2_rows(const float *x, size_t length, const float *rows, size_t count, float *results);

/* Columns of a panel in ve_dot_tile; the same for the life of the process. */
VE_API int32_t ve_tile_columns(void);

/* A tile of a matrix product, all row-major: rows 4 x dimensions, panel dimensions x columns, results 4 x columns. */
VE_API void ve_dot_tile(const float *rows, const float *panel, size_t dimensions, float *results);

/* The unnormalised Walsh-Hadamard transform in place; length: a power of two of at least 16. */
VE_API void ve_hadamard(float *x, size_t length);

/* x[i] *= factors[i]; length: a multiple of 16. */
VE_API void ve_multiply(float *x, const float *factors, size_t length);

/* (x[i], y[i]) becomes (x[i] + y[i], x[i] - y[i]) / sqrt(2); length: a multiple of 8. */
VE_API void ve_butterfly(float *x, float *y, size_t length);

/* The sums of |r[i]| m[i] and of m[i]^2 for m[i] = min(7, floor(|r[i]| scale)) + 1/2; length: a multiple of 16. */
VE_API void ve_score_scale(const float *residual, size_t length, float scale, float *dot, float *squared_norm);

/*
 * A whole posting list of sign codes: block b of 32 postings starts with its codes at blocks + b block_stride. Codes are groups of 16 bytes,
 * one group for 4 dimensions; in a group, byte 2j holds postings j (bits 0-3) and 16 + j (bits 4-7), byte 2j + 1 postings 8 + j and 24 + j.
 * table: 16 entries for each group, those of groups 64 bytes apart in 128 adding up to
 * at most 255; table_length a multiple of 64, at most 32,768.
 * sums[32 b + i]: the sum over the groups of the entries that posting i of block b selects.
 */
VE_API void ve_fast_scan(const uint8_t *blocks, size_t block_stride, size_t block_count, const uint8_t *table, size_t table_length,
                         int32_t *sums);

/*
 * Bit i is set if (add[i] + base) + rescale[i] (sums[i] step + bias) - error[i] error <= threshold, for the 32 postings of a block;
 * each product and the sum it enters are one fused multiply-add. factors: 32 add (float32), 32 rescale (float32), 32 error (bfloat16).
 */
VE_API uint32_t ve_select_below(const int32_t *sums, const uint8_t *factors, const ve_bound_constants *constants, float threshold);

/*
 * The inner product of a 3-bit code with signed bytes; dimensions: a multiple of 16. In unit u of 64 dimensions the query's byte
 * 64u + 16l + j (l < 4, j < 16) meets bits 2l and 2l + 1 of byte 16u + j of the two-bit plane (dimensions / 4 bytes) and, as the upper bit,
 * bit l (j < 8) or l + 4 of byte 8u + j mod 8 of the one-bit plane behind it. query: whole units, zero where j has no dimension; a last unit
 * of fewer dimensions uses j < rest / 4. VE_EX_CODE_OVERREAD bytes behind the code are readable.
 */
VE_API int32_t ve_dot_ex_code(const uint8_t *code, size_t dimensions, const int8_t *query);

#ifdef __cplusplus
}
#endif

#endif
