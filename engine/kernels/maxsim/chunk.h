/* What a kernel is given, query vectors and pages, and how a chunk of a page's patches is decoded. */

#ifndef DOCSEARCH_CHUNK_H
#define DOCSEARCH_CHUNK_H

#include "decode.h"
#include "shifted.h"

#include <math.h>

enum {
    CHUNK = 64,          /* patches decoded at once to be screened, fewer of many dimensions */
    UNSCREENED = 16,     /* the same for those that are not: two registers of query vectors read them once */
    USUAL_DIM = 128,     /* has inner loops of its own, as most models have it */
    DIM_MAX = 4096,      /* as `compiled.DIMENSIONS_MAX` */
    NUMBERS = 8192,      /* numbers of a chunk, or one tile */
    GROUP = 1024,        /* query vectors whose maxima are kept while a page is read */
    WIDE = 2             /* registers of query vectors multiplied at once; the last block may have one */
};
#define CHUNK_NUMBERS (TILE * DIM_MAX > NUMBERS ? TILE * DIM_MAX : NUMBERS)

/* `count` query vectors of `dim` numbers, as `compiled.QueryInC` holds them.

`rows` (count, dim) are the numbers, int16 or for float16 float. `lanes` holds them as the kernel reads them, filled by
`maxsim_pack`: for each block of WIDE or fewer registers (dim / packed, registers, LANES, packed). A product is in steps
of `steps` (count,). `high`, `starts` and `radii` are those of shifted.h. For the codec residual `table` holds the
products of all centroids with the query vectors, in steps, `width` floats for each centroid, and `levels` the 256
numbers that the codes of a coefficient and a step stand for. */
typedef struct {
    int64_t codec, dim, count, width;
    const void *rows;
    void *lanes;
    int8_t *high;
    int32_t *starts;
    float *radii;
    const float *steps, *table, *levels;
} Query;

/* Where pages lie: the addresses of each page's codes, scales and visual words, and its number of patches. */
typedef struct {
    const uint8_t *const *values;
    const uint8_t *const *scales;
    const uint8_t *const *words;
    const int64_t *lengths;
} Pages;

/* Decoded patches. Their number `size` is filled up to a multiple of TILE, `padded`, with copies of the last: a patch
that is scored twice does not change a maximum. A patch's product is scale · sum + coefficient · its row of the table.

`numbers` is filled for exact products, or `bytes` to screen the patches: then `largest` is the largest product of a
scale and the norm of its patch. */
typedef struct {
    int64_t size, padded;
    float scale[CHUNK], coefficient[CHUNK], largest;
    const float *centroid[CHUNK];
    _Alignas(64) uint8_t bytes[CHUNK_NUMBERS];
    _Alignas(64) union {
        int16_t shorts[CHUNK_NUMBERS];
        float floats[CHUNK_NUMBERS];
    } numbers;
} Chunk;

/* What a copy of the inner loops is made for; INT8 stands for all codecs of whole numbers without a table. */
typedef struct {
    int codec, registers;
    int64_t dim;
} Shape;

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

INLINE int64_t chunk_size(int64_t dim, int64_t most) {
    const int64_t fitting = NUMBERS / dim / TILE * TILE;
    return fitting < TILE ? TILE : smaller(fitting, most);
}

/* The address of a page's patch: `i` of a chunk that begins with patch `start` and has `size`, and copies of the last. */
INLINE const uint8_t *codes_at(const uint8_t *values, int64_t start, int64_t i, int64_t size, int64_t bytes) {
    return values + (start + smaller(i, size - 1)) * bytes;
}

INLINE void decode_scales(const Query *query, const Pages *pages, int64_t page, int64_t start, Chunk *chunk) {
    const uint8_t *scales = pages->scales[page] + 2 * start;
    if (query->codec == RESIDUAL) {
        for (int64_t i = 0; i < chunk->padded; i++) {
            const int64_t patch = smaller(i, chunk->size - 1);
            chunk->coefficient[i] = query->levels[scales[2 * patch]];
            chunk->scale[i] = query->levels[scales[2 * patch + 1]];
            chunk->centroid[i] =
                query->table + query->width * short_at(pages->words[page] + 2 * (start + patch));
        }
        return;
    }
    for (int64_t i = 0; i < chunk->size; i++)
        chunk->scale[i] = half_to_float(short_at(scales + 2 * i));
    for (int64_t i = chunk->size; i < chunk->padded; i++)
        chunk->scale[i] = chunk->scale[chunk->size - 1];
}

/* Fills `chunk->numbers`. */
INLINE void decode_numbers(const Query *query, const uint8_t *values, int64_t start, const int64_t dim, Chunk *chunk) {
    const int codec = (int)query->codec;
    const int64_t bytes = stored_bytes(codec, dim);
    int8_t decoded[DIM_MAX];
    for (int64_t i = 0; i < chunk->padded; i++) {
        const uint8_t *codes = codes_at(values, start, i, chunk->size, bytes);
        if (codec == FLOAT16)
            decode_floats(codes, dim, chunk->numbers.floats + i * dim);
        else
            widen(decode_bytes(codec, codes, dim, decoded), dim, chunk->numbers.shorts + i * dim);
    }
}

#if defined(BYTE_PRODUCTS)

/* Fills `chunk->bytes` and `chunk->largest`. */
INLINE void decode_shifted(const Query *query, const uint8_t *values, int64_t start, const int64_t dim, Chunk *chunk) {
    const int codec = (int)query->codec;
    const int64_t bytes = stored_bytes(codec, dim);
    int32_t squares[CHUNK];
    if (codec != INT8)
        for (int64_t i = 0; i < chunk->padded; i++)
            decode_bytes(codec, codes_at(values, start, i, chunk->size, bytes), dim, (int8_t *)chunk->bytes + i * dim);
    for (int64_t i = 0; i < chunk->padded; i += 4) {
        const int8_t *from[4];
        for (int j = 0; j < 4; j++) {
            const uint8_t *codes = codes_at(values, start, i + j, chunk->size, bytes);
            from[j] = codec == INT8 ? (const int8_t *)codes : (const int8_t *)chunk->bytes + (i + j) * dim;
            for (int64_t byte = 0; byte < bytes; byte += 64) /* of the next chunk */
                __builtin_prefetch(codes + CHUNK * bytes + byte);
        }
        shift_patches(from, dim, chunk->bytes + i * dim, squares + i);
    }
    float largest = 0;
    for (int64_t i = 0; i < chunk->padded; i++) {
        const float scale = fabsf(chunk->scale[i]), norm = sqrtf((float)squares[i]) * scale;
        largest = norm <= largest ? largest : norm;
    }
    chunk->largest = largest;
}

#endif

/* Fills `chunk` with the patches of a page from `start` on: `bytes` if they are to be screened, else `numbers`. */
static void decode_chunk(const Query *query, const Pages *pages, int64_t page, int64_t start, int screened,
                         Chunk *chunk) {
    const uint8_t *values = pages->values[page];
    chunk->size = smaller(pages->lengths[page] - start, chunk_size(query->dim, screened ? CHUNK : UNSCREENED));
    chunk->padded = (chunk->size + TILE - 1) / TILE * TILE;
    if (query->codec != FLOAT16)
        decode_scales(query, pages, page, start, chunk);
#if defined(BYTE_PRODUCTS)
    if (screened && query->dim == USUAL_DIM)
        return decode_shifted(query, values, start, USUAL_DIM, chunk);
    if (screened)
        return decode_shifted(query, values, start, query->dim, chunk);
#endif
    if (query->dim == USUAL_DIM)
        return decode_numbers(query, values, start, USUAL_DIM, chunk);
    decode_numbers(query, values, start, query->dim, chunk);
}

#endif
