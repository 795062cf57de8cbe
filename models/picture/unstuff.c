#include "blocks.h"

#include <string.h>

// Copies chunk bytes at a time while none of them is 0xff. Where one is, the bytes before it count, and the copy behind it is
// overwritten. The branch on that is seldom taken, so that no step waits for what the one before has found.
#if defined(__SSE2__)
#include <emmintrin.h>

enum { chunk = 16 };

static inline int copy_before_ff(uint8_t *out, const uint8_t *data) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)data);
  _mm_storeu_si128((__m128i *)out, bytes);
  unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(-1)));
  return __builtin_expect(found == 0, 1) ? chunk : __builtin_ctz(found);
}
#else
enum { chunk = 8 };

static inline int copy_before_ff(uint8_t *out, const uint8_t *data) {
  uint64_t word;
  memcpy(&word, data, sizeof word);
  memcpy(out, &word, sizeof word);
  if (__builtin_expect(((~word - 0x0101010101010101) & word & 0x8080808080808080) == 0, 1)) return chunk;
  int i = 0;
  while (data[i] != 0xff) i++;
  return i;
}
#endif

int64_t cn_unstuff(const uint8_t *data, int64_t size, uint8_t *out, int64_t *written) {
  int64_t i = 0, n = 0;
  for (;;) {
    while (i + chunk <= size) {
      int k = copy_before_ff(out + n, data + i);
      if (k == chunk) {
        i += chunk, n += chunk;
        continue;
      }
      i += k, n += k;
      break;
    }
    while (i < size && data[i] != 0xff) out[n++] = data[i++];
    if (i + 1 >= size || data[i + 1] != 0) break;
    out[n++] = 0xff;
    i += 2;
  }
  *written = n;
  return i;
}
