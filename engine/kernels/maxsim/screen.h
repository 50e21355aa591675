/* Maxima of screened patches: products of bytes, at twice the rate of exact ones, rule most patches out.

The high bytes of the query give a patch's product up to that of the low bytes, which is at most the norm of these (the
query vector's radius) times the patch's norm (Cauchy and Schwarz). A patch that cannot reach the best so far is left;
the others, a few of a page, are multiplied exactly. So the maxima are the bits that exact products of all would give. */

#ifndef DOCSEARCH_SCREEN_H
#define DOCSEARCH_SCREEN_H

#include "chunk.h"

#if defined(BYTE_PRODUCTS)

enum {
    SCREENED_MIN = 32, /* patches of a page below which most would be left to multiply exactly */
    EXACT_SHARE = 2    /* exact products for each patch and register, beyond which products of all are faster */
};

/* Raises `best` to the products of a chunk with `registers` registers of query vectors from `lane` on. Returns the first
patch that was not considered, because too many were left: `chunk->size` if all were. */
INLINE int64_t screen(const Query *query, const Chunk *chunk, int64_t lane, const Shape shape, float *best) {
    const int64_t dim = shape.dim;
    const int registers = shape.registers;
    const int8_t *high = query->high + lane * dim;
    floats found[CHUNK][WIDE], tops[CHUNK / TILE][WIDE], bound[WIDE], least[WIDE];
    ints starts[WIDE];
    UNROLLED for (int r = 0; r < registers; r++) {
        starts[r] = load_ints(query->starts + lane + r * LANES);
        bound[r] = multiply(load_floats(query->radii + lane + r * LANES), every_float(chunk->largest));
        least[r] = every_float(-INFINITY);
    }
    for (int64_t tile = 0; tile < chunk->padded; tile += TILE) {
        const uint8_t *patches = chunk->bytes + tile * dim;
        ints sums[TILE][WIDE];
        UNROLLED for (int t = 0; t < TILE; t++)
            UNROLLED for (int r = 0; r < registers; r++)
                sums[t][r] = starts[r];
        for (int64_t d = 0; d < dim; d += 4) {
            ints vector[WIDE];
            UNROLLED for (int r = 0; r < registers; r++)
                vector[r] = load_ints(high + (d * registers + 4 * r) * LANES);
            UNROLLED for (int t = 0; t < TILE; t++) {
                const ints bytes = every_word(patches + t * dim + d);
                UNROLLED for (int r = 0; r < registers; r++) {
                    sums[t][r] = dot_bytes(sums[t][r], vector[r], bytes);
                    IN_PLACE(sums[t][r]);
                }
            }
        }
        UNROLLED for (int r = 0; r < registers; r++)
            tops[tile / TILE][r] = every_float(-INFINITY);
        UNROLLED for (int t = 0; t < TILE; t++)
            UNROLLED for (int r = 0; r < registers; r++) {
                const floats product = multiply(to_floats(sums[t][r]), every_float(256 * chunk->scale[tile + t]));
                found[tile + t][r] = product;
                tops[tile / TILE][r] = larger(product, tops[tile / TILE][r]);
            }
        UNROLLED for (int r = 0; r < registers; r++)
            least[r] = larger(tops[tile / TILE][r], least[r]);
    }
    const int64_t vectors = query->count - lane;
    const uint32_t used = vectors < registers * LANES ? (1u << vectors) - 1 : ~0u;
    int64_t left = EXACT_SHARE * registers * chunk->size;
    UNROLLED for (int r = 0; r < registers; r++)
        least[r] = subtract(larger(subtract(least[r], bound[r]), load_floats(best + r * LANES)), bound[r]);
    for (int64_t patch = 0; patch < chunk->size; patch++) {
        if (patch % TILE == 0) {
            uint32_t any = 0;
            UNROLLED for (int r = 0; r < registers; r++)
                any |= not_below(tops[patch / TILE][r], least[r]) << r * LANES;
            if (!(any & used)) {
                patch += TILE - 1;
                continue;
            }
        }
        uint32_t reaching = 0;
        UNROLLED for (int r = 0; r < registers; r++)
            reaching |= not_below(found[patch][r], least[r]) << r * LANES;
        for (reaching &= used; reaching; reaching &= reaching - 1, left--) {
            if (left == 0)
                return patch;
            const int i = __builtin_ctz(reaching);
            const int16_t *vector = (const int16_t *)query->rows + (lane + i) * dim;
            const float product = (float)exact_product(vector, chunk->bytes + patch * dim, dim) * chunk->scale[patch];
            best[i] = product > best[i] ? product : best[i];
        }
    }
    return chunk->size;
}

/* Fills `chunk->numbers` from the tile of `patch` on, for exact products. Returns its first patch. */
static int64_t widen_from(Chunk *chunk, int64_t patch, int64_t dim) {
    const int64_t tile = patch / TILE * TILE;
    for (int64_t i = tile * dim; i < chunk->padded * dim; i++)
        chunk->numbers.shorts[i] = (int16_t)((int8_t)(chunk->bytes[i] ^ SHIFTED));
    return tile;
}

#endif
#endif
