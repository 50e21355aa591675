/* MaxSim of stored pages, `reference.token_maxima`, for every codec: `compiled.py` prepares the query and the pages.

Each lane of a register belongs to one query vector. A chunk of a page's patches is decoded to 16-bit whole numbers
(float16: to floats) that stay in the L1 cache; each pair of them is broadcast to all lanes and multiplied into sums, of
a tile of patches and two registers of query vectors at a time. So similarities are never written to memory, and a
page's maximum needs no reduction across lanes. Sums of whole numbers are exact: all instruction sets give the same
bits. Those with products of bytes first rule most patches out, see screen.h. */

#include "../native/kernel.h"

#include "chunk.h"
#include "screen.h"

#include <math.h>

/* The products of a tile of a chunk with the query vectors from `lane` on, which fill `registers` registers. */
INLINE void tile_products(const Query *query, const Chunk *chunk, int64_t tile, int64_t lane, const Shape shape,
                          floats found[TILE][WIDE]) {
    const int64_t dim = shape.dim;
    const int registers = shape.registers, codec = shape.codec;
    if (codec == FLOAT16) {
        const float *vectors = (const float *)query->lanes + lane * dim, *patches = chunk->numbers.floats + tile * dim;
        UNROLLED for (int t = 0; t < TILE; t++)
            UNROLLED for (int r = 0; r < registers; r++)
                found[t][r] = zero_floats();
        for (int64_t d = 0; d < dim; d++) {
            floats vector[WIDE];
            UNROLLED for (int r = 0; r < registers; r++)
                vector[r] = load_floats(vectors + (d * registers + r) * LANES);
            UNROLLED for (int t = 0; t < TILE; t++) {
                const floats number = every_float(patches[t * dim + d]);
                UNROLLED for (int r = 0; r < registers; r++)
                    found[t][r] = multiply_add(number, vector[r], found[t][r]);
            }
        }
        return;
    }
    const int16_t *vectors = (const int16_t *)query->lanes + lane * dim, *patches = chunk->numbers.shorts + tile * dim;
    ints sums[TILE][WIDE];
    UNROLLED for (int t = 0; t < TILE; t++)
        UNROLLED for (int r = 0; r < registers; r++)
            sums[t][r] = zero_ints();
    for (int64_t d = 0; d < dim; d += 2) {
        ints vector[WIDE];
        UNROLLED for (int r = 0; r < registers; r++)
            vector[r] = load_ints(vectors + (d * registers + 2 * r) * LANES);
        UNROLLED for (int t = 0; t < TILE; t++) {
            const ints pair = every_word(patches + t * dim + d);
            UNROLLED for (int r = 0; r < registers; r++) {
                sums[t][r] = dot_pairs(sums[t][r], vector[r], pair);
                IN_PLACE(sums[t][r]);
            }
        }
    }
    UNROLLED for (int t = 0; t < TILE; t++)
        UNROLLED for (int r = 0; r < registers; r++) {
            found[t][r] = multiply(to_floats(sums[t][r]), every_float(chunk->scale[tile + t]));
            if (codec == RESIDUAL) {
                const floats centroid = load_floats(chunk->centroid[tile + t] + lane + r * LANES);
                found[t][r] = add(found[t][r], multiply(centroid, every_float(chunk->coefficient[tile + t])));
            }
        }
}

/* Raises `best` to the products of a chunk, from the tile `first` on, with the query vectors from `lane` on. */
INLINE void raise_maxima(const Query *query, const Chunk *chunk, int64_t first, int64_t lane, const Shape shape,
                         float *best) {
    const int registers = shape.registers;
    floats maxima[WIDE];
    UNROLLED for (int r = 0; r < registers; r++)
        maxima[r] = load_floats(best + r * LANES);
    for (int64_t tile = first; tile < chunk->padded; tile += TILE) {
        floats found[TILE][WIDE];
        tile_products(query, chunk, tile, lane, shape, found);
        UNROLLED for (int t = 0; t < TILE; t++)
            UNROLLED for (int r = 0; r < registers; r++)
                maxima[r] = larger(found[t][r], maxima[r]);
    }
    UNROLLED for (int r = 0; r < registers; r++)
        store_floats(best + r * LANES, maxima[r]);
}

/* Writes the products of a chunk, from the tile `first` on, with the query vectors from `lane` on to rows of `out`. */
INLINE void store_products(const Query *query, const Chunk *chunk, int64_t first, int64_t lane, const Shape shape,
                           float *out) {
    const int registers = shape.registers;
    const int64_t lanes = smaller(query->count - lane, registers * LANES);
    for (int64_t tile = first; tile < chunk->padded; tile += TILE) {
        floats found[TILE][WIDE];
        float row[WIDE * LANES];
        tile_products(query, chunk, tile, lane, shape, found);
        for (int t = 0; t < TILE && tile + t < chunk->size; t++) {
            UNROLLED for (int r = 0; r < registers; r++)
                store_floats(row + r * LANES, found[t][r]);
            for (int64_t i = 0; i < lanes; i++)
                out[(tile + t) * query->count + lane + i] = row[i] * query->steps[lane + i];
        }
    }
}

typedef void Score(const Query *query, const Chunk *chunk, int64_t first, int64_t lane, const Shape shape, float *out);

/* `score` for a block of query vectors; the compiler makes a copy of it for each shape that is written out here. */
INLINE void specialised(Score *score, const Query *query, const Chunk *chunk, int64_t first, int64_t lane, float *out) {
    const int wide = query->count - lane > LANES, usual = query->dim == USUAL_DIM;
    switch (query->codec) {
    case FLOAT16:
        if (wide)
            score(query, chunk, first, lane, (Shape){FLOAT16, WIDE, query->dim}, out);
        else
            score(query, chunk, first, lane, (Shape){FLOAT16, 1, query->dim}, out);
        break;
    case RESIDUAL:
        if (wide && usual)
            score(query, chunk, first, lane, (Shape){RESIDUAL, WIDE, USUAL_DIM}, out);
        else if (wide)
            score(query, chunk, first, lane, (Shape){RESIDUAL, WIDE, query->dim}, out);
        else
            score(query, chunk, first, lane, (Shape){RESIDUAL, 1, query->dim}, out);
        break;
    default:
        if (wide && usual)
            score(query, chunk, first, lane, (Shape){INT8, WIDE, USUAL_DIM}, out);
        else if (wide)
            score(query, chunk, first, lane, (Shape){INT8, WIDE, query->dim}, out);
        else if (usual)
            score(query, chunk, first, lane, (Shape){INT8, 1, USUAL_DIM}, out);
        else
            score(query, chunk, first, lane, (Shape){INT8, 1, query->dim}, out);
    }
}

static void maxima_of_block(const Query *query, const Chunk *chunk, int64_t first, int64_t lane, float *best) {
    specialised(raise_maxima, query, chunk, first, lane, best);
}

static void products_of_block(const Query *query, const Chunk *chunk, int64_t lane, float *out) {
    specialised(store_products, query, chunk, 0, lane, out);
}

#if defined(BYTE_PRODUCTS)

static int is_screened(const Query *query, int64_t patches) {
    return query->codec != FLOAT16 && query->codec != RESIDUAL && patches >= SCREENED_MIN;
}

static int64_t screen_block(const Query *query, const Chunk *chunk, int64_t lane, float *best) {
    const int wide = query->count - lane > LANES;
    if (wide && query->dim == USUAL_DIM)
        return screen(query, chunk, lane, (Shape){INT8, WIDE, USUAL_DIM}, best);
    if (wide)
        return screen(query, chunk, lane, (Shape){INT8, WIDE, query->dim}, best);
    if (query->dim == USUAL_DIM)
        return screen(query, chunk, lane, (Shape){INT8, 1, USUAL_DIM}, best);
    return screen(query, chunk, lane, (Shape){INT8, 1, query->dim}, best);
}

#else

static int is_screened(const Query *query, int64_t patches) {
    (void)query, (void)patches;
    return 0;
}

static int64_t screen_block(const Query *query, const Chunk *chunk, int64_t lane, float *best) {
    (void)query, (void)chunk, (void)lane, (void)best;
    return 0;
}

static int64_t widen_from(Chunk *chunk, int64_t patch, int64_t dim) {
    (void)chunk, (void)patch, (void)dim;
    return 0;
}

#endif

/* Raises `best` to the maxima of one page with the query vectors from `group` up to `end`. */
static void maxima_of_page(const Query *query, const Pages *pages, int64_t page, int64_t group, int64_t end,
                           float *best) {
    Chunk chunk;
    const int screened = is_screened(query, pages->lengths[page]);
    uint8_t unscreened[GROUP / LANES] = {0}; /* blocks of query vectors that too many patches of this page reach */
    for (int64_t start = 0; start < pages->lengths[page]; start += chunk.size) {
        decode_chunk(query, pages, page, start, screened, &chunk);
        int64_t widened = screened ? chunk.padded : 0;
        for (int64_t lane = group; lane < end; lane += WIDE * LANES) {
            float *own = best + (lane - group);
            uint8_t *is_unscreened = &unscreened[(lane - group) / (WIDE * LANES)];
            int64_t first = 0;
            if (screened && !*is_unscreened) {
                first = screen_block(query, &chunk, lane, own);
                if (first == chunk.size)
                    continue;
                *is_unscreened = 1;
            }
            first = first / TILE * TILE;
            if (first < widened)
                widened = widen_from(&chunk, first, query->dim);
            maxima_of_block(query, &chunk, first, lane, own);
        }
    }
}

/* Fills `query->lanes`, and what screening needs. */
KERNEL(maxsim_pack)(Query *query) {
    const int packed = query->codec == FLOAT16 ? 1 : 2, size = query->codec == FLOAT16 ? 4 : 2;
    const int64_t dim = query->dim, count = query->count;
    char *into = query->lanes;
    for (int64_t lane = 0; lane < count; lane += WIDE * LANES) {
        const int64_t width = count - lane > LANES ? WIDE * LANES : LANES;
        for (int64_t d = 0; d < dim; d += packed)
            for (int64_t i = 0; i < width; i++, into += packed * size)
                if (lane + i < count)
                    memcpy(into, (const char *)query->rows + ((lane + i) * dim + d) * size, (size_t)(packed * size));
                else
                    memset(into, 0, (size_t)(packed * size));
    }
#if defined(BYTE_PRODUCTS)
    if (is_screened(query, SCREENED_MIN))
        split_query(query->rows, dim, count, WIDE * LANES, query->high, query->starts, query->radii);
#endif
}

/* Fills rows `first` up to `last` of `out` (N, count) with the maxima of pages. */
KERNEL(maxsim)(const Query *query, const Pages *pages, int64_t first, int64_t last, float *out) {
    float best[GROUP];
    for (int64_t page = first; page < last; page++)
        for (int64_t group = 0; group < query->count; group += GROUP) {
            const int64_t end = smaller(query->count, group + GROUP);
            for (int i = 0; i < GROUP; i++)
                best[i] = -INFINITY;
            maxima_of_page(query, pages, page, group, end, best);
            for (int64_t i = group; i < end; i++)
                out[page * query->count + i] = best[i - group] * query->steps[i];
        }
}

/* Fills rows `first` up to `last` of `out` (T, count) with the products of the first page's patches. */
KERNEL(maxsim_products)(const Query *query, const Pages *pages, int64_t first, int64_t last, float *out) {
    Chunk chunk;
    Pages part = *pages;
    part.lengths = &last;
    for (int64_t start = first; start < last; start += chunk.size) {
        decode_chunk(query, &part, 0, start, 0, &chunk);
        for (int64_t lane = 0; lane < query->count; lane += WIDE * LANES)
            products_of_block(query, &chunk, lane, out + start * query->count);
    }
}
