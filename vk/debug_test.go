// Debugging aids: what is on when they are asked for, nothing when they are not, and names where a debugger would look for them.

package vk

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	vulkan "github.com/vulkan-go/vulkan"
)

func TestAids(t *testing.T) {
	utils := map[string]bool{debugUtils: true}
	for _, c := range []struct {
		validate, debug    string
		available          map[string]bool
		want               aids
		layers, extensions []string
	}{
		{"", "", utils, aids{}, nil, nil},
		{"0", "0", utils, aids{}, nil, nil},
		{"", "names", utils, aids{names: true}, nil, []string{debugUtils}},
		{"", "1", utils, aids{names: true, marks: true}, nil, []string{debugUtils}},
		{"", "1", nil, aids{marks: true}, nil, nil},
		{"1", "", utils, aids{true, true, true}, []string{validationLayer}, []string{debugUtils}},
		{"1", "names", utils, aids{true, true, true}, []string{validationLayer}, []string{debugUtils}},
	} {
		t.Setenv("CYCLEVK_VALIDATE", c.validate)
		t.Setenv(debugVariable, c.debug)
		a, err := wantedAids()
		must(t, err)
		layers, extensions := a.enabled(c.available)
		if a != c.want || !slices.Equal(layers, c.layers) || !slices.Equal(extensions, c.extensions) {
			t.Errorf("%+v: %+v, %v, %v", c, a, layers, extensions)
		}
	}
	for _, wrong := range []string{"yes", "Names"} {
		t.Setenv(debugVariable, wrong)
		if _, err := wantedAids(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s=%q", debugVariable, wrong)) {
			t.Errorf("%s=%s: %v", debugVariable, wrong, err)
		}
	}
}

// labelled is a program with a label, a layer and a stage.
func labelled(t *testing.T, dev *Device) (ops, *Arena, *Mem) {
	t.Helper()
	a, p := dev.NewArena("weights"), newOps(t, dev.NewProgram("step"))
	x := a.Reserve("x", 1024)
	must(t, a.Allocate())
	p.Stage, p.Layer = "backward", "G_A.model.1"
	p.fill(p.Temp("t", 1024).All(), 1)
	p.Dispatch(Launch{Shader: p.mixShader, Spec: []uint32{3}, Push: uint32(1), Groups: [3]int{4}, Label: "mixed"}, x.All(), x.All(), p.Host("losses", 1024).All())
	return p, a, x
}

// TestNothingWhenOff: no name is given, no command is added, no memory is taken.
func TestNothingWhenOff(t *testing.T) {
	if !child() {
		rerun(t, "TestNothingWhenOff", "CYCLEVK_VALIDATE=", debugVariable+"=")
		return
	}
	dev := open(t)
	p, a, _ := labelled(t, dev)
	defer a.Free()
	defer p.Free()
	must(t, p.Build())
	must(t, p.Run())
	if _, allocations := dev.Allocated(); dev.in.aids != (aids{}) || p.rec[0].marks != nil || len(dev.running) > 0 || allocations != 4 {
		t.Errorf("aids %+v, %d allocations", dev.in.aids, allocations)
	}
}

// TestNames provokes messages and finds in them the names of what they are about.
func TestNames(t *testing.T) {
	if layerVersion() == 0 {
		t.Skip("layer")
	}
	if !child() {
		rerun(t, "TestNames", "CYCLEVK_VALIDATE=1")
		return
	}
	dev := open(t)
	p, a, x := labelled(t, dev)
	defer a.Free()
	defer p.Free()
	must(t, p.Build())
	must(t, p.Run())
	must(t, p.Drain())
	c, err := dev.newCommands("commands", 1)
	must(t, err)
	defer c.destroy(dev)
	losses := p.hosts[0].host[1].buffer
	pipeline := p.ops[len(p.ops)-1].pipeline
	for _, test := range []struct {
		name    string
		provoke func(cmd vulkan.CommandBuffer)
		want    []string
	}{
		{"buffers", func(cmd vulkan.CommandBuffer) {
			cmdCopy(cmd, x.block.buffer, 1<<20, losses, 1<<20, 4)
			cmdCopy(cmd, losses, 1<<20, x.block.buffer, 1<<20, 4) // some layers name one of the two
		}, []string{"weights, block 0", "step, slot 1, losses", "commands, part 1 of 1"}},
		{"pipeline", func(cmd vulkan.CommandBuffer) {
			vulkan.CmdBindPipeline(cmd, vulkan.PipelineBindPointCompute, handle[vulkan.Pipeline](pipeline.c.pipeline))
			vulkan.CmdDispatch(cmd, 1, 1, 1) // without descriptors
		}, []string{"mix [3]", "commands, part 1 of 1"}},
	} {
		must(t, begin(c.buffers[0], true))
		test.provoke(c.buffers[0])
		must(t, end(c.buffers[0]))
		text := fmt.Sprint(takeMessages())
		for _, want := range test.want {
			if !strings.Contains(text, want) || strings.Contains(text, "in the dispatch") {
				t.Errorf("%s: no %q, or a label, in %s", test.name, want, text)
			}
		}
	}
	// Messages about dispatches name their labels, and only these: the label of the one before was closed.
	wrong, b, _ := labelled(t, dev)
	defer b.Free()
	defer wrong.Free()
	_, err = wrong.Plan()
	must(t, err)
	for _, o := range wrong.ops {
		o.groups[1] = dev.Info.Limits.MaxGroupCount[1] + 1
	}
	text := fmt.Sprint(wrong.Build())
	for _, want := range []string{"[in the dispatch fill, G_A.model.1, backward]\n", "[in the dispatch mixed, G_A.model.1, backward]"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Contains(text, ", backward] [in the dispatch") {
		t.Errorf("two labels at once: %s", text)
	}
}
