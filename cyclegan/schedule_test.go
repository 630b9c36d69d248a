// Learning rates against PyTorch's own schedulers: testdata/schedule.json by tools/golden/schedule.py.

package cyclegan

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

type goldenSchedule struct {
	Config               // by the official names
	Metrics []float64    `json:"metrics"`
	Rates   [][2]float64 `json:"rates"` // [how many epochs, rate]
}

func readSchedules(t *testing.T) []goldenSchedule {
	t.Helper()
	raw, err := os.ReadFile("testdata/schedule.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []goldenSchedule }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// TestSchedules: linear, step and plateau to the last bit; cosine to the rounding of its own recursion, whose cosines are
// another library's. Each schedule is asked in order, again from the middle, and goes on from what a checkpoint remembers.
func TestSchedules(t *testing.T) {
	policies := map[string]int{}
	for _, g := range readSchedules(t) {
		policies[g.LRPolicy]++
		s, epoch := NewSchedule(g.Config, nil), g.EpochCount
		bound := 0.0
		if g.LRPolicy == "cosine" {
			bound = 4 * 0x1p-52 * g.LR
		}
		for _, run := range g.Rates {
			for range int(run[0]) {
				for range 2 {
					if got := s.Rate(epoch); !(math.Abs(got-run[1]) <= bound) {
						t.Fatalf("%s, %d + %d epochs from %d: epoch %d has %v, PyTorch %v", g.LRPolicy, g.Epochs, g.EpochsDecay, g.EpochCount, epoch, got, run[1])
					}
				}
				if at := epoch - g.EpochCount; at < len(g.Metrics) {
					for range 3 { // the mean of a step's losses, of which the discriminators' are none
						s.Observe(Losses{{"D_A", 1000}, {"G_A", float32(g.Metrics[at]) - 5}, {"cycle_A", 2}, {"idt_B", 3}})
						s = resumed(t, g.Config, s)
					}
				}
				if s = resumed(t, g.Config, s); g.LRPolicy != "plateau" {
					s.Rate(epoch + 7)
				}
				epoch++
			}
		}
		if last := g.Epochs + g.EpochsDecay; epoch != last+1 {
			t.Errorf("%s: rates up to epoch %d of %d", g.LRPolicy, epoch-1, last)
		}
	}
	for _, name := range lrPolicies {
		if policies[name] == 0 {
			t.Errorf("no golden case of %s", name)
		}
	}
}

// resumed is a schedule as it comes out of a checkpoint.
func resumed(t *testing.T, c Config, s *Schedule) *Schedule {
	t.Helper()
	raw, err := json.Marshal(s.Plateau())
	if err != nil {
		t.Fatal(err)
	}
	var p *Plateau
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	return NewSchedule(c, p)
}
