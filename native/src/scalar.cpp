/* Plain loops: what every other instruction set must compute. */
#include "kernel_table.h"

#include <cmath>
#include <cstring>

namespace {

constexpr int32_t tile_columns = 12;

bool is_supported() { return true; }

/* For finite values; as in the managed kernels, the multiplication makes subnormals right. */
float widen(uint16_t half) {
    constexpr float rebias = 0x1p112f;
    uint32_t magnitude = (half & 0x7FFFu) << 13, sign = (half & 0x8000u) << 16;
    float value;
    std::memcpy(&value, &magnitude, sizeof value);
    value *= rebias;
    return sign != 0 ? -value : value;
}

float widen(float value) { return value; }

template <typename T> float dot(const float *x, const T *y, size_t length) {
    float sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += x[i] * widen(y[i]);
    return sum;
}

template <typename T> float squared_l2(const float *x, const T *y, size_t length) {
    float sum = 0;
    for (size_t i = 0; i < length; i++) {
        float difference = x[i] - widen(y[i]);
        sum += difference * difference;
    }
    return sum;
}

void dot_rows(const float *x, size_t length, const float *rows, size_t count, float *results) {
    for (size_t row = 0; row < count; row++)
        results[row] = dot(x, rows + row * length, length);
}

void squared_l2_rows(const float *x, size_t length, const float *rows, size_t count, float *results) {
    for (size_t row = 0; row < count; row++)
        results[row] = squared_l2(x, rows + row * length, length);
}

void dot_tile(const float *rows, const float *panel, size_t dimensions, float *results) {
    for (size_t row = 0; row < 4; row++) {
        float sums[tile_columns] = {};
        for (size_t i = 0; i < dimensions; i++) {
            for (size_t column = 0; column < tile_columns; column++)
                sums[column] += rows[row * dimensions + i] * panel[i * tile_columns + column];
        }
        std::memcpy(results + row * tile_columns, sums, sizeof sums);
    }
}

void hadamard(float *x, size_t length) {
    for (size_t half = 1; half < length; half *= 2) {
        for (size_t start = 0; start < length; start += 2 * half) {
            for (size_t i = start; i < start + half; i++) {
                float a = x[i], b = x[i + half];
                x[i] = a + b;
                x[i + half] = a - b;
            }
        }
    }
}

void multiply(float *x, const float *factors, size_t length) {
    for (size_t i = 0; i < length; i++)
        x[i] *= factors[i];
}

void butterfly(float *x, float *y, size_t length) {
    constexpr float half_root = 0.70710678f;
    for (size_t i = 0; i < length; i++) {
        float a = x[i], b = y[i];
        x[i] = (a + b) * half_root;
        y[i] = (a - b) * half_root;
    }
}

void score_scale(const float *residual, size_t length, float scale, float *dot, float *squared_norm) {
    float sum = 0, squares = 0;
    for (size_t i = 0; i < length; i++) {
        float magnitude = std::fabs(residual[i]);
        float code = std::fmin(7.0f, std::floor(magnitude * scale)) + 0.5f;
        sum += magnitude * code;
        squares += code * code;
    }
    *dot = sum;
    *squared_norm = squares;
}

void fast_scan(const uint8_t *blocks, size_t block_stride, size_t block_count, const uint8_t *table, size_t table_length, int32_t *sums) {
    for (size_t b = 0; b < block_count; b++) {
        const uint8_t *codes = blocks + b * block_stride;
        int32_t *sum = sums + 32 * b;
        std::memset(sum, 0, 32 * sizeof *sum);
        for (size_t group = 0; group < table_length; group += 16) {
            for (size_t j = 0; j < 8; j++) {
                uint8_t even = codes[group + 2 * j], odd = codes[group + 2 * j + 1];
                sum[j] += table[group + (even & 15)];
                sum[8 + j] += table[group + (odd & 15)];
                sum[16 + j] += table[group + (even >> 4)];
                sum[24 + j] += table[group + (odd >> 4)];
            }
        }
    }
}

float load_float(const uint8_t *bytes) {
    float value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

float load_bfloat16(const uint8_t *bytes) {
    uint16_t upper;
    std::memcpy(&upper, bytes, sizeof upper);
    uint32_t bits = uint32_t{upper} << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

uint32_t select_below(const int32_t *sums, const uint8_t *factors, const ve_bound_constants *constants, float threshold) {
    uint32_t selected = 0;
    for (uint32_t i = 0; i < 32; i++) {
        float add = load_float(factors + 4 * i), rescale = load_float(factors + 128 + 4 * i);
        float error = load_bfloat16(factors + 256 + 2 * i);
        float inner = std::fma(static_cast<float>(sums[i]), constants->step, constants->bias);
        float estimate = std::fma(rescale, inner, add + constants->base);
        float bound = std::fma(-error, constants->error, estimate);
        if (bound <= threshold)
            selected |= 1u << i;
    }
    return selected;
}

int32_t dot_ex_code(const uint8_t *code, size_t dimensions, const int8_t *query) {
    const uint8_t *low = code, *high = code + dimensions / 4;
    int32_t sum = 0;
    for (size_t start = 0; start < dimensions; start += 64) {
        size_t rest = dimensions - start, width = (rest < 64 ? rest : 64) / 4;
        for (size_t l = 0; l < 4; l++) {
            for (size_t j = 0; j < width; j++) {
                int32_t lower = (low[start / 4 + j] >> (2 * l)) & 3;
                int32_t upper = (high[start / 8 + j % 8] >> (l + j / 8 * 4)) & 1;
                sum += (lower + 4 * upper) * query[start + 16 * l + j];
            }
        }
    }
    return sum;
}

} // namespace

const vectorengine::KernelTable vectorengine::scalar_kernels = {
    is_supported, dot<float>, dot<uint16_t>, squared_l2<float>, squared_l2<uint16_t>, dot_rows, squared_l2_rows, tile_columns, dot_tile,
    hadamard, multiply, butterfly, score_scale, fast_scan, select_below, dot_ex_code,
};
