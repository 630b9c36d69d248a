// Checkpoints: a whole training run in one file.
//
// The container is safetensors, so that any of its readers can open one. Tensors are unpadded fp32 in PyTorch's shapes under
// PyTorch's keys: G_A.model.1.weight, and Adam's state as .exp_avg and .exp_avg_sq behind the key. The metadata holds the
// rest as JSON, and a SHA-256 over all of it. No clock, path or name is inside: the same training writes the same bytes.

package cyclegan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"cyclevk/cyclegan/safetensors"
	"cyclevk/kernels"
	"cyclevk/shaders"
	"cyclevk/vk"
)

// CheckpointVersion is the version of the format that Save writes; Load reads it and all before it.
const CheckpointVersion = 1

// Checkpoint is a training run at the end of a step.
type Checkpoint struct {
	Info
	Nets         map[string]NetState // by "G_A", "G_B", "D_A", "D_B"
	PoolA, PoolB [][]float32         // pictures [C,H,W] of fake_A and fake_B, in the order of their places
}

// NetState is one network with Adam's moments.
type NetState struct{ Weights, M, V State }

// Info is what a checkpoint says of itself.
type Info struct {
	Config Config `json:"config"`
	Data   Data   `json:"data"`

	Step  int `json:"step"`  // steps done; Adam's t. Random numbers are keyed by the seed and the step, so they have no state
	Epoch int `json:"epoch"` // the epoch that the next step belongs to
	Next  int `json:"next"`  // the number of its next sample

	// The same bits follow on the same device, driver and shaders.
	Device  string `json:"device"`
	Driver  string `json:"driver"`
	Shaders string `json:"shaders"`
}

// Data is how the pictures were read, so that translating treats them the same.
type Data struct {
	Direction      string `json:"direction"`
	Preprocess     string `json:"preprocess"`
	LoadSize       int    `json:"load_size"`
	NoFlip         bool   `json:"no_flip"`
	SerialBatches  bool   `json:"serial_batches"`
	MaxDatasetSize int    `json:"max_dataset_size"`
	SizeA          int    `json:"size_A"` // number of pictures
	SizeB          int    `json:"size_B"`
	Manifest       string `json:"manifest"` // SHA-256 over the names and sizes of the files
}

// Keys of the metadata.
const (
	metaFormat = "format"
	metaInfo   = "cyclevk"
	metaSum    = "sha256"

	formatName = "cyclevk-checkpoint"
)

// envelope is the JSON in the metadata.
type envelope struct {
	Version int `json:"version"`
	Info
}

// Save writes the checkpoint in place of what is at path, or not at all.
func (c *Checkpoint) Save(path string) error {
	var tensors []safetensors.Tensor
	m := &Model{Config: c.Config}
	if err := m.layout(); err != nil {
		return err
	}
	for _, ps := range m.networks() {
		state := c.Nets[ps.Net]
		for _, p := range ps.List {
			for _, part := range []struct {
				suffix string
				State
			}{{"", state.Weights}, {".exp_avg", state.M}, {".exp_avg_sq", state.V}} {
				tensors = append(tensors, float32Tensor(ps.Net+"."+p.Name+part.suffix, p.Shape, part.State[p.Name]))
			}
		}
	}
	size := c.Config.CropSize
	for _, pool := range []struct {
		name     string
		channels int
		pictures [][]float32
	}{{"pool_A", c.Config.InputNC, c.PoolA}, {"pool_B", c.Config.OutputNC, c.PoolB}} {
		if len(pool.pictures) > 0 {
			shape := []int{len(pool.pictures), pool.channels, size, size}
			tensors = append(tensors, float32Tensor(pool.name, shape, slices.Concat(pool.pictures...)))
		}
	}
	info, err := json.Marshal(envelope{CheckpointVersion, c.Info})
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return safetensors.Write(path, tensors, map[string]string{
		metaFormat: formatName, metaInfo: string(info), metaSum: checksum(info, tensors),
	})
}

func float32Tensor(name string, shape []int, v []float32) safetensors.Tensor {
	return safetensors.Tensor{Name: name, DType: "F32", Shape: shape, Data: floatBytes(v)}
}

// checksum covers the information and every tensor's name, type, shape and bytes.
func checksum(info []byte, tensors []safetensors.Tensor) string {
	h := sha256.New()
	h.Write(info)
	for _, t := range tensors {
		fmt.Fprintf(h, "\n%q %s %v %d\n", t.Name, t.DType, t.Shape, len(t.Data))
		h.Write(t.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Load reads a checkpoint: the file itself, or the newest valid one in a run folder.
func Load(path string) (*Checkpoint, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("--model %s: %w", path, err)
	}
	if !st.IsDir() {
		return loadFile(path)
	}
	files, err := filepath.Glob(filepath.Join(globEscape(path), "*"+Extension))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("--model %s: no checkpoint (*%s) in this folder; give the run folder that `cyclegan train` wrote", path, Extension)
	}
	slices.Sort(files) // names carry the step with leading zeros
	slices.Reverse(files)
	for _, f := range files {
		c, e := loadFile(f)
		if e == nil {
			return c, nil
		}
		if err == nil {
			err = e
		}
	}
	return nil, err
}

// Extension of checkpoint files.
const Extension = ".cyclevk.safetensors"

// FileName is the name of the checkpoint after a step.
func FileName(step int) string { return fmt.Sprintf("step-%09d%s", step, Extension) }

func globEscape(path string) string {
	out := make([]rune, 0, len(path))
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

func loadFile(path string) (*Checkpoint, error) {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("checkpoint %s: %w", path, fmt.Errorf(format, args...))
	}
	tensors, meta, err := safetensors.Read(path)
	if err != nil {
		return nil, err
	}
	if meta[metaFormat] != formatName {
		return nil, fail("this safetensors file is not a checkpoint of cyclevk")
	}
	var e envelope
	if err := json.Unmarshal([]byte(meta[metaInfo]), &e); err != nil {
		return nil, fail("damaged information: %w", err)
	}
	if e.Version > CheckpointVersion {
		return nil, fail("format version %d is newer than this program's %d: use a newer cyclevk", e.Version, CheckpointVersion)
	}
	if sum := checksum([]byte(meta[metaInfo]), tensors); sum != meta[metaSum] {
		return nil, fail("damaged: SHA-256 is %.12s…, the file says %.12s…", sum, meta[metaSum])
	}
	if err := e.Config.Validate(); err != nil {
		return nil, fail("%w", err)
	}
	c := &Checkpoint{Info: e.Info, Nets: map[string]NetState{}}
	if err := c.take(tensors); err != nil {
		return nil, fail("%w", err)
	}
	return c, nil
}

// take sorts a file's tensors into networks and pools and holds each against the network that the configuration names.
func (c *Checkpoint) take(tensors []safetensors.Tensor) error {
	byName := map[string]safetensors.Tensor{}
	for _, t := range tensors {
		byName[t.Name] = t
	}
	m := &Model{Config: c.Config}
	if err := m.layout(); err != nil {
		return err
	}
	for _, ps := range m.networks() {
		s := NetState{State{}, State{}, State{}}
		for _, p := range ps.List {
			for suffix, into := range map[string]State{"": s.Weights, ".exp_avg": s.M, ".exp_avg_sq": s.V} {
				t, ok := byName[ps.Net+"."+p.Name+suffix]
				if !ok || t.DType != "F32" || !slices.Equal(t.Shape, p.Shape) {
					return fmt.Errorf("tensor %s.%s%s must be F32 %v (found: %s %v)", ps.Net, p.Name, suffix, p.Shape, t.DType, t.Shape)
				}
				into[p.Name] = bytesFloats(t.Data)
			}
		}
		c.Nets[ps.Net] = s
	}
	for name, pool := range map[string]*[][]float32{"pool_A": &c.PoolA, "pool_B": &c.PoolB} {
		t, ok := byName[name]
		if !ok {
			continue
		}
		size := 3 * c.Config.CropSize * c.Config.CropSize
		if len(t.Shape) != 4 || t.DType != "F32" || t.Shape[0] > c.Config.PoolSize || len(t.Data) != 4*t.Shape[0]*size {
			return fmt.Errorf("%s has shape %v, expected at most %d pictures of %d values", name, t.Shape, c.Config.PoolSize, size)
		}
		*pool = slices.Collect(slices.Chunk(bytesFloats(t.Data), size))
	}
	return nil
}

// Checkpoint waits for all steps and copies the run from the device; the caller fills in Data, Epoch and Next. Where a step was
// refused for a number that is not finite, it is the run as the step before left it.
func (t *Trainer) Checkpoint() (*Checkpoint, error) {
	slots, err := t.drain()
	if err != nil {
		return nil, err
	}
	for _, slot := range slots {
		if t.judge(slot) != nil {
			break
		}
	}
	c := &Checkpoint{Nets: map[string]NetState{}, Info: Info{
		Config: t.Config, Step: t.done, Device: t.dev.Info.Name, Driver: t.dev.Info.Driver, Shaders: shaders.Hash(),
	}}
	for _, ps := range t.networks() {
		var s NetState
		for _, b := range []struct {
			mem   *vk.Mem
			state *State
		}{{ps.Weights, &s.Weights}, {ps.M, &s.M}, {ps.V, &s.V}} {
			state, err := ps.download(t.dev, b.mem)
			if err != nil {
				return nil, err
			}
			*b.state = state
		}
		c.Nets[ps.Net] = s
	}
	if c.PoolA, err = t.poolPictures(t.poolA, t.stored[0]); err != nil {
		return nil, err
	}
	c.PoolB, err = t.poolPictures(t.poolB, t.stored[1])
	return c, err
}

// poolPictures reads the pictures in a pool as [C,H,W].
func (t *Trainer) poolPictures(pool *kernels.Pool, filled int) ([][]float32, error) {
	size, stride := t.Config.CropSize*t.Config.CropSize, kernels.Stride(3)
	raw := make([]byte, 4*size*stride)
	var out [][]float32
	for _, r := range pool.Images()[:filled] {
		if err := t.dev.Read(r, raw); err != nil {
			return nil, err
		}
		picture := make([]float32, 3*size)
		for i, v := range bytesFloats(raw) {
			if c := i % stride; c < 3 {
				picture[c*size+i/stride] = v
			}
		}
		out = append(out, picture)
	}
	return out, nil
}

// restore writes a checkpoint to the device.
func (t *Trainer) restore(c *Checkpoint) error {
	for _, ps := range t.networks() {
		s, ok := c.Nets[ps.Net]
		if !ok {
			return fmt.Errorf("the checkpoint has no network %s", ps.Net)
		}
		for _, b := range []struct {
			mem   *vk.Mem
			state State
		}{{ps.Weights, s.Weights}, {ps.M, s.M}, {ps.V, s.V}} {
			if err := ps.upload(t.dev, b.mem, b.state); err != nil {
				return err
			}
		}
		if err := t.dev.Zero(ps.Grads.All()); err != nil {
			return err
		}
	}
	if err := t.dev.Zero(t.guard.All()); err != nil {
		return err
	}
	t.done = c.Step
	for i, pool := range []struct {
		*kernels.Pool
		pictures [][]float32
	}{{t.poolA, c.PoolA}, {t.poolB, c.PoolB}} {
		t.stored[i] = len(pool.pictures)
		for j, picture := range pool.pictures {
			size, stride := len(picture)/3, kernels.Stride(3)
			image := make([]float32, size*stride)
			for k, v := range picture {
				image[k%size*stride+k/size] = v
			}
			if err := t.dev.Write(pool.Images()[j], floatBytes(image)); err != nil {
				return err
			}
		}
	}
	return nil
}
