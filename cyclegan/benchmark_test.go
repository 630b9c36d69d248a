// The work that benchmarks divide by is that of the networks as they are drawn in the papers.

package cyclegan

import (
	"fmt"
	"testing"

	"cyclevk/vk/vktest"
)

// TestWork counts the products of the official configuration layer by layer, from the networks' description, and wants the
// programs to do just these.
func TestWork(t *testing.T) {
	b, err := NewBenchmark(vktest.Device(t), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	const (
		first, last = 256 * 256 * 49 * 3 * 64, 256 * 256 * 49 * 64 * 3
		resample    = 128 * 128 * 9 * 64 * 128 // each of two down, two up: half the pixels a side, twice the channels
		residual    = 64 * 64 * 9 * 256 * 256
		generator   = first + 4*resample + 18*residual + last

		judgeFirst = 128 * 128 * 16 * 3 * 64
		judge      = judgeFirst + 64*64*16*64*128 + 32*32*16*128*256 + 31*31*16*256*512 + 30*30*16*512

		// Gradients of a network's input are needed where another network made it.
		generators    = 6*generator + (6*generator - 4*first) + 6*generator
		frozenJudges  = 2*judge + 2*judge
		trainedJudges = 4*judge + 4*(judge-judgeFirst) + 4*judge
		step          = generators + frozenJudges + trainedJudges
	)
	if got := b.ForwardWork(); got != 2*generator {
		t.Errorf("forward: %d operations, want %d", got, 2*generator)
	}
	if got := b.StepWork(); got != 2*step {
		t.Errorf("step: %d operations, want %d", got, 2*step)
	}
	if got := fmt.Sprintf("%.1f", step/1e9); got != "939.6" {
		t.Errorf("step: %s thousand million products, want 939.6", got)
	}
}
