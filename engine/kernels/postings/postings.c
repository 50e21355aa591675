/* Scan of posting lists: `scan.Postings.update_maxima` in C. `reference.py` defines it, `scan.py` has the layout.

Half a byte of a patch's signs selects one of 16 sums of four query numbers. The sums are bytes, so one shuffle looks up
half a byte of 16 patches for each 128 bits of a register. This is PQ Fast Scan: Andre, Kermarrec and Le Scouarnec,
"Cache locality is not enough: high-performance nearest neighbor search with product quantization fast scan", 2015.

Sums are integers, and every instruction set does the same float operations in the same order: all give the same bits.
*/

#if !defined(_WIN32)
#define _POSIX_C_SOURCE 200809L /* pread */
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <unistd.h>
#endif
#include <stddef.h>

#include "../native/floats.h"
#include "../native/kernel.h"

enum {
    BLOCK = 32,           /* patches of a full block */
    HEAD_BYTES = 6,       /* bytes of a patch before its signs */
    ROW = 16,             /* entries of a row of the lookup table, one row for each half byte of signs */
    SIGN_BYTES_MAX = 256, /* sums over more would not fit 16 bits */
    LINE = 64,            /* bytes of a cache line */
    AHEAD = 4096          /* bytes from a block to what is fetched meanwhile: processors stop at the end of a page */
};

/* The lookup table as its instruction set reads it. */
typedef struct {
    const uint8_t *rows;
#if defined(__AVX512BW__)
    __m512i low[SIGN_BYTES_MAX / 2], high[SIGN_BYTES_MAX / 2]; /* of two bytes of signs, each row twice */
#endif
} Table;

#if defined(__AVX2__)

static inline __m256i row_twice(const uint8_t *row) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)row));
}

/* Adds the entries that byte i of each patch's signs selects: to `both` as 16-bit numbers of two patches, whose upper
bytes are added to `odd`, too. */
static inline void add_byte(const Table *table, int64_t i, __m256i codes, __m256i *both, __m256i *odd) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const uint8_t *row = table->rows + 2 * ROW * i;
    __m256i low = _mm256_shuffle_epi8(row_twice(row), _mm256_and_si256(codes, nibble));
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 4), nibble);
    __m256i sum = _mm256_add_epi8(low, _mm256_shuffle_epi8(row_twice(row + ROW), high));
    *both = _mm256_add_epi16(*both, sum);
    *odd = _mm256_add_epi16(*odd, _mm256_srli_epi16(sum, 8));
}

/* Sums of even and of odd patches, in their order. */
static inline void store_sums(__m256i both, __m256i odd, uint16_t *sums) {
    __m256i even = _mm256_sub_epi16(both, _mm256_slli_epi16(odd, 8));
    __m256i first = _mm256_unpacklo_epi16(even, odd), second = _mm256_unpackhi_epi16(even, odd);
    _mm256_storeu_si256((__m256i *)sums, _mm256_permute2x128_si256(first, second, 0x20));
    _mm256_storeu_si256((__m256i *)(sums + 16), _mm256_permute2x128_si256(first, second, 0x31));
}

#endif

static inline void prepare(Table *table, const uint8_t *rows, int64_t sign_bytes) {
    table->rows = rows;
    (void)sign_bytes;
#if defined(__AVX512BW__)
    for (int64_t i = 0; i + 1 < sign_bytes; i += 2) {
        const uint8_t *row = rows + 2 * ROW * i;
        table->low[i / 2] = _mm512_inserti64x4(_mm512_castsi256_si512(row_twice(row)), row_twice(row + 2 * ROW), 1);
        table->high[i / 2] =
            _mm512_inserti64x4(_mm512_castsi256_si512(row_twice(row + ROW)), row_twice(row + 3 * ROW), 1);
    }
#endif
}

/* For each of the `size` patches of a block, the sum of the table's entries that its signs select. Reads BLOCK bytes
from the last byte of signs on, and writes BLOCK sums; those past `size` are of no patch. */
static inline void sign_sums(const Table *table, int64_t sign_bytes, const uint8_t *signs, int64_t size,
                             uint16_t *sums) {
#if defined(__AVX2__)
    __m256i both = _mm256_setzero_si256(), odd = both;
    int64_t i = 0;
#if defined(__AVX512BW__)
    if (size == BLOCK) {
        const __m512i nibble = _mm512_set1_epi8(15);
        __m512i wide_both = _mm512_setzero_si512(), wide_odd = wide_both;
        for (; i + 1 < sign_bytes; i += 2) {
            __m512i codes = _mm512_loadu_si512(signs + BLOCK * i);
            __m512i low = _mm512_shuffle_epi8(table->low[i / 2], _mm512_and_si512(codes, nibble));
            __m512i upper = _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble);
            __m512i sum = _mm512_add_epi8(low, _mm512_shuffle_epi8(table->high[i / 2], upper));
            wide_both = _mm512_add_epi16(wide_both, sum);
            wide_odd = _mm512_add_epi16(wide_odd, _mm512_srli_epi16(sum, 8));
        }
        both = _mm256_add_epi16(_mm512_castsi512_si256(wide_both), _mm512_extracti64x4_epi64(wide_both, 1));
        odd = _mm256_add_epi16(_mm512_castsi512_si256(wide_odd), _mm512_extracti64x4_epi64(wide_odd, 1));
    }
#endif
    for (; i < sign_bytes; i++)
        add_byte(table, i, _mm256_loadu_si256((const __m256i *)(signs + size * i)), &both, &odd);
    store_sums(both, odd, sums);
#elif defined(__aarch64__) && !defined(PLAIN_C)
    uint16x8_t total[4] = {vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0)};
    for (int64_t i = 0; i < sign_bytes; i++) {
        const uint8_t *row = table->rows + 2 * ROW * i;
        const uint8x16_t low_row = vld1q_u8(row), high_row = vld1q_u8(row + ROW);
        for (int half = 0; half < 2; half++) {
            uint8x16_t codes = vld1q_u8(signs + size * i + 16 * half);
            uint8x16_t low = vqtbl1q_u8(low_row, vandq_u8(codes, vdupq_n_u8(15)));
            uint8x16_t sum = vaddq_u8(low, vqtbl1q_u8(high_row, vshrq_n_u8(codes, 4)));
            total[2 * half] = vaddw_u8(total[2 * half], vget_low_u8(sum));
            total[2 * half + 1] = vaddw_high_u8(total[2 * half + 1], sum);
        }
    }
    for (int part = 0; part < 4; part++)
        vst1q_u16(sums + 8 * part, total[part]);
#else
    memset(sums, 0, BLOCK * sizeof *sums);
    for (int64_t i = 0; i < sign_bytes; i++) {
        const uint8_t *row = table->rows + 2 * ROW * i, *codes = signs + size * i;
        for (int64_t patch = 0; patch < size; patch++)
            sums[patch] += (uint16_t)(row[codes[patch] & 15] + row[ROW + (codes[patch] >> 4)]);
    }
#endif
}

/* The numbers that LANES codes stand for, as in `residual.LEVELS`: 0, or 2^(code / 16 - 12) by a quadratic for the
fraction, off by 0.2 %, to whose exponent the integer part is added. */
static inline Floats power_of_two(Floats sixteenths) {
    const Floats part = sixteenths * broadcast(1.0f / 16);
    return part * broadcast(0.65625f) + broadcast(1.0f) + part * part * broadcast(0.34375f);
}

static inline Floats level(const uint8_t *codes) {
#if defined(__AVX512BW__)
    const __m512i code = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)codes));
    const Floats power = power_of_two(_mm512_cvtepi32_ps(_mm512_and_si512(code, _mm512_set1_epi32(15))));
    const __m512i exponent = _mm512_sub_epi32(_mm512_srli_epi32(code, 4), _mm512_set1_epi32(12));
    const __m512i number = _mm512_add_epi32(_mm512_castps_si512(power), _mm512_slli_epi32(exponent, 23));
    return _mm512_castsi512_ps(_mm512_maskz_mov_epi32(_mm512_test_epi32_mask(code, code), number));
#elif defined(__AVX2__)
    const __m256i code = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)codes));
    const Floats power = power_of_two(_mm256_cvtepi32_ps(_mm256_and_si256(code, _mm256_set1_epi32(15))));
    const __m256i exponent = _mm256_sub_epi32(_mm256_srli_epi32(code, 4), _mm256_set1_epi32(12));
    const __m256i number = _mm256_add_epi32(_mm256_castps_si256(power), _mm256_slli_epi32(exponent, 23));
    return _mm256_castsi256_ps(_mm256_andnot_si256(_mm256_cmpeq_epi32(code, _mm256_setzero_si256()), number));
#else
    const Ints code = {codes[0], codes[1], codes[2], codes[3]};
    const Floats power = power_of_two(__builtin_convertvector(code & 15, Floats));
    const Ints number = (Ints)power + ((code >> 4) - 12) * (1 << 23);
    return (Floats)(number & (code != 0));
#endif
}

static inline Floats to_floats(const uint16_t *sums) {
#if defined(__AVX512BW__)
    return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)sums)));
#elif defined(__AVX2__)
    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)sums)));
#else
    const Ints numbers = {sums[0], sums[1], sums[2], sums[3]};
    return __builtin_convertvector(numbers, Floats);
#endif
}

/* A bit for each lane whose number is above `floor`. */
static inline uint32_t above_floor(Floats numbers, Floats floor) {
#if defined(__AVX512BW__)
    return _mm512_cmp_ps_mask(numbers, floor, _CMP_GT_OQ);
#elif defined(__AVX2__)
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(numbers, floor, _CMP_GT_OQ));
#else
    const Ints bits = (numbers > floor) & (Ints){1, 2, 4, 8};
    return (uint32_t)(bits[0] | bits[1] | bits[2] | bits[3]);
#endif
}

/* The least whole numbers not below LANES numbers, which are from 0 to 255. */
static inline void store_ceilings(int32_t *to, Floats numbers) {
#if defined(__AVX512BW__)
    _mm512_storeu_si512(to, _mm512_cvt_roundps_epi32(numbers, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC));
#elif defined(__AVX2__)
    _mm256_storeu_si256((__m256i *)to, _mm256_cvtps_epi32(_mm256_ceil_ps(numbers)));
#else
    const Ints below = __builtin_convertvector(numbers, Ints);
    const Ints ceilings = below - (__builtin_convertvector(below, Floats) < numbers); /* true is -1 */
    memcpy(to, &ceilings, sizeof ceilings);
#endif
}

/* What a query vector is, to a scan; `rows`, `step` and `offset` are `scan.lookup_table`. */
typedef struct {
    Table table;
    int64_t sign_bytes;
    float step, offset, floor;
} Vector;

/* Where a scan writes to: to `best`, float32, at `page_rows`, or, where `codes` is not NULL, there at the page's number,
in steps above the floor, `scale` to a unit. */
typedef struct {
    int64_t pages;
    const int32_t *page_rows;
    float *best;
    float scale;
    uint8_t *codes;
} Maxima;

static inline void scan_list(const Vector *vector, int64_t sign_bytes, const uint8_t *lists, int64_t begin, int64_t end,
                             float product, Maxima maxima) {
    const Floats zero = broadcast(0.0f), most = broadcast(255.0f), floor = broadcast(vector->floor);
    for (int64_t start = begin; start < end; start += BLOCK) {
        const int64_t size = end - start < BLOCK ? end - start : BLOCK;
        const uint8_t *block = lists + start * (HEAD_BYTES + sign_bytes);
        const uint8_t *coefficients = block + 4 * size, *steps = block + 5 * size;
        uint16_t sums[BLOCK];
        float similarities[BLOCK];
        int32_t codes[BLOCK];
        uint32_t above = 0;
        for (int64_t line = 0; line < size * (HEAD_BYTES + sign_bytes); line += LINE)
            __builtin_prefetch(block + AHEAD + line); /* past the lists, too: that reads nothing */
        sign_sums(&vector->table, sign_bytes, block + HEAD_BYTES * size, size, sums);
        for (int i = 0; i < BLOCK; i += LANES) { /* reads past a short block, not past the lists */
            const Floats residual = to_floats(sums + i) * broadcast(vector->step) + broadcast(vector->offset);
            const Floats similarity = level(coefficients + i) * broadcast(product) + level(steps + i) * residual;
            above |= above_floor(similarity, floor) << i;
            if (maxima.codes)
                store_ceilings(codes + i, smaller(larger((similarity - floor) * broadcast(maxima.scale), zero), most));
            else
                store_floats(similarities + i, similarity);
        }
        above &= UINT32_MAX >> (BLOCK - size);
        for (; above; above &= above - 1) {
            const int i = __builtin_ctz(above);
            uint32_t page;
            memcpy(&page, block + 4 * i, sizeof page);
            if (page >= maxima.pages)
                continue;
            if (maxima.codes) {
                if (codes[i] > maxima.codes[page])
                    maxima.codes[page] = (uint8_t)codes[i];
            } else if (similarities[i] > maxima.best[maxima.page_rows[page]]) {
                maxima.best[maxima.page_rows[page]] = similarities[i];
            }
        }
    }
}

/* Where lists are: in memory, or, unless `descriptor` is negative, in an open file from byte `offset` on, of which
`buffer_bytes`, BLOCK more than a block at least, are read at a time. */
typedef struct {
    const uint8_t *lists;
    int64_t descriptor, offset;
    uint8_t *buffer;
    int64_t buffer_bytes;
} Source;

/* Reads `count` bytes of a file; returns whether there were so many. */
static int read_bytes(int64_t descriptor, uint8_t *to, int64_t count, int64_t offset) {
#if defined(_WIN32)
    (void)descriptor, (void)to, (void)count, (void)offset;
    return 0;
#else
    while (count > 0) {
        const ssize_t done = pread((int)descriptor, to, (size_t)count, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return 0;
        to += done, count -= done, offset += done;
    }
    return 1;
#endif
}

/* Scans the lists, a few blocks at a time where they are in a file; returns whether all could be read. */
static inline int scan_lists(const Vector *vector, int64_t sign_bytes, const Source *source, const int64_t *begins,
                             const int64_t *ends, const float *products, int64_t count, Maxima maxima) {
    const int64_t patch = HEAD_BYTES + sign_bytes, most = (source->buffer_bytes - BLOCK) / (BLOCK * patch) * BLOCK;
    for (int64_t i = 0; i < count; i++) {
        if (source->descriptor < 0) {
            scan_list(vector, sign_bytes, source->lists, begins[i], ends[i], products[i], maxima);
            continue;
        }
        for (int64_t begin = begins[i]; begin < ends[i]; begin += most) {
            const int64_t size = ends[i] - begin < most ? ends[i] - begin : most;
            if (!read_bytes(source->descriptor, source->buffer, size * patch, source->offset + begin * patch))
                return 0;
            scan_list(vector, sign_bytes, source->buffer, 0, size, products[i], maxima);
        }
    }
    return 1;
}

static int scan_source(const Vector *vector, const Source *source, const int64_t *begins, const int64_t *ends,
                       const float *products, int64_t count, Maxima maxima) {
    if (vector->sign_bytes == 16) /* 128 dimensions: the table stays in registers */
        return scan_lists(vector, 16, source, begins, ends, products, count, maxima);
    return scan_lists(vector, vector->sign_bytes, source, begins, ends, products, count, maxima);
}

/* Raises `best[page_rows[p]]`, float32, to the similarity of a vector with each patch of page p above `floor`, in the
patches `begins[i]` up to `ends[i]` of the lists for each i of `count`. `products[i]` is the vector's product with the
centroid of list i; `rows` (2 * sign_bytes, 16), `step` and `offset` are `scan.lookup_table`. Pages that are not below
`pages` are damage in the file and skipped. BLOCK bytes follow the last list. `is_read` is set to 0 where the file of
the lists could not be read. */
KERNEL(postings_scan)(const Source *source, const int64_t *begins, const int64_t *ends, const float *products,
                      int64_t count, const uint8_t *rows, int64_t sign_bytes, float step, float offset, float floor,
                      const int32_t *page_rows, int64_t pages, float *best, int64_t *is_read) {
    Vector vector = {.sign_bytes = sign_bytes, .step = step, .offset = offset, .floor = floor};
    prepare(&vector.table, rows, sign_bytes);
    const Maxima maxima = {pages, page_rows, best, 0.0f, NULL};
    *is_read = scan_source(&vector, source, begins, ends, products, count, maxima);
}

/* As `postings_scan`, in a byte for each page: raises `codes[p]` to the number of steps begun by which the similarity is
above `floor`, `scale` steps to a unit, at most 255. */
KERNEL(postings_codes)(const Source *source, const int64_t *begins, const int64_t *ends, const float *products,
                       int64_t count, const uint8_t *rows, int64_t sign_bytes, float step, float offset, float floor,
                       float scale, int64_t pages, uint8_t *codes, int64_t *is_read) {
    Vector vector = {.sign_bytes = sign_bytes, .step = step, .offset = offset, .floor = floor};
    prepare(&vector.table, rows, sign_bytes);
    const Maxima maxima = {pages, NULL, NULL, scale, codes};
    *is_read = scan_source(&vector, source, begins, ends, products, count, maxima);
}
