#include <stdint.h>

// What a decoding came to.
enum { CN_DECODED, CN_INCOMPLETE, CN_DAMAGED };

// Loads a TurboJPEG library of version 2.0 or newer; writes a reason to why and returns 0 where that does not work.
int cn_turbo_load(const char *path, char *why, int32_t size);

// A decoder serves one decoding at a time; NULL when there is no memory.
void *cn_turbo_new(void);
void cn_turbo_free(void *decoder);

// Decodes a JPEG to width by height pixels, which must be one of its scaled sizes: RGB, or CMYK where cmyk is set.
// CN_INCOMPLETE: there are pixels, and why says what was missing or wrong.
int cn_turbo_decode(void *decoder, const uint8_t *jpeg, uint64_t length, uint8_t *pixels, int32_t width, int32_t height,
                    int cmyk, char *why, int32_t size);
