/* Links against the library, from C, and checks one value of each kind of kernel; the managed property tests check the rest. */
#include "vectorengine_kernels.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void check(int condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "failed: %s\n", what);
        failures++;
    }
}

int main(void) {
    check(ve_abi_version() == VE_ABI_VERSION, "ABI version");
    check(ve_tile_columns() > 0, "tile columns");

    float x[16], y[16];
    for (int i = 0; i < 16; i++) {
        x[i] = (float)i;
        y[i] = 2;
    }
    check(ve_dot(x, y, 16) == 240, "dot");
    check(ve_squared_l2(x, y, 16) == 824, "squared L2");
    const uint16_t halves[2] = {0x3C00, 0xC000}; /* 1, -2 */
    check(ve_dot_half(y, halves, 2) == -2, "dot of float16");
    ve_hadamard(y, 16);
    check(y[0] == 32 && y[1] == 0, "hadamard");

    uint8_t table[64], block[64];
    int32_t sums[32];
    memset(table, 127, sizeof table);
    memset(block, 0xFF, sizeof block);
    ve_fast_scan(block, sizeof block, 1, table, sizeof table, sums);
    check(sums[0] == 508 && sums[31] == 508, "fast scan");

    uint8_t factors[320] = {0};
    const ve_bound_constants constants = {0, 1, 0, 1};
    check(ve_select_below(sums, factors, &constants, 0) == 0xFFFFFFFFu, "select below");
    check(ve_select_below(sums, factors, &constants, -1) == 0, "select below none");

    uint8_t code[24 + VE_EX_CODE_OVERREAD];
    int8_t query[64];
    memset(code, 0xFF, sizeof code);
    memset(query, -128, sizeof query);
    check(ve_dot_ex_code(code, 64, query) == 64 * 7 * -128, "ex-code");
    return failures;
}
