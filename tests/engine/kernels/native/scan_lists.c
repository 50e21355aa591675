/* Runs `postings_scan`, `postings_codes`, `token_scores` and `code_scores` on the arrays in a file: scan_lists IN OUT. See test_stage_1_on_arm.py. */

#include "../../../../engine/kernels/native/kernel.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const uint8_t *lists;
    int64_t descriptor, offset;
    uint8_t *buffer;
    int64_t buffer_bytes;
} Source;

KERNEL(postings_scan)(const Source *, const int64_t *, const int64_t *, const float *, int64_t, const uint8_t *, int64_t,
                      float, float, float, const int32_t *, int64_t, float *, int64_t *);
KERNEL(postings_codes)(const Source *, const int64_t *, const int64_t *, const float *, int64_t, const uint8_t *, int64_t,
                       float, float, float, float, int64_t, uint8_t *, int64_t *);
KERNEL(token_scores)(const float *const *, int64_t, const float *, const float *, const float *, const int64_t *,
                     const int64_t *, const float *, const int64_t *, float, int64_t, int64_t, const float *,
                     const float *, float *, float *);
KERNEL(code_scores)(const uint8_t *const *, int64_t, const float *, const float *, const int64_t *, const int64_t *,
                    const float *, const int64_t *, float, int64_t, int64_t, const float *, const float *, float *,
                    float *);

enum { TOKENS = 3, TERMS = 2, PAGES = 100 };

static void *read_array(FILE *from, size_t bytes) {
    void *array = malloc(bytes + 1);
    if (!array || fread(array, 1, bytes, from) != bytes)
        exit(1);
    return array;
}

int main(int count, char **names) {
    FILE *from = count == 3 ? fopen(names[1], "rb") : NULL, *to = count == 3 ? fopen(names[2], "wb") : NULL;
    if (!from || !to)
        return 1;
    const int64_t *head = read_array(from, 5 * sizeof *head); /* lists, bytes of lists and of signs, pages, rows */
    const float *numbers = read_array(from, 4 * sizeof *numbers); /* step, offset, floor, scale */
    const int64_t *begins = read_array(from, head[0] * sizeof *begins), *ends = read_array(from, head[0] * sizeof *ends);
    const float *products = read_array(from, head[0] * sizeof *products);
    const uint8_t *table = read_array(from, 32 * head[2]), *lists = read_array(from, head[1]);
    const int32_t *page_rows = read_array(from, head[3] * sizeof *page_rows);
    float *best = read_array(from, head[4] * sizeof *best);
    const Source source = {lists, -1, 0, NULL, 0};
    int64_t is_read = 0;
    NAMED(postings_scan, INSTRUCTIONS)(&source, begins, ends, products, head[0], table, head[2], numbers[0], numbers[1],
                                       numbers[2], page_rows, head[3], best, &is_read);
    fwrite(best, sizeof *best, head[4], to);
    uint8_t *codes = calloc(head[3], 1);
    NAMED(postings_codes, INSTRUCTIONS)(&source, begins, ends, products, head[0], table, head[2], numbers[0],
                                        numbers[1], numbers[2], numbers[3], head[3], codes, &is_read);
    for (int64_t page = 0; page < head[3]; page++) {
        const float code = codes[page];
        fwrite(&code, sizeof code, 1, to);
    }

    const float *maxima = read_array(from, (TOKENS + TERMS) * PAGES * sizeof *maxima), *columns[TOKENS + TERMS];
    for (int column = 0; column < TOKENS + TERMS; column++)
        columns[column] = maxima + column * PAGES;
    const float *weights = read_array(from, TOKENS * sizeof *weights);
    const float *ranges = read_array(from, 2 * (TOKENS + TERMS) * sizeof *ranges); /* floors, slopes */
    const int64_t *terms = read_array(from, (TOKENS + 1 + TERMS) * sizeof *terms);
    const float *term_weights = read_array(from, TERMS * sizeof *term_weights);
    const int64_t *first_pages = read_array(from, PAGES * sizeof *first_pages);
    float before[PAGES] = {0}, total[PAGES], own[PAGES];
    NAMED(token_scores, INSTRUCTIONS)(columns, TOKENS, weights, ranges, ranges + TOKENS + TERMS, terms,
                                      terms + TOKENS + 1, term_weights, first_pages, 0.8f, 0, PAGES, before, before,
                                      total, own);
    fwrite(total, sizeof *total, PAGES, to);
    fwrite(own, sizeof *own, PAGES, to);

    const uint8_t *matches = read_array(from, (TOKENS + TERMS) * PAGES), *code_columns[TOKENS + TERMS];
    for (int column = 0; column < TOKENS + TERMS; column++)
        code_columns[column] = matches + column * PAGES;
    const float *units = read_array(from, (TOKENS + TERMS) * sizeof *units);
    NAMED(code_scores, INSTRUCTIONS)(code_columns, TOKENS, weights, units, terms, terms + TOKENS + 1, term_weights,
                                     first_pages, 0.8f, 0, PAGES, before, before, total, own);
    fwrite(total, sizeof *total, PAGES, to);
    fwrite(own, sizeof *own, PAGES, to);
    return fclose(to);
}
