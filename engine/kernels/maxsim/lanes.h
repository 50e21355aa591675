/* The vector registers of each instruction set, for MaxSim: LANES numbers of 32 bits, one for each query vector.

`dot_pairs` adds the products of two 16-bit numbers of each lane; where BYTE_PRODUCTS is defined, `dot_bytes` adds those
of four bytes of each lane. A tile of TILE patches and two registers of query vectors fill the register file with sums. */

#ifndef DOCSEARCH_LANES_H
#define DOCSEARCH_LANES_H

#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline, unused))
#define UNROLLED _Pragma("GCC unroll 16")

/* Keeps a sum in its register: GCC would copy it there and back in each step. */
#if defined(__SSE2__) && !defined(PLAIN_C)
#define IN_PLACE(sum) __asm__ volatile("" : "+v"(sum))
#else
#define IN_PLACE(sum) (void)(sum)
#endif

INLINE int32_t word_at(const void *place) {
    int32_t word;
    memcpy(&word, place, sizeof word);
    return word;
}

#if defined(__AVX512BW__)

#include <immintrin.h>

enum { LANES = 16, TILE = 8 };
typedef __m512i ints;
typedef __m512 floats;

INLINE ints zero_ints(void) { return _mm512_setzero_si512(); }
INLINE floats zero_floats(void) { return _mm512_setzero_ps(); }
INLINE ints load_ints(const void *place) { return _mm512_loadu_si512(place); }
INLINE floats load_floats(const float *place) { return _mm512_loadu_ps(place); }
INLINE void store_floats(float *place, floats numbers) { _mm512_storeu_ps(place, numbers); }
INLINE ints every_word(const void *place) { return _mm512_set1_epi32(word_at(place)); }
INLINE floats every_float(float number) { return _mm512_set1_ps(number); }
INLINE floats to_floats(ints numbers) { return _mm512_cvtepi32_ps(numbers); }
INLINE floats add(floats a, floats b) { return _mm512_add_ps(a, b); }
INLINE floats subtract(floats a, floats b) { return _mm512_sub_ps(a, b); }
INLINE floats multiply(floats a, floats b) { return _mm512_mul_ps(a, b); }
INLINE floats multiply_add(floats a, floats b, floats sum) { return _mm512_fmadd_ps(a, b, sum); }
INLINE floats larger(floats number, floats best) { return _mm512_max_ps(number, best); }
INLINE uint32_t not_below(floats a, floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }

#if defined(__AVX512VNNI__)
#define BYTE_PRODUCTS 1
INLINE ints dot_pairs(ints sum, ints a, ints b) { return _mm512_dpwssd_epi32(sum, a, b); }
INLINE ints dot_bytes(ints sum, ints query, ints patch) { return _mm512_dpbusd_epi32(sum, patch, query); }
#else
INLINE ints dot_pairs(ints sum, ints a, ints b) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
#endif

#elif defined(__AVX2__)

#include <immintrin.h>

enum { LANES = 8, TILE = 4 };
typedef __m256i ints;
typedef __m256 floats;

INLINE ints zero_ints(void) { return _mm256_setzero_si256(); }
INLINE floats zero_floats(void) { return _mm256_setzero_ps(); }
INLINE ints load_ints(const void *place) { return _mm256_loadu_si256((const __m256i *)place); }
INLINE floats load_floats(const float *place) { return _mm256_loadu_ps(place); }
INLINE void store_floats(float *place, floats numbers) { _mm256_storeu_ps(place, numbers); }
INLINE ints every_word(const void *place) { return _mm256_set1_epi32(word_at(place)); }
INLINE floats every_float(float number) { return _mm256_set1_ps(number); }
INLINE floats to_floats(ints numbers) { return _mm256_cvtepi32_ps(numbers); }
INLINE floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
INLINE floats subtract(floats a, floats b) { return _mm256_sub_ps(a, b); }
INLINE floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
INLINE floats multiply_add(floats a, floats b, floats sum) { return _mm256_fmadd_ps(a, b, sum); }
INLINE floats larger(floats number, floats best) { return _mm256_max_ps(number, best); }
INLINE uint32_t not_below(floats a, floats b) {
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NLT_UQ));
}

#if defined(__AVXVNNI__)
#define BYTE_PRODUCTS 1
INLINE ints dot_pairs(ints sum, ints a, ints b) { return _mm256_dpwssd_avx_epi32(sum, a, b); }
INLINE ints dot_bytes(ints sum, ints query, ints patch) { return _mm256_dpbusd_avx_epi32(sum, patch, query); }
#else
INLINE ints dot_pairs(ints sum, ints a, ints b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
#endif

#elif defined(__SSE2__) && !defined(PLAIN_C)

#include <emmintrin.h>

enum { LANES = 4, TILE = 4 };
typedef __m128i ints;
typedef __m128 floats;

INLINE ints zero_ints(void) { return _mm_setzero_si128(); }
INLINE floats zero_floats(void) { return _mm_setzero_ps(); }
INLINE ints load_ints(const void *place) { return _mm_loadu_si128((const __m128i *)place); }
INLINE floats load_floats(const float *place) { return _mm_loadu_ps(place); }
INLINE void store_floats(float *place, floats numbers) { _mm_storeu_ps(place, numbers); }
INLINE ints every_word(const void *place) { return _mm_set1_epi32(word_at(place)); }
INLINE floats every_float(float number) { return _mm_set1_ps(number); }
INLINE floats to_floats(ints numbers) { return _mm_cvtepi32_ps(numbers); }
INLINE floats add(floats a, floats b) { return _mm_add_ps(a, b); }
INLINE floats multiply(floats a, floats b) { return _mm_mul_ps(a, b); }
INLINE floats multiply_add(floats a, floats b, floats sum) { return _mm_add_ps(_mm_mul_ps(a, b), sum); }
INLINE floats larger(floats number, floats best) { return _mm_max_ps(number, best); }
INLINE ints dot_pairs(ints sum, ints a, ints b) { return _mm_add_epi32(sum, _mm_madd_epi16(a, b)); }

#elif defined(__aarch64__) && !defined(PLAIN_C)

#include <arm_neon.h>

enum { LANES = 4, TILE = 8 };
typedef int32x4_t ints;
typedef float32x4_t floats;

INLINE ints zero_ints(void) { return vdupq_n_s32(0); }
INLINE floats zero_floats(void) { return vdupq_n_f32(0); }
INLINE ints load_ints(const void *place) { return vreinterpretq_s32_u8(vld1q_u8((const uint8_t *)place)); }
INLINE floats load_floats(const float *place) { return vld1q_f32(place); }
INLINE void store_floats(float *place, floats numbers) { vst1q_f32(place, numbers); }
INLINE ints every_word(const void *place) { return vdupq_n_s32(word_at(place)); }
INLINE floats every_float(float number) { return vdupq_n_f32(number); }
INLINE floats to_floats(ints numbers) { return vcvtq_f32_s32(numbers); }
INLINE floats add(floats a, floats b) { return vaddq_f32(a, b); }
INLINE floats subtract(floats a, floats b) { return vsubq_f32(a, b); }
INLINE floats multiply(floats a, floats b) { return vmulq_f32(a, b); }
INLINE floats multiply_add(floats a, floats b, floats sum) { return vfmaq_f32(sum, a, b); }
INLINE floats larger(floats number, floats best) { return vmaxnmq_f32(number, best); }
INLINE uint32_t not_below(floats a, floats b) {
    const uint32x4_t bits = {1, 2, 4, 8};
    return vaddvq_u32(vbicq_u32(bits, vcltq_f32(a, b)));
}
/* The lower halves of the lanes are multiplied, then the upper ones. */
INLINE ints dot_pairs(ints sum, ints a, ints b) {
    const int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
    sum = vmlal_s16(sum, vget_low_s16(vuzp1q_s16(x, x)), vget_low_s16(vuzp1q_s16(y, y)));
    return vmlal_s16(sum, vget_low_s16(vuzp2q_s16(x, x)), vget_low_s16(vuzp2q_s16(y, y)));
}
#if defined(__ARM_FEATURE_DOTPROD)
#define BYTE_PRODUCTS 1
INLINE ints dot_bytes(ints sum, ints query, ints patch) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(query), vreinterpretq_s8_s32(patch));
}
#endif

#else

enum { LANES = 8, TILE = 2 };
typedef struct { int32_t of[LANES]; } ints;
typedef struct { float of[LANES]; } floats;

#define EACH(type, expression)                                                                                         \
    type result;                                                                                                       \
    for (int i = 0; i < LANES; i++)                                                                                    \
        result.of[i] = expression;                                                                                     \
    return result

INLINE ints zero_ints(void) { EACH(ints, 0); }
INLINE floats zero_floats(void) { EACH(floats, 0); }
INLINE ints load_ints(const void *place) { EACH(ints, word_at((const char *)place + 4 * i)); }
INLINE floats load_floats(const float *place) { EACH(floats, place[i]); }
INLINE void store_floats(float *place, floats numbers) { memcpy(place, &numbers, sizeof numbers); }
INLINE ints every_word(const void *place) { EACH(ints, word_at(place)); }
INLINE floats every_float(float number) { EACH(floats, number); }
INLINE floats to_floats(ints numbers) { EACH(floats, (float)numbers.of[i]); }
INLINE floats add(floats a, floats b) { EACH(floats, a.of[i] + b.of[i]); }
INLINE floats multiply(floats a, floats b) { EACH(floats, a.of[i] * b.of[i]); }
INLINE floats multiply_add(floats a, floats b, floats sum) { EACH(floats, a.of[i] * b.of[i] + sum.of[i]); }
INLINE floats larger(floats number, floats best) { EACH(floats, number.of[i] > best.of[i] ? number.of[i] : best.of[i]); }
INLINE int32_t low_half(int32_t pair) { return (int16_t)(uint16_t)(pair & 0xffff); }
INLINE int32_t high_half(int32_t pair) { return pair >> 16; }
INLINE ints dot_pairs(ints sum, ints a, ints b) {
    EACH(ints, sum.of[i] + low_half(a.of[i]) * low_half(b.of[i]) + high_half(a.of[i]) * high_half(b.of[i]));
}

#endif
#endif
