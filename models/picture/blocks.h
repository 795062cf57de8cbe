#include <stdint.h>

enum {
  cn_mean_peek = 10,  // bits that the tables of values look at: as many as keep them in a core's first cache
  cn_low_peek = 11,
  cn_peek = 13,  // bits that a step looks at
  cn_most = 28,  // bits that a step takes at most: two steps take no more than a refill leaves
  cn_period = 240,  // blocks after which turns repeat: a multiple of every number of blocks of a unit
  cn_spare = cn_period + 16,
};

// Codes of ITU-T T.81, annex C: limit is the first number, of 16 bits, above the codes of a length, offset what turns a
// code of a length into the place of its value.
typedef struct {
  uint32_t limit[17];
  int32_t offset[17];
  uint8_t value[256];
} cn_codes;

// A block of a unit: its plane, and the offset of its first byte from the first of the unit's.
typedef struct {
  int32_t plane, at;
} cn_block;

// A plane of the picture: the pixels that a block of it fills a side (1, 2 or 4), what a step of a coefficient adds to the
// mean of the block's upper left quarter, in 8,192ths of a level, and the DC coefficient of the block before.
typedef struct {
  int64_t wide, high, mean, right, lower, both, before;
} cn_plane;

// What the first bits behind a block's DC coefficient say of it: the coefficients that count, the bits read, and over how
// many coefficients they step. Most blocks of colours end within them.
typedef struct {
  int16_t right, lower, both;
  uint8_t bits, over;
} cn_opening;

// What is looked up for a picture. An entry of means and lows is a code: its length with the bits behind it (8 bits), the
// coefficients that it steps over (8 bits, only of lows), and the value of the last one; 0 where it is longer.
typedef struct {
  int64_t unit;                               // blocks of one
  cn_block blocks[6];                         // in the order in which they are stored
  cn_codes codes[12];                         // DC and AC of each block
  uint32_t turns[2 * (cn_period + 16)];       // of each block: the first of the steps for its first code, and for its others
  int16_t steps[6 << cn_peek];                // of each plane: for first codes, and for others
  int64_t slots[3];                           // of each plane: where its tables are in those below
  int32_t means[3 << cn_mean_peek], lows[3 << cn_low_peek];
  cn_opening openings[3 << cn_low_peek];
} cn_lookups;

// Finds where the blocks of a scan begin: bits from the first byte of data, behind whose size bytes there are 256 zeros.
// begins has room for blocks + cn_spare, spare for twice as many. begins[blocks] is where the last block ends. Returns 0 at damage.
int cn_blocks(const cn_lookups *lookups, const uint8_t *data, int64_t size, int64_t blocks, int32_t *begins, int32_t *spare);

// Paints the units from … to, of which the first has its blocks at begins: a unit is width bytes across, columns of them are
// a row of height bytes in pix, whose rows are stride bytes. Each value is written copies times: 3 where the picture is grey.
void cn_paint(const cn_lookups *lookups, uint8_t *pix, int64_t stride, int64_t width, int64_t height, int64_t columns,
              int copies, cn_plane *planes, const uint8_t *data, const int32_t *begins, int64_t from, int64_t to);

// Copies data to out, which has room for size + 8 bytes, and takes out the zero behind each 0xff. Returns the place of the first
// 0xff that no zero follows, or size; written is how many bytes were copied.
int64_t cn_unstuff(const uint8_t *data, int64_t size, uint8_t *out, int64_t *written);
