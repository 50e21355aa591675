/* Scores of pages from the maxima of query tokens: `scoring.score_tokens` in C, for very many pages.

Each lane of a register belongs to one page. The scores of a few pages are summed over all tokens in registers, so maxima
are read once and matches are never written to memory. A page's sum runs over the tokens in their order, whatever the
instruction set: all give the same bits.
*/

#include "../native/floats.h"
#include "../native/kernel.h"

/* The query and the collection; see `token_scores`. */
typedef struct {
    const float *const *maxima;
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

/* `scoring.rise`: similarities to matches in 0..1. */
static inline Floats rise(Floats similarities, Floats floor, Floats slope) {
    const Floats rising = larger((similarities - floor) * slope, broadcast(0.0f));
    return smaller(rising, broadcast(1.0f));
}

/* The elements of an array at the rows of LANES pages, often all the same one. */
static inline Floats gather(const float *numbers, const int64_t *rows, int are_equal) {
    if (are_equal)
        return broadcast(numbers[rows[0]]);
    float found[LANES];
    for (int lane = 0; lane < LANES; lane++)
        found[lane] = numbers[rows[lane]];
    return load_floats(found);
}

/* Adds the tokens to the sums of the LANES pages from `page` on. */
static inline void score_pages(const Query *query, const Sums *sums, int64_t page) {
    const int64_t *rows = query->first_pages + page;
    int are_equal = 1;
    for (int lane = 1; lane < LANES; lane++)
        are_equal &= rows[lane] == rows[0];
    Floats total = load_floats(sums->totals_before + page), best = load_floats(sums->best_before + page);
    for (int64_t t = 0; t < query->tokens; t++) {
        const Floats floor = broadcast(query->floors[t]), slope = broadcast(query->slopes[t]);
        Floats own = rise(load_floats(query->maxima[t] + page), floor, slope);
        for (int64_t term = query->begins[t]; term < query->begins[t + 1]; term++) {
            const int64_t row = query->term_rows[term];
            const Floats match = rise(load_floats(query->maxima[row] + page), broadcast(query->floors[row]),
                                      broadcast(query->slopes[row]));
            own = larger(own, match * broadcast(query->term_weights[term]));
        }
        const Floats on_first_page = rise(gather(query->maxima[t], rows, are_equal), floor, slope);
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
KERNEL(token_scores)(const float *const *maxima, int64_t tokens, const float *weights, const float *floors,
                     const float *slopes, const int64_t *begins, const int64_t *term_rows, const float *term_weights,
                     const int64_t *first_pages, float first_page_weight, int64_t first, int64_t last,
                     const float *totals_before, const float *best_before, float *totals, float *best) {
    const Query query = {maxima,    tokens,       weights,     floors,           slopes, begins,
                         term_rows, term_weights, first_pages, first_page_weight};
    const Sums sums = {totals_before, best_before, totals, best};
    for (int64_t page = first; page < last; page += LANES)
        score_pages(&query, &sums, page + LANES <= last ? page : last - LANES); /* the last ones may be scored twice */
}

/* LANES bytes as numbers. */
static inline Floats load_bytes(const uint8_t *from) {
#if defined(__AVX512BW__)
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)from)));
#elif defined(__AVX2__)
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)from)));
#else
    return (Floats){from[0], from[1], from[2], from[3]};
#endif
}

/* The bytes of an array at the rows of LANES pages, often all the same one, as numbers. */
static inline Floats gather_bytes(const uint8_t *bytes, const int64_t *rows, int are_equal) {
    if (are_equal)
        return broadcast(bytes[rows[0]]);
    uint8_t found[LANES];
    for (int lane = 0; lane < LANES; lane++)
        found[lane] = bytes[rows[lane]];
    return load_bytes(found);
}

/* The query and the collection; see `code_scores`. */
typedef struct {
    const uint8_t *const *codes;
    int64_t tokens;
    const float *weights, *units;
    const int64_t *begins, *term_rows;
    const float *term_weights;
    const int64_t *first_pages;
    float first_page_weight;
} CodedQuery;

/* Adds the tokens to the sums of the LANES pages from `page` on. */
static inline void score_codes(const CodedQuery *query, const Sums *sums, int64_t page) {
    const Floats one = broadcast(1.0f);
    const int64_t *rows = query->first_pages + page;
    int are_equal = 1;
    for (int lane = 1; lane < LANES; lane++)
        are_equal &= rows[lane] == rows[0];
    Floats total = load_floats(sums->totals_before + page), best = load_floats(sums->best_before + page);
    for (int64_t t = 0; t < query->tokens; t++) {
        const Floats unit = broadcast(query->units[t]);
        Floats own = smaller(load_bytes(query->codes[t] + page) * unit, one);
        for (int64_t term = query->begins[t]; term < query->begins[t + 1]; term++) {
            const int64_t row = query->term_rows[term];
            const Floats match = smaller(load_bytes(query->codes[row] + page) * broadcast(query->units[row]), one);
            own = larger(own, match * broadcast(query->term_weights[term]));
        }
        const Floats on_first_page = smaller(gather_bytes(query->codes[t], rows, are_equal) * unit, one);
        const Floats raised = larger(own, on_first_page * broadcast(query->first_page_weight));
        total = total + raised * broadcast(query->weights[t]);
        best = larger(best, own);
    }
    store_floats(sums->totals + page, total);
    store_floats(sums->best + page, best);
}

/* As `token_scores`, for matches in a byte each instead of maxima: `codes` has the address of the codes (N,) of each
token and term. A code times its own number of `units`, at most 1, is a match. */
KERNEL(code_scores)(const uint8_t *const *codes, int64_t tokens, const float *weights, const float *units,
                    const int64_t *begins, const int64_t *term_rows, const float *term_weights,
                    const int64_t *first_pages, float first_page_weight, int64_t first, int64_t last,
                    const float *totals_before, const float *best_before, float *totals, float *best) {
    const CodedQuery query = {codes,     tokens,       weights,     units,            begins,
                              term_rows, term_weights, first_pages, first_page_weight};
    const Sums sums = {totals_before, best_before, totals, best};
    for (int64_t page = first; page < last; page += LANES)
        score_codes(&query, &sums, page + LANES <= last ? page : last - LANES);
}
