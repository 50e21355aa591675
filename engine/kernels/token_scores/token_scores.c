/* Scores of pages from the maxima of query tokens: `scoring.score_tokens` in C, for very many pages.

Each lane of a register belongs to one page. The scores of a few pages are summed over all tokens in registers, so maxima
are read once and matches are never written to memory. A page's sum runs over the tokens in their order, whatever the
instruction set: all give the same bits.
*/

#include "../native/floats.h"
#include "../native/kernel.h"

#define INLINE static inline __attribute__((always_inline))

/* What a column of the collection holds: maxima in float32, or codes of matches in a byte each. */
typedef enum { MAXIMA, CODES } Kind;

/* The query and the collection. `columns` has the address of a column (N,) for each token, then for each expansion term.
A maximum's match rises from `floors` by `slopes`, a number for each column; a code's is the code times `slopes`. */
typedef struct {
    const void *const *columns;
    int64_t tokens;
    const float *weights, *floors, *slopes;
    const int64_t *begins, *term_rows;
    const float *term_weights;
    const int64_t *first_pages;
    float first_page_weight;
} Query;

/* The sums of weighted matches, and each page's best match of its own, for all N pages. */
typedef struct {
    const float *totals_before, *best_before;
    float *totals, *best;
} Sums;

/* LANES bytes as numbers. */
INLINE Floats load_bytes(const uint8_t *from) {
#if defined(__AVX512BW__)
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)from)));
#elif defined(__AVX2__)
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)from)));
#else
    return (Floats){from[0], from[1], from[2], from[3]};
#endif
}

/* The numbers of a column at LANES pages from `page` on. */
INLINE Floats numbers_at(const Query *query, Kind kind, int64_t column, int64_t page) {
    const void *numbers = query->columns[column];
    return kind == CODES ? load_bytes((const uint8_t *)numbers + page) : load_floats((const float *)numbers + page);
}

/* The numbers of a column at the rows of LANES pages, often all the same one. */
INLINE Floats gather(const Query *query, Kind kind, int64_t column, const int64_t *rows, int are_equal) {
    const float *maxima = query->columns[column];
    const uint8_t *codes = query->columns[column];
    if (are_equal)
        return broadcast(kind == CODES ? (float)codes[rows[0]] : maxima[rows[0]]);
    float found[LANES];
    for (int lane = 0; lane < LANES; lane++)
        found[lane] = kind == CODES ? (float)codes[rows[lane]] : maxima[rows[lane]];
    return load_floats(found);
}

/* `scoring.rise`: numbers of a column to matches in 0..1. */
INLINE Floats rise(const Query *query, Kind kind, int64_t column, Floats numbers) {
    const Floats slope = broadcast(query->slopes[column]), one = broadcast(1.0f);
    if (kind == CODES)
        return smaller(numbers * slope, one);
    return smaller(larger((numbers - broadcast(query->floors[column])) * slope, broadcast(0.0f)), one);
}

/* Adds the tokens to the sums of the LANES pages from `page` on; a copy of it is compiled for each kind. */
INLINE void score_pages(const Query *query, const Sums *sums, Kind kind, int64_t page) {
    const int64_t *rows = query->first_pages + page;
    int are_equal = 1;
    for (int lane = 1; lane < LANES; lane++)
        are_equal &= rows[lane] == rows[0];
    Floats total = load_floats(sums->totals_before + page), best = load_floats(sums->best_before + page);
    for (int64_t t = 0; t < query->tokens; t++) {
        Floats own = rise(query, kind, t, numbers_at(query, kind, t, page));
        for (int64_t term = query->begins[t]; term < query->begins[t + 1]; term++) {
            const int64_t row = query->term_rows[term];
            const Floats match = rise(query, kind, row, numbers_at(query, kind, row, page));
            own = larger(own, match * broadcast(query->term_weights[term]));
        }
        const Floats on_first_page = rise(query, kind, t, gather(query, kind, t, rows, are_equal));
        const Floats raised = larger(own, on_first_page * broadcast(query->first_page_weight));
        total = total + raised * broadcast(query->weights[t]);
        best = larger(best, own);
    }
    store_floats(sums->totals + page, total);
    store_floats(sums->best + page, best);
}

/* Adds tokens to the scores of the pages from `first` up to `last`, at least LANES of them. `maxima` has the address of
the maxima (N,) of each token, then of each expansion term; `floors` and `slopes`, 1 / (ceiling - floor), have a number
for each of these, `weights` one for each of `tokens`. The expansion terms of token t are `begins[t]` up to
`begins[t + 1]` of `term_rows`, their row among the maxima, and `term_weights`. `first_pages` (N,) is the row of the first
page of each page's document. The last four are the sums of the tokens before and those with these tokens, (N,) float32,
in four arrays of their own. */
KERNEL(token_scores)(const void *const *maxima, int64_t tokens, const float *weights, const float *floors,
                     const float *slopes, const int64_t *begins, const int64_t *term_rows, const float *term_weights,
                     const int64_t *first_pages, float first_page_weight, int64_t first, int64_t last,
                     const float *totals_before, const float *best_before, float *totals, float *best) {
    const Query query = {maxima,    tokens,       weights,     floors,           slopes, begins,
                         term_rows, term_weights, first_pages, first_page_weight};
    const Sums sums = {totals_before, best_before, totals, best};
    for (int64_t page = first; page < last; page += LANES) /* the last pages may be scored twice */
        score_pages(&query, &sums, MAXIMA, page + LANES <= last ? page : last - LANES);
}

/* As `token_scores`, for matches in a byte each instead of maxima: `codes` has the address of the codes (N,) of each
token and term. A code times its own number of `units`, at most 1, is a match. */
KERNEL(code_scores)(const void *const *codes, int64_t tokens, const float *weights, const float *units,
                    const int64_t *begins, const int64_t *term_rows, const float *term_weights,
                    const int64_t *first_pages, float first_page_weight, int64_t first, int64_t last,
                    const float *totals_before, const float *best_before, float *totals, float *best) {
    const Query query = {codes,     tokens,       weights,     0,                units, begins,
                         term_rows, term_weights, first_pages, first_page_weight};
    const Sums sums = {totals_before, best_before, totals, best};
    for (int64_t page = first; page < last; page += LANES)
        score_pages(&query, &sums, CODES, page + LANES <= last ? page : last - LANES);
}
