// Pixels: bytes from a decoder to network input, and network output to bytes for showing.

package kernels

import (
	"fmt"

	"cyclevk/vk"
)

// PixelBytes is the size of a buffer for n images of [h,w,c] bytes: tightly packed, rounded up to whole words.
func PixelBytes(n, h, w, c int) int { return (n*h*w*c + 3) &^ 3 }

// Upload writes pixels, bytes of [N,H,W,C], to x as (v/255 - 0.5) / 0.5, in [-1, 1]: bit for bit what torchvision's ToTensor
// and Normalize compute in fp32. pixels has PixelBytes bytes.
func Upload(p *vk.Program, pixels vk.Range, x Tensor) {
	if !pixelsFit(p, pixels, x) {
		return
	}
	push := uploadPush{uint32(x.vec4s()), uint32(x.C)}
	launch(p, vk.Launch{Push: push, Groups: groups(x.vec4s(), flatSize)}, "image_upload", pixels, x.Range)
}

type uploadPush struct{ size, channels uint32 }

// Quantise writes x to pixels, bytes of [N,H,W,C], as (x + 1) / 2 * 255, truncated as the official code does and clamped.
// pixels has PixelBytes bytes; what is left of the last word is zero.
func Quantise(p *vk.Program, x Tensor, pixels vk.Range) {
	if !pixelsFit(p, pixels, x) {
		return
	}
	bytes := x.N * x.H * x.W * x.C
	push := quantisePush{uint32(bytes), uint32(x.C)}
	launch(p, vk.Launch{Push: push, Groups: groups((bytes+3)/4, flatSize)}, "image_quantise", x.Range, pixels)
}

type quantisePush struct{ size, channels uint32 }

func pixelsFit(p *vk.Program, pixels vk.Range, x Tensor) bool {
	want := PixelBytes(x.N, x.H, x.W, x.C)
	if pixels.Bytes < want {
		p.Fail(fmt.Errorf("pixels of %v: %d bytes, want %d", x, pixels.Bytes, want))
		return false
	}
	return true
}
