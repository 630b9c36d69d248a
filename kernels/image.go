// Pixels: samples from a decoder to network input, and network output to samples for showing.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// PixelBytes is the size of a buffer for n images of [h,w,c] samples of 8 or 16 bits: tightly packed, rounded up to whole words.
func PixelBytes(n, h, w, c, bits int) int { return (n*h*w*c*bits/8 + 3) &^ 3 }

// Upload writes pixels, samples v of [N,H,W,C] of 8 or 16 bits (little-endian), to x as (v/most - 0.5) / 0.5, in [-1, 1], where most
// is 255 or 65535: bit for bit what torchvision's ToTensor and Normalize compute in fp32 for 8 bits. pixels has PixelBytes bytes.
func Upload(p *vk.Program, pixels vk.Range, bits int, x Tensor) {
	if !pixelsFit(p, pixels, bits, x) {
		return
	}
	push := uploadPush{uint32(x.vec4s()), uint32(x.C), uint32(bits)}
	launchAs(p, x.Element, vk.Launch{Push: push, Groups: groups(x.vec4s(), flatSize)}, "image_upload", pixels, x.Range)
}

type uploadPush struct{ size, channels, bits uint32 }

// Quantise writes x to pixels, samples of [N,H,W,C] of 8 or 16 bits, as (x + 1) / 2 * most, truncated as the official code does
// and clamped; most is 255 or 65535. pixels has PixelBytes bytes; what is left of the last word is zero.
func Quantise(p *vk.Program, x Tensor, pixels vk.Range, bits int) {
	if !pixelsFit(p, pixels, bits, x) {
		return
	}
	samples, each := x.N*x.H*x.W*x.C, 32/bits
	push := quantisePush{uint32(samples), uint32(x.C), uint32(bits)}
	launchAs(p, x.Element, vk.Launch{Push: push, Groups: groups((samples+each-1)/each, flatSize)}, "image_quantise", x.Range, pixels)
}

type quantisePush struct{ size, channels, bits uint32 }

func pixelsFit(p *vk.Program, pixels vk.Range, bits int, x Tensor) bool {
	if bits != 8 && bits != 16 {
		p.Fail(fmt.Errorf("pixels of %v: %d bits a sample, want 8 or 16", x, bits))
		return false
	}
	want := PixelBytes(x.N, x.H, x.W, x.C, bits)
	if pixels.Bytes < want {
		p.Fail(fmt.Errorf("pixels of %v: %d bytes, want %d", x, pixels.Bytes, want))
		return false
	}
	return true
}
