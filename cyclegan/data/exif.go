// The EXIF orientation, so that a photograph trains the way it is looked at. Only that
// one tag is read; anything malformed means "upright", never an error.

package data

import (
	"encoding/binary"
	"io"
)

// Orientation says what becomes of a picture's EXIF orientation.
type Orientation string

// What a picture's orientation does. The empty one is Upright.
const (
	Upright  Orientation = "apply"  // turns it, as cameras mean it
	AsStored Orientation = "ignore" // nothing, as in the official code
)

const (
	orientationTag = 0x0112
	maxSegments    = 64  // JPEG segments searched for EXIF
	maxTags        = 512 // entries of the first directory searched
)

// exifOrientation returns the orientation, 1 to 8, of a JPEG or TIFF file; 1 (upright)
// for other formats and where there is none.
func exifOrientation(r io.ReaderAt, format string) int {
	switch format {
	case "jpeg":
		return jpegOrientation(r)
	case "tiff":
		return tiffOrientation(r)
	}
	return 1
}

// jpegOrientation walks the segments before the image data to the APP1 one that holds
// EXIF, which is a small TIFF file.
func jpegOrientation(r io.ReaderAt) int {
	const soi, exifHeader = 2, "Exif\x00\x00"
	at := int64(soi)
	for range maxSegments {
		var seg [4 + len(exifHeader)]byte // marker, length, first bytes
		if n, _ := r.ReadAt(seg[:], at); n < len(seg) || seg[0] != 0xFF {
			return 1
		}
		marker, length := seg[1], int64(binary.BigEndian.Uint16(seg[2:]))
		switch {
		case marker == 0xFF: // fill byte
			at++
			continue
		case marker == 0xDA: // start of scan: the image data
			return 1
		case marker == 0xE1 && string(seg[4:]) == exifHeader:
			return tiffOrientation(io.NewSectionReader(r, at+int64(len(seg)), length))
		}
		at += 2 + length
	}
	return 1
}

// tiffOrientation looks the tag up in the first directory of a TIFF structure.
func tiffOrientation(r io.ReaderAt) int {
	var head [8]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(head[4:]))
	var count [2]byte
	if _, err := r.ReadAt(count[:], at); err != nil {
		return 1
	}
	for i := range min(int64(order.Uint16(count[:])), maxTags) {
		var entry [12]byte // tag, type, count, value
		if n, _ := r.ReadAt(entry[:], at+2+i*12); n < len(entry) {
			return 1
		}
		if order.Uint16(entry[:]) == orientationTag {
			if v := int(order.Uint16(entry[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
	}
	return 1
}

// orient turns a stored picture upright. Orientations 1 to 4 keep the axes (2 and 3
// mirror x, 3 and 4 mirror y); 5 to 8 exchange them first.
func orient(m *Image, orientation int) *Image {
	if orientation <= 1 {
		return m
	}
	w, h := header{w: m.W, h: m.H, orientation: orientation}.size()
	out, size := m.NewImage(w, h), m.bytes()
	for y := range h {
		for x := range w {
			sx, sy := x, y
			if orientation >= 5 {
				sx, sy = y, x
			}
			switch orientation {
			case 2, 3, 7, 8:
				sx = m.W - 1 - sx
			}
			switch orientation {
			case 3, 4, 6, 7:
				sy = m.H - 1 - sy
			}
			copy(out.Pix[(y*w+x)*size:][:size], m.Pix[(sy*m.W+sx)*size:])
		}
	}
	return out
}
