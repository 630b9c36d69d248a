// Reading picture files that strangers made: the type of the file, the format and the
// size are judged before a pixel is decoded, and every error names the file.

package data

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // each decoder registers its format
	_ "image/jpeg"
	_ "image/png"
	"io"
	"io/fs"
	"math"
	"os"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// MaxPixels is the largest picture that is decoded: 64 megapixels.
const MaxPixels = 64_000_000

// Decode reads a PNG, JPEG, WebP, TIFF, BMP or GIF file in a format. Where that has 0, the
// file decides: 1 channel for grey, 4 where something shines through, else 3; 16 bits for
// 16-bit samples, else 8.
//
// Palette and CMYK are converted to RGB, channels and depth as by Image.Convert; the first
// frame of an animated GIF is taken; the EXIF orientation of JPEG and TIFF is applied but
// for AsStored. What is not a regular file, or holds more than MaxPixels, is refused before
// it is decoded.
func Decode(path string, f Format, o Orientation) (*Image, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	r, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m, err := decode(r, f, o)
	if err != nil {
		return nil, badPicture(path, err)
	}
	return m, nil
}

// source is what a decoder needs of a file.
type source interface {
	io.ReadSeeker
	io.ReaderAt
}

func decode(r source, f Format, o Orientation) (*Image, error) {
	head, err := readHeader(r, o)
	if err != nil {
		return nil, err
	}
	src, format, err := image.Decode(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	if format == "webp" {
		fullRange(src)
	}
	return orient(fromImage(src, image.Rect(0, 0, head.w, head.h), f), head.orientation), nil
}

// fullRange stretches the samples of a lossy WebP picture, in place: the format stores
// luma in 16 to 235 and chroma in 16 to 240, which Go's decoder leaves as they are, and
// colour conversion expects 0 to 255.
func fullRange(src image.Image) {
	var m *image.YCbCr
	switch src := src.(type) {
	case *image.YCbCr:
		m = src
	case *image.NYCbCrA:
		m = &src.YCbCr
	default: // lossless: RGB
		return
	}
	stretch := func(plane []uint8, zero, to, span float64) {
		var table [256]uint8
		for v := range table {
			table[v] = uint8(min(max(math.Round((float64(v)-zero)*255/span+to), 0), 255))
		}
		for i, v := range plane {
			plane[i] = table[v]
		}
	}
	stretch(m.Y, 16, 0, 219)
	stretch(m.Cb, 128, 128, 224)
	stretch(m.Cr, 128, 128, 224)
}

// header is what a picture file says of itself before its pixels.
type header struct {
	w, h        int // as stored
	orientation int // EXIF: 1 to 8; 1 where it is ignored
	animated    bool
}

// size returns the width and height of the picture once upright.
func (h header) size() (int, int) {
	if h.orientation >= 5 {
		return h.h, h.w
	}
	return h.w, h.h
}

// decodeHeader reads only the header of a picture file, and judges it.
func decodeHeader(path string, o Orientation) (header, error) {
	f, err := openRegular(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	head, err := readHeader(f, o)
	if err != nil {
		return header{}, badPicture(path, err)
	}
	return head, nil
}

// openRegular opens a file after making sure that it is one: opening a FIFO would
// block, and a device may never end.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, badPicture(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, badPicture(path, fmt.Errorf("it is not a regular file (%v)", info.Mode().Type()))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, badPicture(path, err)
	}
	return f, nil
}

// readHeader reads format, size and orientation, and leaves r at its start.
func readHeader(r source, o Orientation) (header, error) {
	config, format, err := image.DecodeConfig(bufio.NewReader(r))
	if err != nil {
		return header{}, err
	}
	if format == "webp" && animatedWebP(r) {
		return header{}, errors.New("animated WebP is not supported: save one frame as PNG")
	}
	if config.Width < 1 || config.Height < 1 {
		return header{}, fmt.Errorf("its size is %dx%d", config.Width, config.Height)
	}
	if config.Width > MaxPixels/config.Height {
		return header{}, fmt.Errorf("%dx%d is over %d megapixels: scale it down", config.Width, config.Height, MaxPixels/1_000_000)
	}
	head := header{w: config.Width, h: config.Height, orientation: 1, animated: animated(r, format)}
	if o != AsStored {
		head.orientation = exifOrientation(r, format)
	}
	_, err = r.Seek(0, io.SeekStart)
	return head, err
}

// animatedWebP reads the flag in the extended header, which the decoder ignores, to fail
// without a reason later.
func animatedWebP(r io.ReaderAt) bool {
	const flags, animation = 20, 2
	var head [flags + 1]byte
	n, _ := r.ReadAt(head[:], 0)
	return n == len(head) && string(head[12:16]) == "VP8X" && head[flags]&animation != 0
}

// badPicture puts the name before the reason; the quotes keep it on one line whatever
// the name holds.
func badPicture(path string, err error) error {
	var inPath *fs.PathError // names the path itself, without quotes
	switch {
	case errors.As(err, &inPath):
		err = inPath.Err
	case errors.Is(err, image.ErrFormat):
		err = errors.New("not a PNG, JPEG, WebP, TIFF, BMP or GIF picture")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file is cut short")
	}
	return fmt.Errorf("data: picture %q: %w", path, err)
}
