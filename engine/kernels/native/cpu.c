/* What this processor and its system can run: a bit for each instruction set, in the order of `library.FEATURES`. */

#include "kernel.h"

enum { AVX2 = 1, AVX512 = 2, AVX_VNNI = 4, AVX512_VNNI = 8, DOT_PRODUCTS = 16 };

#ifndef SOURCES
#define SOURCES ""
#endif
#ifndef INSTRUCTION_SETS
#define INSTRUCTION_SETS "scalar"
#endif

#if defined(__x86_64__)

#include <cpuid.h>

static int has(uint32_t word, int bit) { return (int)(word >> bit & 1); }

/* The vector registers that the system saves when it switches threads: a mask of the bits of XCR0. */
static uint32_t saved_registers(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static int features(void) {
    enum { YMM = 0x6, ZMM = 0xe6 };
    uint32_t a, b1, c1, d, a7, b7, c7, d7, a71 = 0, b, c;
    if (!__get_cpuid(1, &a, &b1, &c1, &d) || !__get_cpuid_count(7, 0, &a7, &b7, &c7, &d7))
        return 0;
    const int fma = has(c1, 12), popcnt = has(c1, 23), osxsave = has(c1, 27), avx = has(c1, 28), f16c = has(c1, 29);
    const int bmi = has(b7, 3), avx2 = has(b7, 5), bmi2 = has(b7, 8);
    if (!(osxsave && avx && avx2 && fma && f16c && bmi && bmi2 && popcnt) || (saved_registers() & YMM) != YMM)
        return 0;
    int found = AVX2;
    if (a7 >= 1)
        __get_cpuid_count(7, 1, &a71, &b, &c, &d);
    if (has(a71, 4))
        found |= AVX_VNNI;
    /* F, DQ, CD, BW and VL. */
    if (has(b7, 16) && has(b7, 17) && has(b7, 28) && has(b7, 30) && has(b7, 31) && (saved_registers() & ZMM) == ZMM) {
        found |= AVX512;
        if (has(c7, 11))
            found |= AVX512_VNNI;
    }
    return found;
}

#elif defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

/* Bit 20 of the kernel's capabilities: ASIMDDP. */
static int features(void) { return getauxval(AT_HWCAP) >> 20 & 1 ? DOT_PRODUCTS : 0; }

#elif defined(__aarch64__) && defined(__APPLE__)

/* Every Apple processor that macOS runs on has them. */
static int features(void) { return DOT_PRODUCTS; }

#elif defined(__aarch64__) && defined(_WIN32)

#include <windows.h>

/* 43: PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE. */
static int features(void) { return IsProcessorFeaturePresent(43) ? DOT_PRODUCTS : 0; }

#else

static int features(void) { return 0; }

#endif

EXPORT int docsearch_features(void) { return features(); }

/* The hash of the sources that this library was compiled from. */
EXPORT const char *docsearch_sources(void) { return SOURCES; }

/* The instruction sets that it was compiled for, with spaces between them. */
EXPORT const char *docsearch_instruction_sets(void) { return INSTRUCTION_SETS; }
