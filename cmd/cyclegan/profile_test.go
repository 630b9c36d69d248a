// The command profile: its counts, its files, and that it names what is slow.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan"
	"cyclevk/cyclegan/profile"
	"cyclevk/kernels"
	"cyclevk/shaders"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

// TestProfileCounts: the official step and generator at 256 px, by the figures that everybody can work out, without a run.
func TestProfileCounts(t *testing.T) {
	vktest.Device(t)
	dir := t.TempDir()
	for _, c := range []struct{ subject, gmac, layer string }{
		{"train", "939.6", "G_A.model.10.conv_block.1 weight gradient"},
		{"translate", "49.5", "G_A.model.26 forward"},
	} {
		r := must(t, dir, "profile", c.subject, "--count-only", "--by", "layer", "--json", "counts.json")
		var report struct {
			GMAC        float64              `json:"total_gmac"`
			Step        *float64             `json:"step_ms"`
			Dispatches  []json.RawMessage    `json:"dispatches"`
			Submissions []profile.Submission `json:"submissions"`
		}
		if err := json.Unmarshal([]byte(read(t, dir, "counts.json")), &report); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for i, s := range report.Submissions {
			if sum += s.Dispatches; s.Barriers > s.Dispatches+1 || !(0 < s.Estimate && s.Estimate < 250) { // what a desktop allows, with room
				t.Errorf("%s: submission %d: %+v", c.subject, i, s)
			}
		}
		if sum != len(report.Dispatches) {
			t.Errorf("%s: submissions have %d of %d dispatches", c.subject, sum, len(report.Dispatches))
		}
		if got := fmt.Sprintf("%.1f", math.Floor(10*report.GMAC)/10); got != c.gmac || report.Step != nil || len(report.Dispatches) < 90 {
			t.Errorf("%s: %s GMAC, want %s; step %v, %d dispatches", c.subject, got, c.gmac, report.Step, len(report.Dispatches))
		}
		if !strings.Contains(r.stdout, c.layer) {
			t.Errorf("%s: no layer %q in\n%s", c.subject, c.layer, r.stdout)
		}
	}
}

// TestProfileCountsExactly: the step at 256 px to the last product, with identity loss and without, from the networks' definition.
func TestProfileCountsExactly(t *testing.T) {
	vktest.Device(t)
	const (
		first = 256 * 256 * 7 * 7 * 3 * 64 // a generator's first layer, and its last
		downs = 128*128*9*64*128 + 64*64*9*128*256
		gen   = 2*first + 2*downs + 18*64*64*9*256*256
		disc1 = 128 * 128 * 16 * 3 * 64
		disc  = disc1 + 64*64*16*64*128 + 32*32*16*128*256 + 31*31*16*256*512 + 30*30*16*512
		discs = 2*disc + 2*disc + // of the generators' step, forward and to the fakes' gradients
			4*disc + 4*(disc-disc1) + 4*disc // of their own, where pictures need no gradient
	)
	dir := t.TempDir()
	for _, c := range []struct {
		options []string
		passes  int // of generators, two of which are reconstructions and take gradients down to their input
	}{{nil, 6}, {[]string{"--lambda_identity", "0.1"}, 6}, {[]string{"--lambda-identity", "0"}, 4}} {
		must(t, dir, append([]string{"profile", "train", "--count-only", "--json", "counts.json"}, c.options...)...)
		var report struct {
			GMAC   float64 `json:"total_gmac"`
			Config cyclegan.Config
		}
		if err := json.Unmarshal([]byte(read(t, dir, "counts.json")), &report); err != nil {
			t.Fatal(err)
		}
		if got, want := int(math.Round(report.GMAC*1e9)), 3*c.passes*gen-(c.passes-2)*first+discs; got != want {
			t.Errorf("%q: %d products, want %d", c.options, got, want)
		}
	}
}

// TestProfileAsGPU: the step as a GPU runs it, counted without one, with the kernels that it takes and of a size that is beyond the device.
func TestProfileAsGPU(t *testing.T) {
	vktest.Device(t)
	dir := t.TempDir()
	for _, c := range []struct {
		options []string
		want    []string
	}{
		{nil, []string{"as a discrete GPU", "conv_forward_tiled", "939.6"}},
		{[]string{"--size", "1024", "--low_memory"}, []string{"as a discrete GPU", "conv_weight_grad_tiled"}},
	} {
		r := must(t, dir, slices.Concat([]string{"profile", "train", "--count_only", "--as", "gpu", "--json", "counts.json"}, c.options)...)
		report, err := profile.Read(filepath.Join(dir, "counts.json"))
		if err != nil || report.Step != nil {
			t.Fatalf("%v, %+v", err, report)
		}
		for i, s := range report.Submissions {
			if s.Estimate > 101 {
				t.Errorf("%q: submission %d: %+v", c.options, i, s)
			}
		}
		text := r.stdout
		for _, d := range report.Dispatches {
			text += d.Shader + "\n"
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) || strings.Contains(text, "_shuffle") {
				t.Errorf("%q: no %q, or shuffles, in\n%s", c.options, want, text)
			}
		}
	}
}

// smallProfile is options of a profile that takes little time.
var smallProfile = []string{"--size", "16", "--netG", "resnet_1blocks", "--ngf", "4", "--ndf", "4", "--n_layers_D", "1", "--repeats", "2"}

func TestProfile(t *testing.T) {
	dev := vktest.Device(t)
	if dev.Info.Limits.TimestampPeriod == 0 {
		t.Skip("the device has no timestamps")
	}
	dir, statistics := t.TempDir(), "shared memory: not offered by this driver"
	if dev.Info.Features.Statistics {
		statistics = "compiled by the driver"
	}
	r := must(t, dir, append([]string{"profile", "train", "--json", "old.json", "--html", "page.html", "--trace", "trace.json"}, smallProfile...)...)
	for _, want := range []string{"measured peaks", "isolated, 2 runs", "concurrent, 2 runs", "without timestamps", matrixPeak(dev), statistics, "between submissions", "adam", "GFLOP/s"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	report, err := profile.Read(filepath.Join(dir, "old.json"))
	if err != nil {
		t.Fatal(err)
	}
	phases := map[string]bool{}
	for _, d := range report.Dispatches {
		phases[d.Phase] = true
		for _, mode := range profile.Modes {
			if time := d.Times[mode]; time == nil || !(0 <= time.Min && time.Min <= time.Median && time.Median <= time.Max && time.Start >= 0) {
				t.Fatalf("%s: %s: %+v", d.Kernel, mode, time)
			}
		}
		if d.Read+d.Written == 0 || d.Layer == "" && strings.HasPrefix(d.Shader, "conv") {
			t.Errorf("%+v", d)
		}
	}
	for _, phase := range []string{"generators", "identity and verdicts", "reconstructions", "backward", "discriminators", "update"} {
		if !phases[phase] {
			t.Errorf("no dispatch of the phase %s", phase)
		}
	}
	if p := report.Peaks; *report.Step <= 0 || p.GFLOPS <= 0 || p.GBPS <= 0 || p.Empty <= 0 || p.Copied <= 0 {
		t.Errorf("%g ms, %+v", *report.Step, p)
	}
	for _, total := range report.Modes {
		if sum := total.Parts.Min; sum <= 0 || sum > total.Wall.Max {
			t.Errorf("%+v", total)
		}
	}
	if page := read(t, dir, "page.html"); !strings.Contains(page, "</html>") || !strings.Contains(read(t, dir, "trace.json"), "traceEvents") {
		t.Error("the page or the trace is not whole")
	}
	r = must(t, dir, append([]string{"profile", "train", "--mode", "isolated", "--by", "phase", "--compare", "old.json"}, smallProfile...)...)
	if !strings.Contains(r.stdout, "of 6 outside the spread of both") || strings.Contains(r.stdout, "concurrent, ") {
		t.Errorf("the comparison of phases:\n%s", r.stdout)
	}
	r = mustTell(t, dir, append([]string{"profile", "translate", "--mode", "concurrent"}, smallProfile...)...)
	if !strings.Contains(r.stdout, "translation on") || !strings.Contains(r.stdout, "image_quantise") || strings.Contains(r.stdout, "isolated, ") {
		t.Errorf("the profile of a translation:\n%s", r.stdout)
	}
}

// matrixPeak is what a profile says of cooperative matrices.
func matrixPeak(dev *vk.Device) string {
	shape, err := kernels.MatrixShape(dev.Info, kernels.Float16)
	if err != nil {
		return "no peak of cooperative matrices: " + err.Error() + "\n"
	}
	return "matrices " + shape.String()
}

// TestProfileWithoutTimestamps: whole runs are timed all the same, and a line says why no dispatch is.
func TestProfileWithoutTimestamps(t *testing.T) {
	dev := vktest.Device(t)
	dev.Info.Limits.TimestampPeriod = 0
	config := cyclegan.DefaultConfig()
	config.CropSize, config.NetG, config.NGF = 32, "resnet_1blocks", 4
	o := &profiling{subject: cyclegan.TranslationWorkload, config: config, modes: profile.Modes, repeats: 2, by: "kernel"}
	report, err := o.measure(t.Context(), dev, &app.Progress{})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := report.Print(&out, o.by); err != nil {
		t.Fatal(err)
	}
	if *report.Step <= 0 || len(report.Modes) > 0 || report.Peaks.GFLOPS <= 0 || !strings.Contains(out.String(), "has no timestamps") {
		t.Errorf("%+v\n%s", report, out.String())
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.measure(stopped, dev, &app.Progress{}); !errors.Is(err, app.ErrInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestSlowKernelIsNamed times a program and the same with one kernel slowed, on purpose and by a known factor. It holds times
// against each other, which only a quiet machine allows.
func TestSlowKernelIsNamed(t *testing.T) {
	if os.Getenv("CYCLEVK_LONG") != "1" {
		t.Skip("compares times, which needs a quiet machine: CYCLEVK_LONG=1 runs it")
	}
	dev := vktest.Device(t)
	code, err := os.ReadFile(filepath.Join("..", "..", "vk", "testdata", "slow.spv"))
	if err != nil {
		t.Fatal(err)
	}
	const factor, turns = 4, 200
	measure := func(turns ...uint32) *profile.Report {
		p := dev.NewProgram("slow")
		defer p.Free()
		for i, n := range turns {
			x, y := p.Host("x", 1<<20), p.Temp("y", 1<<20)
			p.Dispatch(vk.Launch{
				Shader: vk.Shader{Name: "slow", Code: code}, Spec: []uint32{n}, Groups: [3]int{1 << 12}, Label: fmt.Sprint("kernel ", i),
			}, x.All(), y.All())
		}
		if err := p.Build(); err != nil {
			t.Fatal(err)
		}
		m := &profile.Measurement{Subject: p.Name, Dispatches: dispatches(p)}
		s := &session{Program: p, work: p.Run, measurement: m, modes: profile.Modes, repeats: 10}
		if err := s.run(t.Context(), &app.Progress{}); err != nil {
			t.Fatal(err)
		}
		return m.Report()
	}
	old, slowed := measure(turns, turns, turns), measure(turns, factor*turns, turns)
	for _, by := range profile.Groups[:2] {
		first := profile.Compare(old, slowed, by).Changes[0]
		t.Logf("by %s: %+v", by, first)
		if first.Name != "kernel 1" || !first.Outside || math.Abs(first.Ratio/factor-1) > 0.2 {
			t.Errorf("by %s: %+v, want kernel 1 slower by %d", by, first, factor)
		}
	}
	if first := slowed.Kernels[0].Name; first != "kernel 1" {
		t.Errorf("the table begins with %s", first)
	}
}

// TestProfileKernel: a shader alone over its tiles, the same from outside, and one from outside that computes something else.
func TestProfileKernel(t *testing.T) {
	dev := vktest.Device(t)
	dir := t.TempDir()
	p := convolution(dev, kernels.Float32, []int{1, 8, 8, 4, 8, 3, 1}, false)
	shader := vk.Tunables(p)[0].Shader // the variant that this device runs
	spv := func(name string) string {
		code, err := shaders.SPIRV(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".spv"), code, 0o644); err != nil {
			t.Fatal(err)
		}
		return name + ".spv"
	}
	args := func(file string) []string {
		return []string{"profile", "kernel", shader, "--shape", "1,8,8,4,8,3,1", "--repeats", "2", "--spv", file}
	}
	r := mustTell(t, dir, args(spv(shader))...)
	var report kernelProfile
	if err := json.Unmarshal([]byte(read(t, dir, "told.json")), &report); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.stdout, "default") || report.Cases < 20 || report.Worst <= 0 || report.Worst > 1 || len(report.Passes) != 1 {
		t.Errorf("%+v\n%s", report, r.stdout)
	}
	for _, pass := range report.Passes {
		if len(pass.Tiles) < 2 || pass.Shader != shader || pass.Work != 2*8*8*9*4*8 {
			t.Errorf("%+v", pass)
		}
	}
	for file, want := range map[string]string{
		spv("adam"): "specialisation constants",
		spv(strings.Replace(shader, "forward", "data_grad", 1)): "stride 1 pad 0", // the case that finds it
	} {
		if r := runProgram(t, program(t, dir, args(file)...)); r.code != 1 || !strings.Contains(r.stderr, shader+": ") || !strings.Contains(r.stderr, want) || r.stdout != "" {
			t.Errorf("%s: exit code %d, %s%s", file, r.code, r.stdout, r.stderr)
		}
	}
}

// TestProfileEveryConvolution: the shaders of convolutions can be timed alone, each, whatever variants the device runs by itself.
func TestProfileEveryConvolution(t *testing.T) {
	dev := vktest.Device(t)
	for _, name := range shaders.Names() {
		has, unproven := dev.Info.Features, kernels.UnprovenOf(name)
		if kernels.SizedOf(name) != nil || !has.SubgroupShuffle && strings.Contains(name, "_shuffle") || !has.CooperativeMatrix && strings.Contains(name, "_matrix") ||
			!has.BFloat16Matrix && unproven.BFloat16 || !has.WorkgroupMatrix && unproven.Workgroup {
			continue
		}
		k := &kernelProfile{Kernel: name}
		o := &kernelRun{repeats: 1, shape: []int{1, 24, 24, 16, 16, 3, 1}}
		if strings.Contains(name, "weight_grad") && strings.HasSuffix(strings.TrimSuffix(name, "_half"), "_add") || name == "conv_sum_add_half" { // that no shape of the step takes on GPUs
			o.shape, o.config = nil, cyclegan.DefaultConfig()
			o.config.CropSize, o.config.NetG, o.config.NGF, o.config.NDF = 32, "resnet_1blocks", 4, 4
		}
		if err := k.timeConvolutions(t.Context(), dev, &app.Progress{}, o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, pass := range k.Passes {
			if len(pass.Tiles) == 0 || pass.Read == 0 || pass.Written == 0 || pass.Shader != name {
				t.Errorf("%s: %+v", name, pass)
			}
		}
	}
}

// TestProfileKernelOfOneForm: the command on a shader without tiles, and the list of all.
func TestProfileKernelOfOneForm(t *testing.T) {
	dev := vktest.Device(t)
	dir := t.TempDir()
	r := must(t, dir, "profile", "kernel", "upsample_grad", "--shape", "1,8,8,4", "--repeats", "2", "--json", "kernel.json")
	var report kernelProfile
	if err := json.Unmarshal([]byte(read(t, dir, "kernel.json")), &report); err != nil {
		t.Fatal(err)
	}
	cases := 1 // that of the shape
	for _, check := range kernels.Checks() {
		if slices.Contains(check.Shaders, "upsample_grad") {
			cases += len(check.Cases)
		}
	}
	if len(report.Passes) != 1 || report.Passes[0].Pass != "N,H,W,C 1,8,8,4" || report.Passes[0].Written != 8*8*4*4 || report.Passes[0].Read != 4*8*8*4*4 ||
		dev.Info.Limits.TimestampPeriod > 0 && len(report.Passes[0].Tiles) != 1 || report.Cases != cases {
		t.Errorf("%+v\n%s", report, r.stdout)
	}
	r = runProgram(t, program(t, dir, "profile", "kernel", "loss_reduce", "--shape", "1,8,8,4", "--repeats", "1"))
	if r.code != app.ExitBadInput || !strings.Contains(r.stderr, "loss_reduce is not launched at 1,8,8,4, which takes l1_loss") {
		t.Errorf("exit code %d, %s", r.code, r.stderr)
	}
	list := strings.Split(strings.TrimSpace(must(t, dir, "profile", "kernel").stdout), "\n")[1:]
	for i, name := range shaders.Names() {
		if i >= len(list) || !strings.HasPrefix(list[i], name+" ") {
			t.Fatalf("the list lacks %s:\n%s", name, strings.Join(list, "\n"))
		}
	}
}
