#include "blocks.h"

#include <string.h>

// The blocks of a JPEG have no length: where one ends is known once all its codes are read, each of which has to be
// looked up before the next. That latency is most of the time, so three places of a scan are read in turn: its beginning,
// and one and two thirds of the way. The others are none where a block begins, but after some hundred bytes Huffman codes are
// read right whatever was read before: where a lane arrives at a block that the next one has found too, the next one's are
// right from there on. A fourth lane gains 1 % more.

// A lane is one of these places.
typedef struct {
  uint64_t acc;    // the next bits, from the highest on
  uint64_t state;  // how many of them are valid (6 bits), and above them 63 less the coefficients read of the block
  int64_t at;      // byte to be loaded next
  int64_t n;       // blocks found
  int64_t within;  // 1 once the first code of the next one is read
  int32_t *begins;
} lane;

typedef struct {
  const uint8_t *data;
  const int16_t *steps;
  const cn_codes *codes;
  const uint32_t *turns;
  int64_t unit;
} scan;

// An entry of steps: the bits that it takes (6 bits), the coefficients that it steps over, less ended where a block ends;
// one without a code steps over 64. over is the bit of state that is set where a block has more than 64 coefficients.
enum { ended = 1 << 15, over = 1 << 12, fresh = 63 << 6, damaged = 1 << 20 };

static uint64_t load(const uint8_t *data) {
  uint64_t word;
  memcpy(&word, data, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

static void start(lane *l, const scan *s, int64_t bit) {
  l->acc = load(s->data + (bit >> 3)) << (bit & 7);
  l->state = fresh | (56 - (bit & 7));
  l->at = (bit >> 3) + 7;
  l->within = 0;
}

// Reads one code, where steps has none or more than the block holds.
__attribute__((noinline, cold)) static int64_t single(const cn_codes *codes, uint64_t acc, uint64_t state) {
  int left = (int)(state >> 6 & 63);
  int first = left == 63;
  const cn_codes *c = codes + !first;
  uint32_t next = (uint32_t)(acc >> 48);
  int length = 1;
  while (length <= 16 && next >= c->limit[length]) length++;
  if (length > 16) return damaged;
  int value = c->value[(c->offset[length] + (int32_t)(next >> (16 - length))) & 255];
  if (first) return value > 11 ? damaged : (length + value) | 1 << 6;
  int size = value & 15, run = value >> 4;
  if (size == 0 && run != 15) return length - ended;
  if (size > 10 || run > left) return damaged;
  if (run == left) return ((length + size) | run << 6) - ended;  // the last coefficient
  return (length + size) | (run + 1) << 6;
}

// turn counts blocks twice, and once more within a block.
#define OPEN(i, l)                                                                                        \
  uint64_t acc##i = (l)->acc, state##i = (l)->state, valid##i = state##i;                                 \
  int64_t at##i = (l)->at, turn##i = (l)->n % cn_period * 2, base##i = (l)->n - turn##i / 2;              \
  turn##i += (l)->within;                                                                                 \
  int32_t *begins##i = (l)->begins + base##i;

#define SHUT(i, l) \
  (l)->acc = acc##i, (l)->state = state##i, (l)->at = at##i, (l)->n = base##i + (turn##i >> 1), (l)->within = turn##i & 1

// Makes 56 or more bits of acc valid by an unconditional load; the bytes of it that do not fit are loaded again (Giesen,
// Reading bits in far too many ways, part 2, variant 4).
#define REFILL(i)                                   \
  acc##i |= load(s->data + at##i) >> (valid##i & 63); \
  at##i += (~valid##i & 63) >> 3;                   \
  state##i |= 56;

// Takes a step without a branch on what it finds: where a block ends is as good as random.
#define STEP(i)                                                                          \
  {                                                                                      \
    int64_t step = s->steps[s->turns[turn##i] + (acc##i >> (64 - cn_peek))];             \
    if (__builtin_expect((state##i - (uint64_t)step) & over, 0)) {                       \
      step = single(s->codes + 2 * ((turn##i >> 1) % s->unit), acc##i, state##i);        \
      if (step == damaged) goto broken##i;                                               \
    }                                                                                    \
    acc##i <<= step & 63;                                                                \
    state##i -= (uint64_t)step;                                                          \
    valid##i = state##i;                                                                 \
    int64_t end = step >> 63;                                                            \
    begins##i[(turn##i >> 1) + 1] = (int32_t)(at##i * 8 - (int64_t)(valid##i & 63));     \
    state##i = (state##i | ((uint64_t)end & fresh)) & (over - 1);                        \
    turn##i = (turn##i | 1) - end;                                                       \
  }

enum { done, broken_first, broken_second, broken_third };

// How many turns of a period there are until so many blocks are found.
#define MOST(base) (2 * (blocks - (base) < cn_period ? blocks - (base) : cn_period))

enum { together = 64 };

// Goes on with a lane until it has found so many blocks (up to one too many), or is at a byte.
static inline __attribute__((always_inline)) int one(lane *a, const scan *s, int64_t blocks, int64_t until) {
  while (a->n < blocks && a->at < until) {
    OPEN(0, a)
    int64_t most0 = MOST(base0);
    int why = done;
    while (turn0 < most0 && at0 < until) {
      REFILL(0) STEP(0) STEP(0)
    }
    goto shut;
  broken0:  // which does not matter behind the last block
    if (turn0 < most0) why = broken_first;
  shut:
    SHUT(0, a);
    if (why) return why;
  }
  return done;
}

// Goes on with all lanes until one of them has found so many blocks, or is at its byte.
static inline __attribute__((always_inline)) int three(lane l[3], const scan *s, int64_t blocks, const int64_t until[3]) {
  while (l[0].n < blocks && l[1].n < blocks && l[2].n < blocks && l[0].at < until[0] && l[1].at < until[1] &&
         l[2].at < until[2]) {
    OPEN(0, l)
    OPEN(1, l + 1)
    OPEN(2, l + 2)
    int64_t until0 = until[0], until1 = until[1], until2 = until[2];
    int64_t most0 = MOST(base0), most1 = MOST(base1), most2 = MOST(base2);
    int why = done;
    while (turn0 < most0 && turn1 < most1 && turn2 < most2 && at0 < until0 && at1 < until1 && at2 < until2) {
      REFILL(0) REFILL(1) REFILL(2) STEP(0) STEP(1) STEP(2) STEP(0) STEP(1) STEP(2)
    }
    goto shut;
  broken0:
    if (turn0 < most0) why = broken_first;
    goto shut;
  broken1:
    if (turn1 < most1) why = broken_second;
    goto shut;
  broken2:
    if (turn2 < most2) why = broken_third;
  shut:
    SHUT(0, l);
    SHUT(1, l + 1);
    SHUT(2, l + 2);
    if (why) return why;
  }
  return done;
}

// Goes on with a lane that began anywhere: it does not know whether what it reads is damaged, so it begins anew.
static inline __attribute__((always_inline)) void again(lane *l, const scan *s) {
  start(l, s, l->at * 8 - (int64_t)(l->state & 63) + 1);
  l->n = 0;
  l->begins[0] = (int32_t)(l->at * 8 - (int64_t)(l->state & 63));
}

// Goes on with the first lane until it meets a block that another has found too, of the same place in its unit, and goes to that
// one's end. Returns 0 at damage.
static inline __attribute__((always_inline)) int meet(lane *a, const lane *b, const scan *s, int64_t blocks, int64_t end) {
  int32_t *begins = a->begins, *spare = b->begins;
  for (int64_t n = a->n, m = 0; a->n < blocks && m < b->n && a->at < end;) {
    int64_t to = a->n + together < blocks ? a->n + together : blocks;
    if (one(a, s, to, end) != done) return 0;
    for (; n <= a->n && m < b->n; n++) {
      while (m < b->n && spare[m] < begins[n]) m++;
      if (m == b->n || spare[m] != begins[n] || m % s->unit != n % s->unit) continue;
      int64_t both = b->n - m < blocks - n ? b->n - m : blocks - n;
      memcpy(begins + n, spare + m, (size_t)(both + 1) * sizeof *begins);
      a->n = n + both;
      start(a, s, begins[a->n]);
      m = b->n;
    }
  }
  return 1;
}

enum { worthwhile = 4096 };

static inline __attribute__((always_inline)) int find(const scan *s, int64_t size, int64_t blocks, int32_t *begins,
                                                      int32_t *spare) {
  lane l[3] = {{.begins = begins}, {.begins = spare}, {.begins = spare + blocks + cn_spare}};
  int64_t end = size + 8;
  start(&l[0], s, 0);
  begins[0] = 0;
  if (size >= worthwhile) {
    int64_t until[3] = {size / 3, size / 3 * 2, size - 32};  // where lanes end, whatever they read
    for (int i = 1; i < 3; i++) {
      start(&l[i], s, until[i - 1] * 8);
      l[i].begins[0] = (int32_t)(until[i - 1] * 8);
    }
    for (int why; (why = three(l, s, blocks, until)) != done;) {
      if (why == broken_first) return 0;
      again(&l[why - broken_first], s);
    }
    for (int i = 1; i < 3; i++) {
      while (one(&l[i], s, blocks, until[i]) != done) again(&l[i], s);
    }
    if (one(&l[0], s, blocks, until[0]) != done) return 0;
    for (int i = 1; i < 3; i++) {
      if (!meet(&l[0], &l[i], s, blocks, end)) return 0;
    }
  }
  return one(&l[0], s, blocks, end) == done && l[0].n >= blocks;
}

// Reads one code that is not in the tables of values, as they have it.
__attribute__((noinline, cold)) static int32_t value_of(const cn_codes *c, uint64_t acc, int first) {
  uint32_t next = (uint32_t)(acc >> 48);
  int length = 1;
  while (length < 16 && next >= c->limit[length]) length++;
  int symbol = c->value[(c->offset[length] + (int32_t)(next >> (16 - length))) & 255], size = symbol & 15;
  int32_t value = size == 0 ? 0 : (int32_t)(acc << length >> (64 - size));
  if (size > 0 && value < 1 << (size - 1)) value += 1 - (1 << size);
  if (first) return value << 8 | (length + size);
  if (symbol != 0xf0 && size == 0) return 128 << 8 | length;
  return value << 16 | ((symbol >> 4) + 1) << 8 | (length + size);
}

typedef struct {
  uint8_t *pix;
  int64_t stride, width, height, columns;  // bytes of a row, of a unit across, of a row of units; units in a row
  int copies;                              // of each byte: 3 where the picture is grey
} cn_picture;

static uint8_t level(int64_t v) { return v < 0 ? 0 : v >> 13 > 255 ? 255 : (uint8_t)(v >> 13); }

// Writes the means of a block's four quarters to the pixels that they fill, copies bytes of each.
static inline void quarters(const cn_plane *p, int64_t mean, int64_t right, int64_t lower, int64_t both, uint8_t *pix,
                            int64_t stride, int copies) {
  right *= p->right, lower *= p->lower, both *= p->both;
  uint8_t q[4] = {level(mean + right + lower + both), level(mean - right + lower - both),
                  level(mean + right - lower - both), level(mean - right - lower + both)};
  if (p->wide == 2 && p->high == 2 && copies == 1) {
    pix[0] = q[0], pix[3] = q[1], pix[stride] = q[2], pix[stride + 3] = q[3];
  } else if (p->wide == 4 && p->high == 4 && copies == 1) {
    for (int y = 0; y < 4; y++, pix += stride) {
      pix[0] = pix[3] = q[y & 2];
      pix[6] = pix[9] = q[(y & 2) | 1];
    }
  } else {
    for (int64_t y = 0; y < p->high; y++, pix += stride) {
      for (int64_t x = 0; x < p->wide; x++) {
        for (int c = 0; c < copies; c++) pix[3 * x + c] = q[2 * y / p->high * 2 + 2 * x / p->wide];
      }
    }
  }
}

// Reads the lowest coefficients of a block, and paints it.
static inline __attribute__((always_inline)) void paint(const cn_lookups *t, const cn_codes *codes, int plane, cn_plane *p,
                                                        const uint8_t *data, int64_t at, uint8_t *pix, int64_t stride,
                                                        int copies) {
  uint64_t acc = load(data + (at >> 3)) << (at & 7);
  int64_t slot = t->slots[plane];
  int32_t code = t->means[slot << cn_mean_peek | acc >> (64 - cn_mean_peek)];
  if (__builtin_expect(code == 0, 0)) code = value_of(codes, acc, 1);
  p->before += code >> 8;
  int64_t mean = p->before * p->mean + (128 << 13) + (1 << 12);
  if (p->wide == 1 && p->high == 1) {
    pix[0] = level(mean);
    if (copies > 1) pix[1] = pix[2] = pix[0];
    return;
  }
  acc <<= code & 63;
  at += code & 63;
  cn_opening o = t->openings[slot << cn_low_peek | acc >> (64 - cn_low_peek)];
  int64_t low[6] = {0, o.right, o.lower, 0, o.both};
  at += o.bits;
  for (int k = o.over; __builtin_expect(k < 4, 0); at += code & 63) {
    acc = load(data + (at >> 3)) << (at & 7);
    code = t->lows[slot << cn_low_peek | acc >> (64 - cn_low_peek)];
    if (__builtin_expect(code == 0, 0)) code = value_of(codes + 1, acc, 0);
    k += code >> 8 & 255;
    low[k < 5 ? k : 5] = code >> 16;
  }
  quarters(p, mean, low[1], low[2], low[4], pix, stride, copies);
}

static inline __attribute__((always_inline)) void paint_units(const cn_lookups *t, const cn_picture *p, cn_plane *planes,
                                                              const uint8_t *data, const int32_t *begins, int64_t from,
                                                              int64_t to) {
  for (int64_t n = from; n < to; n++, begins += t->unit) {
    uint8_t *pix = p->pix + n / p->columns * p->height + n % p->columns * p->width;
    for (int64_t i = 0; i < t->unit; i++) {
      cn_block b = t->blocks[i];
      paint(t, t->codes + 2 * i, b.plane, planes + b.plane, data, begins[i], pix + b.at, p->stride, p->copies);
    }
  }
}

#if defined(__x86_64__)
__attribute__((target("bmi2"))) static int find_bmi2(const scan *s, int64_t size, int64_t blocks, int32_t *begins,
                                                     int32_t *spare) {
  return find(s, size, blocks, begins, spare);
}

__attribute__((target("bmi2"))) static void paint_bmi2(const cn_lookups *t, const cn_picture *p, cn_plane *planes,
                                                       const uint8_t *data, const int32_t *begins, int64_t from, int64_t to) {
  paint_units(t, p, planes, data, begins, from, to);
}
#endif

int cn_blocks(const cn_lookups *t, const uint8_t *data, int64_t size, int64_t blocks, int32_t *begins, int32_t *spare) {
  scan s = {data, t->steps, t->codes, t->turns, t->unit};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("bmi2")) return find_bmi2(&s, size, blocks, begins, spare);
#endif
  return find(&s, size, blocks, begins, spare);
}

void cn_paint(const cn_lookups *t, uint8_t *pix, int64_t stride, int64_t width, int64_t height, int64_t columns, int copies,
              cn_plane *planes, const uint8_t *data, const int32_t *begins, int64_t from, int64_t to) {
  cn_picture p = {pix, stride, width, height, columns, copies};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("bmi2")) {
    paint_bmi2(t, &p, planes, data, begins, from, to);
    return;
  }
#endif
  paint_units(t, &p, planes, data, begins, from, to);
}
