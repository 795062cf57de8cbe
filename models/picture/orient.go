package picture

// upright copies src, RGB of w by h pixels as stored, to dst as EXIF's orientation says that it stands; from
// orientation 5 on dst is of h by w pixels. stride is the length of a row of dst in bytes.
func upright(dst []byte, stride int, src []byte, w, h, orientation int) {
	for y := range h {
		for x := range w {
			var dx, dy int
			switch orientation {
			case 2:
				dx, dy = w-1-x, y
			case 3:
				dx, dy = w-1-x, h-1-y
			case 4:
				dx, dy = x, h-1-y
			case 5:
				dx, dy = y, x
			case 6:
				dx, dy = h-1-y, x
			case 7:
				dx, dy = h-1-y, w-1-x
			case 8:
				dx, dy = y, w-1-x
			default:
				dx, dy = x, y
			}
			copy(dst[dy*stride+3*dx:][:3], src[(y*w+x)*3:])
		}
	}
}
