// Package picture decodes a frame into the pixels that a net looks at: RGB, one byte a channel, rows top to bottom.
//
// The same code serves training, building, producing and serving, so that a net is trained on the pixels it is asked
// about. A JPEG is decoded at the smallest scale (1/1, 1/2, 1/4 or 1/8) that still leaves 1.4 pixels a side for each
// that the net wants, and then resampled with support for shrinking, less what decoding at that scale blurs. At 1/4 and
// 1/8 what cameras send is decoded here, from the lowest coefficients alone; the rest by libjpeg-turbo where it is found
// and by image/jpeg elsewhere. The rules for what a picture may hold:
//
//   - the bytes decide what a frame is, not its name or its content type; raw pixels alone need their content type;
//   - EXIF orientation is applied, so that a frame stands upright however the camera was held;
//   - alpha is dropped: a pixel has the colour that is stored, whether it is opaque or not;
//   - of 16 bits a channel the upper 8 count; grey becomes three equal channels; CMYK is read as Adobe writes it;
//   - a JPEG without an end marker, without Huffman tables (MJPEG), or with more bytes behind its end is read;
//     one that has lost more than an eighth of its rows is refused.
package picture
