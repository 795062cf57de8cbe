#include "resample.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef float v4 __attribute__((vector_size(16)));

enum { block = 16 };

typedef void sum_rows(const uint8_t *src, int64_t stride, int64_t n, const float *weight, int32_t count, float *row);

// Sums count rows of n bytes, weighted, into row.
static void sum_rows_plain(const uint8_t *src, int64_t stride, int64_t n, const float *weight, int32_t count, float *row) {
  for (int64_t i = 0; i < n; i++) row[i] = weight[0] * (float)src[i];
  for (int32_t t = 1; t < count; t++) {
    const uint8_t *from = src + t * stride;
    for (int64_t i = 0; i < n; i++) row[i] += weight[t] * (float)from[i];
  }
}

#if defined(__x86_64__)
// The same, a block at a time, so that the sums stay in registers; the results are the same, bit by bit.
__attribute__((target("avx2"))) static void sum_rows_avx2(const uint8_t *src, int64_t stride, int64_t n,
                                                          const float *weight, int32_t count, float *row) {
  int64_t i = 0;
  for (; i + block <= n; i += block) {
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    const uint8_t *from = src + i;
    for (int32_t t = 0; t < count; t++, from += stride) {
      __m128i bytes = _mm_loadu_si128((const __m128i *)from);
      __m256 w = _mm256_set1_ps(weight[t]);
      __m256 a = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
      __m256 b = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
      low = _mm256_add_ps(low, _mm256_mul_ps(w, a));
      high = _mm256_add_ps(high, _mm256_mul_ps(w, b));
    }
    _mm256_storeu_ps(row + i, low);
    _mm256_storeu_ps(row + i + 8, high);
  }
  sum_rows_plain(src + i, stride, n - i, weight, count, row + i);
}
#endif

static inline uint8_t level(float v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5f); }

static void sum_columns(const float *row, int32_t channels, cn_axis x, uint8_t *out) {
  for (int32_t i = 0; i < x.outputs; i++, out += 3) {
    const float *from = row + (int64_t)x.start[i] * channels, *w = x.weight + (int64_t)i * x.taps;
    v4 sum = {0};
    for (int32_t t = 0; t < x.count[i]; t++, from += channels) {
      v4 pixel;
      memcpy(&pixel, from, sizeof pixel);
      sum += w[t] * pixel;
    }
    for (int c = 0; c < 3; c++) out[c] = level(sum[c]);
  }
}

// Scalars and plain pointers, since cgo takes no struct that holds Go's pointers.
void cn_resample(const uint8_t *src, int64_t stride, int32_t channels, int32_t width,
                 const int32_t *start_x, const int32_t *count_x, const float *weight_x, int32_t taps_x, int32_t cols,
                 const int32_t *start_y, const int32_t *count_y, const float *weight_y, int32_t taps_y, int32_t rows,
                 float *row, uint8_t *dst, int64_t dst_stride) {
  sum_rows *sum = sum_rows_plain;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) sum = sum_rows_avx2;
#endif
  cn_axis x = {start_x, count_x, weight_x, taps_x, cols};
  int64_t n = (int64_t)width * channels;
  memset(row + n, 0, block * sizeof *row);  // the last pixel is read four wide
  for (int32_t y = 0; y < rows; y++) {
    sum(src + start_y[y] * stride, stride, n, weight_y + (int64_t)y * taps_y, count_y[y], row);
    sum_columns(row, channels, x, dst + y * dst_stride);
  }
}
