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
	"errors"
	"fmt"
	"io"
	"slices"

	"cyclevk/cyclegan/atomicfile"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/safetensors"
	"cyclevk/kernels"
)

// CheckpointVersion is the version of the format that Save writes; Load reads it and all before it. From 2 on the options name
// the whole recipe and every network, which an older program would take for the default ones; from 3 on the precision and its loss
// scale, without which it would go on in fp32.
const CheckpointVersion = 3

// Checkpoint is a training run at the end of a step.
type Checkpoint struct {
	Info
	Nets         map[string]NetState // by "G_A", "G_B", "D_A", "D_B"
	PoolA, PoolB [][]float32         // pictures [C,H,W] of fake_A and fake_B, in the order of their places

	Path    string   // the file that Load read; not saved
	Notes   []string // what an imported model's user should know; not saved
	Damaged []error  // newer files in its folder that Load had to pass over, by name; not saved
}

// NetState is one network with Adam's moments.
type NetState struct{ Weights, M, V State }

// Info is what a checkpoint says of itself.
type Info struct {
	Config Config `json:"config"`
	Data   Data   `json:"data"`

	Step  int `json:"step"`  // steps done; Adam's t, less those that were skipped. Random numbers are keyed by the seed and the step, so they have no state
	Epoch int `json:"epoch"` // the epoch that the next step belongs to
	Next  int `json:"next"`  // the number of its next sample

	LossScale *kernels.ScaleState `json:"loss_scale,omitempty"` // of a training in 16 bits

	Plateau *Plateau `json:"plateau,omitempty"` // what the learning-rate policy of this name remembers

	Program string `json:"program,omitempty"` // the version of the program that trained last

	// The same bits follow on the same device, driver and shaders.
	Device  string `json:"device"`
	Driver  string `json:"driver"`
	Shaders string `json:"shaders"`
}

// Data is how the pictures were read, so that translating treats them the same.
type Data struct {
	DatasetMode     string           `json:"dataset_mode"`
	ExifOrientation data.Orientation `json:"exif_orientation"`
	Direction       string           `json:"direction"`
	Preprocess      string           `json:"preprocess"`
	LoadSize        int              `json:"load_size"`
	NoFlip          bool             `json:"no_flip"`
	SerialBatches   bool             `json:"serial_batches"`
	MaxDatasetSize  int              `json:"max_dataset_size"`
	SizeA           int              `json:"size_A"` // number of pictures
	SizeB           int              `json:"size_B"`
	Manifest        string           `json:"manifest"` // SHA-256 over the names and sizes of the files
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
func (c *Checkpoint) Save(path string) error { return c.write(atomicfile.Disk, path) }

func (c *Checkpoint) write(disk atomicfile.FS, path string) error {
	tensors, metadata, err := c.encode()
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return atomicfile.WriteDurable(disk, path, func(w io.Writer) error { return safetensors.Encode(w, tensors, metadata) })
}

// encode is the file's content.
func (c *Checkpoint) encode() (tensors []safetensors.Tensor, metadata map[string]string, err error) {
	m := &Model{Config: c.Config}
	if err := m.layout(); err != nil {
		return nil, nil, err
	}
	for _, ps := range m.networks() {
		state := c.Nets[ps.Net]
		for _, p := range ps.Tracked {
			tensors = append(tensors, float32Tensor(ps.Net+"."+p.Name, p.Shape, state.Weights[p.Name]))
		}
		for _, p := range ps.List {
			for _, part := range []struct {
				suffix string
				State
			}{{"", state.Weights}, {".exp_avg", state.M}, {".exp_avg_sq", state.V}} {
				tensors = append(tensors, float32Tensor(ps.Net+"."+p.Name+part.suffix, p.Shape, part.State[p.Name]))
			}
		}
	}
	h, w := c.Config.Size()
	for _, pool := range []struct {
		name     string
		channels int
		pictures [][]float32
	}{{"pool_A", c.Config.InputNC, c.PoolA}, {"pool_B", c.Config.OutputNC, c.PoolB}} {
		if len(pool.pictures) > 0 {
			shape := []int{len(pool.pictures), pool.channels, h, w}
			tensors = append(tensors, float32Tensor(pool.name, shape, slices.Concat(pool.pictures...)))
		}
	}
	info, err := json.Marshal(envelope{CheckpointVersion, c.Info})
	if err != nil {
		return nil, nil, err
	}
	return tensors, map[string]string{metaFormat: formatName, metaInfo: string(info), metaSum: checksum(info, tensors)}, nil
}

// CheckpointBytes is the size of a checkpoint of this configuration with full image pools, but for its header.
func (c *Config) CheckpointBytes() (int, error) {
	m := &Model{Config: *c}
	if err := m.layout(); err != nil {
		return 0, err
	}
	h, w := c.Size()
	values := c.PoolSize * (c.InputNC + c.OutputNC) * h * w
	for _, ps := range m.networks() {
		values += 3 * ps.Count() // with Adam's moments
		for _, p := range ps.Tracked {
			values += p.Len()
		}
	}
	return 4 * values, nil
}

func float32Tensor(name string, shape []int, v []float32) safetensors.Tensor {
	return safetensors.Tensor{Name: name, DType: "F32", Shape: shape, Values: v}
}

// checksum covers the information and every tensor's name, type, shape and bytes.
func checksum(info []byte, tensors []safetensors.Tensor) string {
	h := sha256.New()
	h.Write(info)
	for _, t := range tensors {
		fmt.Fprintf(h, "\n%q %s %v %d\n", t.Name, t.DType, t.Shape, t.Len())
		_ = t.Write(h) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

// errNewer is wrapped by the error about a file of a later version, which is not damaged.
var errNewer = errors.New("is newer than this program's")

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
	e := envelope{Info: Info{Config: DefaultConfig(), Data: Data{DatasetMode: "unaligned", ExifOrientation: data.Upright}}} // an option that is not in the file was made later, with a default that changed nothing
	if err := json.Unmarshal([]byte(meta[metaInfo]), &e); err != nil {
		return nil, fail("damaged information: %w", err)
	}
	// Before the version, and formed alike in all of them: else a damaged version would pass for a later one.
	if sum := checksum([]byte(meta[metaInfo]), tensors); sum != meta[metaSum] {
		return nil, fail("damaged: SHA-256 is %.12s…, the file says %.12s…", sum, meta[metaSum])
	}
	if e.Version > CheckpointVersion {
		return nil, fail("format version %d %w %d: use a newer cyclevk", e.Version, errNewer, CheckpointVersion)
	}
	if e.Version < 2 && e.Config.LayersD != DefaultConfig().LayersD {
		e.Config.NetD = "n_layers" // an option since version 2
	}
	if err := e.Config.Validate(); err != nil {
		return nil, fail("%w", err)
	}
	if s := e.LossScale; s != nil && !s.Valid() {
		return nil, fail("damaged: a loss scale of %g", s.Scale)
	}
	c := &Checkpoint{Info: e.Info, Nets: map[string]NetState{}, Path: path}
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
		take := func(list []*Param, suffix string, into State) error {
			for _, p := range list {
				t, ok := byName[ps.Net+"."+p.Name+suffix]
				if !ok || t.DType != "F32" || !slices.Equal(t.Shape, p.Shape) {
					return fmt.Errorf("tensor %s.%s%s must be F32 %v (found: %s %v)", ps.Net, p.Name, suffix, p.Shape, t.DType, t.Shape)
				}
				into[p.Name] = bytesFloats(t.Data)
			}
			return nil
		}
		for _, err := range []error{
			take(ps.List, "", s.Weights), take(ps.Tracked, "", s.Weights),
			take(ps.List, ".exp_avg", s.M), take(ps.List, ".exp_avg_sq", s.V),
		} {
			if err != nil {
				return err
			}
		}
		c.Nets[ps.Net] = s
	}
	for _, pool := range []struct {
		name     string
		channels int
		pictures *[][]float32
	}{{"pool_A", c.Config.InputNC, &c.PoolA}, {"pool_B", c.Config.OutputNC, &c.PoolB}} {
		t, ok := byName[pool.name]
		if !ok {
			continue
		}
		h, w := c.Config.Size()
		size := pool.channels * h * w
		if len(t.Shape) != 4 || t.DType != "F32" || t.Shape[0] > c.Config.PoolSize || len(t.Data) != 4*t.Shape[0]*size {
			return fmt.Errorf("%s has shape %v, expected at most %d pictures of %d values", pool.name, t.Shape, c.Config.PoolSize, size)
		}
		*pool.pictures = slices.Collect(slices.Chunk(bytesFloats(t.Data), size))
	}
	return nil
}
