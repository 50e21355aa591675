/* Calls the MaxSim kernel outside Python, for processors that are emulated: reads a query and pages from a file, writes
the maxima to another. Compiled together with maxsim.c by test_other_processors.py, which writes the input:
codec, dim, query vectors, pages (int64); rows (int16 or float32); steps (float32); lengths (int64); bytes of codes
(int64), codes; scales (float16, of all patches). */

#include "../../../../engine/kernels/native/kernel.h"
#include "../../../../engine/kernels/maxsim/chunk.h"

#include <stdio.h>
#include <stdlib.h>

KERNEL(maxsim_pack)(Query *query);
KERNEL(maxsim)(const Query *query, const Pages *pages, int64_t first, int64_t last, float *out);

static void *read_bytes(FILE *file, size_t size) {
    void *bytes = malloc(size ? size : 1);
    if (!bytes || fread(bytes, 1, size, file) != size)
        exit(2);
    return bytes;
}

int main(int count, char **arguments) {
    FILE *file = count == 3 ? fopen(arguments[1], "rb") : NULL;
    if (!file)
        return 2;
    const int64_t *head = read_bytes(file, 4 * sizeof *head);
    const size_t codec = (size_t)head[0], dim = (size_t)head[1], vectors = (size_t)head[2], n = (size_t)head[3];
    const size_t width = (vectors + 15) / 16 * 16, patch = (size_t)stored_bytes((int)codec, (int64_t)dim);
    Query query = {.codec = head[0], .dim = head[1], .count = head[2], .width = (int64_t)width};
    query.rows = read_bytes(file, vectors * dim * (codec == FLOAT16 ? 4 : 2));
    query.steps = read_bytes(file, vectors * sizeof(float));
    query.lanes = malloc(width * dim * 4);
    query.high = malloc(width * dim);
    query.starts = malloc(width * 4);
    query.radii = malloc(width * 4);
    const int64_t *lengths = read_bytes(file, n * sizeof *lengths), *size = read_bytes(file, sizeof *size);
    const uint8_t *codes = read_bytes(file, (size_t)*size), *scales = read_bytes(file, 2 * ((size_t)*size / patch));
    const uint8_t **values = malloc(n * sizeof *values), **of_pages = malloc(n * sizeof *of_pages);
    for (size_t i = 0; i < n; i++) {
        values[i] = codes;
        of_pages[i] = scales;
        codes += (size_t)lengths[i] * patch;
        scales += 2 * (size_t)lengths[i];
    }
    const Pages pages = {values, of_pages, of_pages, lengths};
    float *out = malloc(n * vectors * sizeof *out);
    NAMED(maxsim_pack, INSTRUCTIONS)(&query);
    NAMED(maxsim, INSTRUCTIONS)(&query, &pages, 0, (int64_t)n, out);
    file = fopen(arguments[2], "wb");
    return !file || fwrite(out, sizeof *out, n * vectors, file) != n * vectors || fclose(file);
}
