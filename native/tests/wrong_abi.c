#include "vectorengine_kernels.h"

int32_t ve_abi_version(void) { return VE_ABI_VERSION + 1; }
