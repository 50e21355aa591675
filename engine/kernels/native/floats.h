/* Registers of float32 numbers: `Floats` holds LANES of them, in the widest registers that a file is compiled for.

The compiler gives +, - and * for them. Contraction is off (-ffp-contract=off): a product is rounded before it is added,
so that a lane holds the same bits on every instruction set. */

#ifndef DOCSEARCH_FLOATS_H
#define DOCSEARCH_FLOATS_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__) && !defined(PLAIN_C)
#include <arm_neon.h>
#endif

#if defined(__AVX512BW__)
typedef __m512 Floats;
#elif defined(__AVX2__)
typedef __m256 Floats;
#else /* four numbers in the registers of SSE2 or NEON, or whatever else there is */
typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Ints __attribute__((vector_size(16)));
#endif

enum { LANES = sizeof(Floats) / sizeof(float) };

static inline Floats broadcast(float number) {
#if defined(__AVX512BW__)
    return _mm512_set1_ps(number);
#elif defined(__AVX2__)
    return _mm256_set1_ps(number);
#else
    return (Floats){number, number, number, number};
#endif
}

static inline Floats load_floats(const float *from) {
    Floats numbers;
    memcpy(&numbers, from, sizeof numbers);
    return numbers;
}

static inline void store_floats(float *to, Floats numbers) { memcpy(to, &numbers, sizeof numbers); }

/* The larger number in each lane; that of `b` where one is not a number. */
static inline Floats larger(Floats a, Floats b) {
#if defined(__AVX512BW__)
    return _mm512_max_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_max_ps(a, b);
#else
    const Ints is_larger = a > b;
    return (Floats)(((Ints)a & is_larger) | ((Ints)b & ~is_larger));
#endif
}

/* The smaller number in each lane; that of `b` where one is not a number. */
static inline Floats smaller(Floats a, Floats b) {
#if defined(__AVX512BW__)
    return _mm512_min_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_min_ps(a, b);
#else
    const Ints is_smaller = a < b;
    return (Floats)(((Ints)a & is_smaller) | ((Ints)b & ~is_smaller));
#endif
}

#endif
