#include <stdint.h>

// One axis of a resampling: output i is the sum of count[i] inputs from start[i] on, weighted by weight[i * taps …].
typedef struct {
  const int32_t *start, *count;
  const float *weight;
  int32_t taps, outputs;
} cn_axis;

// Resamples a picture of width pixels a row, channels (3 or 4) bytes each and stride bytes a row, to dst, RGB of cols by
// rows pixels; row holds width * channels + 16 floats.
void cn_resample(const uint8_t *src, int64_t stride, int32_t channels, int32_t width,
                 const int32_t *start_x, const int32_t *count_x, const float *weight_x, int32_t taps_x, int32_t cols,
                 const int32_t *start_y, const int32_t *count_y, const float *weight_y, int32_t taps_y, int32_t rows,
                 float *row, uint8_t *dst, int64_t dst_stride);
