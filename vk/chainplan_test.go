// What a swapchain is made with, on paper: window systems that none of the drivers at hand has.

package vk

import (
	"strings"
	"testing"
)

func TestChainPlan(t *testing.T) {
	const undefined = anyExtent
	srgb, rgba, bgra := surfaceFormat{50, srgbNonlinear}, surfaceFormat{rgba8, srgbNonlinear}, surfaceFormat{bgra8, srgbNonlinear}
	usual := surfaceInfo{
		minImages: 2, maxImages: 8, current: [2]int{640, 480}, smallest: [2]int{640, 480}, largest: [2]int{640, 480},
		transforms: 3, transform: 2, alphas: 9, usages: 0x1F, formats: []surfaceFormat{srgb, rgba, bgra}, modes: []uint32{2, 0, 1},
	}
	want := chainPlan{w: 640, h: 480, images: 3, transform: identity, alpha: opaque, mode: mailbox, format: bgra}
	for name, c := range map[string]struct {
		w, h   int
		change func(s *surfaceInfo)
		want   func(p *chainPlan)
		err    string
	}{
		"usual":                        {640, 480, func(*surfaceInfo) {}, func(*chainPlan) {}, ""},
		"the window has its own size":  {100, 50, func(*surfaceInfo) {}, func(*chainPlan) {}, ""},
		"minimised":                    {0, 0, func(*surfaceInfo) {}, func(p *chainPlan) { *p = chainPlan{format: bgra} }, ""},
		"minimised since":              {640, 480, func(s *surfaceInfo) { s.current = [2]int{} }, func(p *chainPlan) { *p = chainPlan{format: bgra} }, ""},
		"the swapchain gives the size": {100, 50, func(s *surfaceInfo) { s.current, s.smallest = [2]int{undefined, undefined}, [2]int{1, 1} }, func(p *chainPlan) { p.w, p.h = 100, 50 }, ""},
		"within bounds": {9000, 3, func(s *surfaceInfo) {
			s.current, s.smallest, s.largest = [2]int{undefined, undefined}, [2]int{8, 8}, [2]int{4096, 4096}
		}, func(p *chainPlan) {
			p.w, p.h = 4096, 8
		}, ""},
		"minimised without a size": {100, 50, func(s *surfaceInfo) { s.current, s.largest = [2]int{undefined, undefined}, [2]int{} }, func(p *chainPlan) { *p = chainPlan{format: bgra} }, ""},
		"no more images":           {640, 480, func(s *surfaceInfo) { s.maxImages = 2 }, func(p *chainPlan) { p.images = 2 }, ""},
		"no bound on images":       {640, 480, func(s *surfaceInfo) { s.maxImages, s.minImages = 0, 4 }, func(p *chainPlan) { p.images = 5 }, ""},
		"only as it is turned":     {640, 480, func(s *surfaceInfo) { s.transforms = 2 }, func(p *chainPlan) { p.transform = 2 }, ""},
		"inherited alpha":          {640, 480, func(s *surfaceInfo) { s.alphas = 12 }, func(p *chainPlan) { p.alpha = inheritedAlpha }, ""},
		"blended":                  {640, 480, func(s *surfaceInfo) { s.alphas = 6 }, func(p *chainPlan) { p.alpha = 2 }, ""},
		"red first":                {640, 480, func(s *surfaceInfo) { s.formats = []surfaceFormat{srgb, rgba, {bgra8, 1000104001}} }, func(p *chainPlan) { p.format = rgba }, ""},
		"any format":               {640, 480, func(s *surfaceInfo) { s.formats = []surfaceFormat{{}} }, func(*chainPlan) {}, ""},
		"no mailbox":               {640, 480, func(s *surfaceInfo) { s.modes = []uint32{2, 3, 0} }, func(p *chainPlan) { p.mode = immediate }, ""},
		"one after the other":      {640, 480, func(s *surfaceInfo) { s.modes = []uint32{3, 2} }, func(p *chainPlan) { p.mode = fifo }, ""},
		"no format":                {640, 480, func(s *surfaceInfo) { s.formats = []surfaceFormat{srgb, {64, 0}} }, nil, "VK_FORMAT_B8G8R8A8_UNORM"},
		"no copies":                {640, 480, func(s *surfaceInfo) { s.usages = 0x10 }, nil, "VK_IMAGE_USAGE_TRANSFER_DST_BIT"},
	} {
		s, expected := usual, want
		c.change(&s)
		got, err := s.plan(c.w, c.h)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", name, err, c.err)
			}
			continue
		}
		if c.want(&expected); err != nil || got != expected {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, expected)
		}
	}
}
