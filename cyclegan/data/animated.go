// Animated pictures: their first frame is what is used, and training says so. Anything malformed means "not animated".

package data

import (
	"bufio"
	"encoding/binary"
	"image"
	"io"
	"math"
)

// Animated is the format, "gif" or "png", of a picture file with more frames than one; "" for every other file.
func Animated(path string) string {
	f, err := openRegular(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	_, format, err := image.DecodeConfig(bufio.NewReader(f))
	if err != nil || !animated(f, format) {
		return ""
	}
	return format
}

// animated tells whether a GIF or PNG file has more frames than the first.
func animated(r io.ReaderAt, format string) bool {
	file := bufio.NewReader(io.NewSectionReader(r, 0, math.MaxInt64))
	switch format {
	case "gif":
		return animatedGIF(file)
	case "png":
		return animatedPNG(file)
	}
	return false
}

// animatedGIF looks for a second image descriptor.
func animatedGIF(r *bufio.Reader) bool {
	images := 0
	gifFrames(r, func(int, int) bool { images++; return images < 2 })
	return images > 1
}

// gifFrames calls visit with the size of each frame of a GIF, until that returns false or the file no longer makes sense.
func gifFrames(r *bufio.Reader, visit func(w, h int) bool) {
	const imageMark, extensionMark = 0x2C, 0x21
	skipTable := func(flags byte) { // the colour table that flags announce
		if flags&0x80 != 0 {
			_, _ = r.Discard(3 << (flags&7 + 1))
		}
	}
	var screen [13]byte
	if _, err := io.ReadFull(r, screen[:]); err != nil {
		return
	}
	skipTable(screen[10])
	for {
		mark, err := r.ReadByte()
		switch {
		case err != nil:
			return
		case mark == imageMark:
			var place [9]byte
			if _, err := io.ReadFull(r, place[:]); err != nil {
				return
			}
			if !visit(int(binary.LittleEndian.Uint16(place[4:])), int(binary.LittleEndian.Uint16(place[6:]))) {
				return
			}
			skipTable(place[8])
		case mark != extensionMark: // the end, or what is none of the format's
			return
		}
		_, _ = r.ReadByte() // the code size of the image, or the kind of the extension
		for n := byte(1); n > 0; {
			if n, err = r.ReadByte(); err != nil {
				return
			}
			_, _ = r.Discard(int(n))
		}
	}
}

// animatedPNG looks for an acTL chunk of more than one frame, which stands before the pixels.
func animatedPNG(r *bufio.Reader) bool {
	const signature, checksum = 8, 4
	_, _ = r.Discard(signature)
	for range maxSegments {
		var head [12]byte // length, kind, the first 4 bytes: acTL's number of frames
		if n, _ := io.ReadFull(r, head[:]); n < len(head) {
			return false
		}
		switch length := int(binary.BigEndian.Uint32(head[:])); string(head[4:8]) {
		case "acTL":
			return binary.BigEndian.Uint32(head[8:]) > 1
		case "IDAT":
			return false
		default:
			if _, err := r.Discard(max(length, 0) + checksum - 4); err != nil {
				return false
			}
		}
	}
	return false
}
