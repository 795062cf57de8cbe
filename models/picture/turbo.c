#include "turbo.h"

#include <dlfcn.h>
#include <stdio.h>

// The part of the TurboJPEG interface that is used here, as documented since version 2.0.
enum { format_rgb = 0, format_cmyk = 11, error_warning = 0 };

static void *(*init_decompress)(void);
static int (*destroy)(void *handle);
static int (*decompress)(void *handle, const unsigned char *jpeg, unsigned long size, unsigned char *pixels, int width,
                         int pitch, int height, int format, int flags);
static char *(*error_text)(void *handle);
static int (*error_code)(void *handle);

int cn_turbo_load(const char *path, char *why, int32_t size) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(why, size, "%s", dlerror());
    return 0;
  }
  *(void **)&init_decompress = dlsym(library, "tjInitDecompress");
  *(void **)&destroy = dlsym(library, "tjDestroy");
  *(void **)&decompress = dlsym(library, "tjDecompress2");
  *(void **)&error_text = dlsym(library, "tjGetErrorStr2");
  *(void **)&error_code = dlsym(library, "tjGetErrorCode");
  if (init_decompress && destroy && decompress && error_text && error_code) return 1;
  snprintf(why, size, "%s: not a TurboJPEG library of version 2.0 or newer", path);
  dlclose(library);
  return 0;
}

void *cn_turbo_new(void) { return init_decompress(); }

void cn_turbo_free(void *decoder) { destroy(decoder); }

int cn_turbo_decode(void *decoder, const uint8_t *jpeg, uint64_t length, uint8_t *pixels, int32_t width, int32_t height,
                    int cmyk, char *why, int32_t size) {
  if (decompress(decoder, jpeg, length, pixels, width, width * (cmyk ? 4 : 3), height, cmyk ? format_cmyk : format_rgb, 0) == 0)
    return CN_DECODED;
  snprintf(why, size, "%s", error_text(decoder));
  return error_code(decoder) == error_warning ? CN_INCOMPLETE : CN_DAMAGED;
}
