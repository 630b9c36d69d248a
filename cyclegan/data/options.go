// The options of the official data loader, checked, and the geometry they mean: to
// which size a picture is scaled and how much of it is kept.

package data

import (
	"fmt"
	"math"
	"slices"
)

// Options say where the pictures are and how they become samples. The names are those
// of the official command line.
type Options struct {
	Mode      string // "unaligned" (default) or "aligned"
	Root      string // folder that holds trainA, trainB, testA, testB; aligned: train, test
	Phase     string // "train" (default), "test" or "val"
	Direction string // "AtoB" (default), or "BtoA": the two folders, or halves, change roles

	ChannelsA, ChannelsB int         // 1, 3 or 4; 0 means 3
	Bits                 int         // of a sample: 8 or 16; 0 means 8
	Orientation          Orientation // Upright (default) or AsStored

	LoadSize   int    // side, or width, that pictures are scaled to
	CropSize   int    // side of the random crop
	Preprocess string // "resize_and_crop" (default), "crop", "scale_width", "scale_width_and_crop" or "none"
	NoFlip     bool   // no random horizontal flip

	SerialBatches  bool   // in order; unaligned: B's index equal to A's
	MaxDatasetSize int    // at most so many pictures of a folder; 0: all
	NumThreads     int    // decoding workers; 0 means 1
	Seed           uint64 // of all random numbers
}

// check fills in the defaults and refuses what has no meaning.
func (o *Options) check() error {
	for _, v := range []struct {
		value *int
		def   int
	}{{&o.ChannelsA, RGB.C}, {&o.ChannelsB, RGB.C}, {&o.Bits, RGB.Bits}} {
		if *v.value == 0 {
			*v.value = v.def
		}
	}
	for _, f := range []Format{{o.ChannelsA, o.Bits}, {o.ChannelsB, o.Bits}} {
		if err := f.check(); err != nil {
			return err
		}
	}
	for _, v := range []struct {
		option  string
		value   *string
		allowed []string // the default first
	}{
		{"dataset_mode", &o.Mode, []string{"unaligned", "aligned"}},
		{"phase", &o.Phase, []string{"train", "test", "val"}},
		{"direction", &o.Direction, []string{"AtoB", "BtoA"}},
		{"exif_orientation", (*string)(&o.Orientation), []string{string(Upright), string(AsStored)}},
		{"preprocess", &o.Preprocess, []string{"resize_and_crop", "crop", "scale_width", "scale_width_and_crop", "none"}},
	} {
		if *v.value == "" {
			*v.value = v.allowed[0]
		}
		if !slices.Contains(v.allowed, *v.value) {
			return fmt.Errorf("data: %s %q is unknown: use one of %q", v.option, *v.value, v.allowed)
		}
	}
	scales := o.Preprocess != "crop" && o.Preprocess != "none"
	switch {
	case scales && o.LoadSize < 1:
		return fmt.Errorf("data: load_size %d must be positive", o.LoadSize)
	case o.Preprocess != "none" && o.CropSize < 1:
		return fmt.Errorf("data: crop_size %d must be positive", o.CropSize)
	case scales && o.crops() && o.CropSize > o.LoadSize:
		return fmt.Errorf("data: crop_size %d is larger than load_size %d: lower it or raise load_size", o.CropSize, o.LoadSize)
	case o.MaxDatasetSize < 0:
		return fmt.Errorf("data: max_dataset_size %d must not be negative", o.MaxDatasetSize)
	case o.NumThreads < 0:
		return fmt.Errorf("data: num_threads %d must not be negative", o.NumThreads)
	}
	o.NumThreads = max(o.NumThreads, 1)
	return nil
}

// crops tells whether the mode ends in a random crop.
func (o *Options) crops() bool {
	return o.Preprocess == "resize_and_crop" || o.Preprocess == "crop" || o.Preprocess == "scale_width_and_crop"
}

// scaled returns the size that a picture of w x h is scaled to before the crop.
func (o *Options) scaled(w, h int) (int, int) {
	switch o.Preprocess {
	case "resize_and_crop":
		return o.LoadSize, o.LoadSize
	case "scale_width":
		w, h = o.scaleWidth(w, h)
		return multipleOf4(w), multipleOf4(h)
	case "scale_width_and_crop":
		return o.scaleWidth(w, h)
	case "none":
		return multipleOf4(w), multipleOf4(h)
	}
	return w, h // crop
}

// scaleWidth makes the width LoadSize and keeps the proportions, but for a height of at
// least CropSize. The official code truncates here.
func (o *Options) scaleWidth(w, h int) (int, int) {
	if w == o.LoadSize && h >= o.CropSize {
		return w, h
	}
	return o.LoadSize, max(o.LoadSize*h/w, o.CropSize)
}

// sample returns the size of a sample made of a picture of w x h, or an error where the
// scaled picture is smaller than the crop or, being very thin, becomes huge.
func (o *Options) sample(w, h int) (int, int, error) {
	w, h = o.scaled(w, h)
	if w > MaxPixels/h {
		return 0, 0, fmt.Errorf("%s would scale it to %dx%d, over %d megapixels", o.Preprocess, w, h, MaxPixels/1_000_000)
	}
	if !o.crops() {
		return w, h, nil
	}
	if w < o.CropSize || h < o.CropSize {
		return 0, 0, fmt.Errorf("%dx%d is smaller than crop_size %d: lower it, or use preprocess resize_and_crop", w, h, o.CropSize)
	}
	return o.CropSize, o.CropSize, nil
}

// multipleOf4 rounds a side as the official code does, halves to even: a generator
// halves it twice.
func multipleOf4(n int) int { return max(int(math.RoundToEven(float64(n)/4))*4, 4) }
