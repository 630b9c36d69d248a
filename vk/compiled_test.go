// What drivers tell of pipelines. That they are asked rightly is shown where a layer plays such a driver: cmd/cyclegan.

package vk

import (
	"math"
	"strings"
	"testing"
)

func TestStatisticValue(t *testing.T) {
	for _, c := range []struct {
		format uint32
		bits   uint64
		want   any
	}{
		{0, 0xffffffff00000000, false}, // 32 bits of the union are the bool
		{0, 0xffffffff00000001, true},
		{1, math.MaxUint64, int64(-1)},
		{2, math.MaxUint64, uint64(math.MaxUint64)},
		{3, math.Float64bits(-0.25), -0.25},
		{3, math.Float64bits(math.NaN()), "NaN"},
		{3, math.Float64bits(math.Inf(-1)), "-Inf"},
		{4, 1, nil},
	} {
		if got := statisticValue(c.format, c.bits); got != c.want {
			t.Errorf("format %d, %#x: %v (%T), want %v", c.format, c.bits, got, got, c.want)
		}
	}
}

// TestCompiledWithout: a device that was not opened for it has nothing to tell; one that was has nothing to tell of what is not built.
func TestCompiledWithout(t *testing.T) {
	dev := open(t)
	p, a, _ := labelled(t, dev)
	defer a.Free()
	defer p.Free()
	if list, err := p.Compiled(); dev.HasStatistics() || len(list) > 0 || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	dev.statistics = true
	if _, err := p.Compiled(); err == nil || !strings.Contains(err.Error(), "step: nothing is compiled before the program is built") {
		t.Errorf("before it is built: %v", err)
	}
	dev.statistics = false
}
