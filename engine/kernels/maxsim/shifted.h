/* Products of bytes, where the instruction set has them: query vectors and patches as they are multiplied.

A query number of 16 bits is 256 · high + low, both bytes. The first factor of the instruction of x86 has no sign: there
128 is added to each byte of a patch, and 128 times the sum of a vector's high bytes is taken off, as the value that the
sum of products starts with. */

#ifndef DOCSEARCH_SHIFTED_H
#define DOCSEARCH_SHIFTED_H

#include "decode.h"

#include <math.h>

#if defined(BYTE_PRODUCTS)

#if defined(__aarch64__)
enum { SHIFTED = 0 };
#else
enum { SHIFTED = 128 };
#endif

/* Products are rounded three times, by 2^-24 of the largest each; the norms of a query vector and a patch bound them. */
#define ROUNDING 0x1p-20f

/* Splits `rows` (count, dim) int16: into the `high` bytes, four in each lane of blocks of `wide` query vectors (the last
may have LANES); where the sum of each vector starts; and its radius, the norm of `low` with what rounding may add. */
static void split_query(const int16_t *rows, int64_t dim, int64_t count, int64_t wide, int8_t *high, int32_t *starts,
                        float *radii) {
    for (int64_t lane = 0; lane < count; lane += wide) {
        const int64_t width = count - lane > LANES ? wide : LANES;
        for (int64_t i = 0; i < width; i++) {
            int64_t sum = 0;
            double low_squared = 0, squared = 0;
            for (int64_t d = 0; d < dim; d++) {
                const int number = lane + i < count ? rows[(lane + i) * dim + d] : 0;
                int byte = (number + 128) >> 8;
                byte = byte > 127 ? 127 : byte;
                const int low = number - 256 * byte;
                high[lane * dim + d / 4 * 4 * width + 4 * i + d % 4] = (int8_t)byte;
                sum += byte;
                low_squared += (double)low * low;
                squared += (double)number * number;
            }
            starts[lane + i] = (int32_t)(-SHIFTED * sum);
            radii[lane + i] = (float)((sqrt(low_squared) + ROUNDING * sqrt(squared)) * (1 + ROUNDING));
        }
    }
}

/* Copies the bytes of four patches to `into` (4, dim), shifted as the instruction needs them, and their squared norms to
`squares` (4,). */
INLINE void shift_patches(const int8_t *const from[4], int64_t dim, uint8_t *into, int32_t *squares) {
#if defined(__AVX512VNNI__)
    const __m512i shift = _mm512_set1_epi8((char)SHIFTED);
    __m512i sums[4];
    UNROLLED for (int i = 0; i < 4; i++) {
        sums[i] = _mm512_setzero_si512();
        for (int64_t d = 0; d < dim; d += 64) {
            const __mmask64 inside = dim - d < 64 ? 0xffffffff : ~(__mmask64)0;
            const __m512i numbers = _mm512_maskz_loadu_epi8(inside, from[i] + d), size = _mm512_abs_epi8(numbers);
            _mm512_mask_storeu_epi8(into + i * dim + d, inside, _mm512_xor_si512(numbers, shift));
            sums[i] = _mm512_dpbusd_epi32(sums[i], size, size);
        }
    }
    const __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(sums[0], sums[1]), _mm512_unpackhi_epi32(sums[0], sums[1]));
    const __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(sums[2], sums[3]), _mm512_unpackhi_epi32(sums[2], sums[3]));
    const __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    const __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    _mm_storeu_si128((__m128i *)squares, sum);
#elif defined(__AVX2__)
    const __m256i shift = _mm256_set1_epi8((char)SHIFTED);
    __m256i sums[4];
    UNROLLED for (int i = 0; i < 4; i++) {
        sums[i] = _mm256_setzero_si256();
        for (int64_t d = 0; d < dim; d += 32) {
            const __m256i numbers = _mm256_loadu_si256((const __m256i *)(from[i] + d)), size = _mm256_abs_epi8(numbers);
            _mm256_storeu_si256((__m256i *)(into + i * dim + d), _mm256_xor_si256(numbers, shift));
            sums[i] = _mm256_dpbusd_avx_epi32(sums[i], size, size);
        }
    }
    const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
    const __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    _mm_storeu_si128((__m128i *)squares, sum);
#else
    for (int i = 0; i < 4; i++) {
        int32x4_t sum = vdupq_n_s32(0);
        for (int64_t d = 0; d < dim; d += 16) {
            const int8x16_t numbers = vld1q_s8(from[i] + d);
            vst1q_u8(into + i * dim + d, vreinterpretq_u8_s8(numbers));
            sum = vdotq_s32(sum, numbers, numbers);
        }
        squares[i] = vaddvq_s32(sum);
    }
#endif
}

/* The exact product of a query vector with a patch that `shift_patch` made. */
INLINE int32_t exact_product(const int16_t *vector, const uint8_t *patch, int64_t dim) {
#if defined(__AVX512VNNI__)
    __m512i sums = _mm512_setzero_si512();
    const __m256i shift = _mm256_set1_epi8((char)SHIFTED);
    for (int64_t d = 0; d < dim; d += 32) {
        const __m256i bytes = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(patch + d)), shift);
        sums = _mm512_dpwssd_epi32(sums, _mm512_loadu_si512(vector + d), _mm512_cvtepi8_epi16(bytes));
    }
    return _mm512_reduce_add_epi32(sums);
#elif defined(__AVX2__)
    __m256i sums = _mm256_setzero_si256();
    const __m128i shift = _mm_set1_epi8((char)SHIFTED);
    for (int64_t d = 0; d < dim; d += 16) {
        const __m128i bytes = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(patch + d)), shift);
        const __m256i numbers = _mm256_loadu_si256((const __m256i *)(vector + d));
        sums = _mm256_dpwssd_avx_epi32(sums, numbers, _mm256_cvtepi8_epi16(bytes));
    }
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
#else
    int32x4_t sums = vdupq_n_s32(0);
    for (int64_t d = 0; d < dim; d += 8) {
        const int16x8_t numbers = vmovl_s8(vreinterpret_s8_u8(vld1_u8(patch + d))), factors = vld1q_s16(vector + d);
        sums = vmlal_s16(sums, vget_low_s16(factors), vget_low_s16(numbers));
        sums = vmlal_s16(sums, vget_high_s16(factors), vget_high_s16(numbers));
    }
    return vaddvq_s32(sums);
#endif
}

#endif
#endif
