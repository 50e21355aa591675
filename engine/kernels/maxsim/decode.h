/* Stored codes to whole numbers of 8 or 16 bits, and half precision to single, as `codecs.unscaled`. */

#ifndef DOCSEARCH_DECODE_H
#define DOCSEARCH_DECODE_H

#include "lanes.h"

enum { FLOAT16, INT8, INT4, BINARY, RESIDUAL }; /* numbers of the codecs in `compiled.CODECS` */

INLINE int64_t stored_bytes(int codec, int64_t dim) {
    return codec == FLOAT16 ? 2 * dim : codec == INT8 ? dim : codec == INT4 ? dim / 2 : dim / 8;
}

/* IEEE half precision to single precision. */
INLINE float half_to_float(uint16_t half) {
#if defined(__F16C__)
    return _cvtsh_ss(half);
#else
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    uint32_t bits = sign | (exponent + 112) << 23 | fraction << 13;
    float number;
    if (exponent == 0) {
        number = (float)fraction * 0x1p-24f;
        return sign ? -number : number;
    }
    if (exponent == 31)
        bits = sign | 0x7f800000 | fraction << 13;
    memcpy(&number, &bits, sizeof number);
    return number;
#endif
}

INLINE uint16_t short_at(const uint8_t *place) {
    uint16_t number;
    memcpy(&number, place, sizeof number);
    return number;
}

INLINE void decode_floats(const uint8_t *halves, int64_t dim, float *into) {
#if defined(__AVX512F__)
    for (int64_t d = 0; d < dim; d += 16)
        _mm512_storeu_ps(into + d, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(halves + 2 * d))));
#elif defined(__F16C__)
    for (int64_t d = 0; d < dim; d += 8)
        _mm256_storeu_ps(into + d, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + 2 * d))));
#elif defined(__aarch64__) && !defined(PLAIN_C)
    for (int64_t d = 0; d < dim; d += 4)
        vst1q_f32(into + d, vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(halves + 2 * d))));
#else
    for (int64_t d = 0; d < dim; d++)
        into[d] = half_to_float(short_at(halves + 2 * d));
#endif
}

/* Bits to -1 and 1, the lowest bit first: 8 bytes for each byte. */
INLINE void decode_bits(const uint8_t *bits, int64_t dim, int8_t *into) {
#if defined(__AVX2__)
    const __m256i copies = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3,
                                            3, 3, 3, 3, 3, 3, 3);
    const __m256i own = _mm256_set1_epi64x((int64_t)0x8040201008040201), one = _mm256_set1_epi8(1);
    for (int64_t d = 0; d < dim; d += 32) {
        const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(word_at(bits + d / 8)), copies);
        const __m256i unset = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, own), _mm256_setzero_si256());
        _mm256_storeu_si256((__m256i *)(into + d), _mm256_or_si256(unset, one));
    }
#else
    for (int64_t d = 0; d < dim; d++)
        into[d] = (int8_t)((bits[d / 8] >> d % 8 & 1) * 2 - 1);
#endif
}

/* Half bytes, the lower one first, to the odd numbers from -15 to 15: looked up in a register. */
INLINE void decode_halves(const uint8_t *halves, int64_t dim, int8_t *into) {
#if defined(__AVX2__)
    const __m256i odd = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(-15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15));
    const __m256i first = _mm256_set1_epi16(0x000f), second = _mm256_set1_epi16(0x0f00);
    for (int64_t d = 0; d < dim; d += 32) {
        const __m256i pairs = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(halves + d / 2)));
        const __m256i high = _mm256_and_si256(_mm256_slli_epi16(pairs, 4), second);
        const __m256i codes = _mm256_or_si256(_mm256_and_si256(pairs, first), high);
        _mm256_storeu_si256((__m256i *)(into + d), _mm256_shuffle_epi8(odd, codes));
    }
#else
    for (int64_t d = 0; d < dim; d += 2) {
        into[d] = (int8_t)((halves[d / 2] & 15) * 2 - 15);
        into[d + 1] = (int8_t)((halves[d / 2] >> 4) * 2 - 15);
    }
#endif
}

/* A patch's codes as bytes, where a codec other than float16 has them already or into `into`. */
INLINE const int8_t *decode_bytes(int codec, const uint8_t *codes, int64_t dim, int8_t *into) {
    if (codec == INT8)
        return (const int8_t *)codes;
    if (codec == INT4)
        decode_halves(codes, dim, into);
    else
        decode_bits(codes, dim, into);
    return into;
}

/* Bytes, in multiples of 32, to 16 bits. */
INLINE void widen(const int8_t *bytes, int64_t dim, int16_t *into) {
    for (int64_t d = 0; d < dim; d += 32) {
#if defined(__AVX512BW__)
        _mm512_storeu_si512(into + d, _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(bytes + d))));
#elif defined(__AVX2__)
        for (int64_t half = d; half < d + 32; half += 16)
            _mm256_storeu_si256((__m256i *)(into + half),
                                _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(bytes + half))));
#else
        for (int64_t i = d; i < d + 32; i++)
            into[i] = bytes[i];
#endif
    }
}

#endif
