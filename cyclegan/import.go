// Models that other programs trained: single generators and the official latest_net_{G_A,G_B,D_A,D_B}.pth, as checkpoints without
// a training.

package cyclegan

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/safetensors"
)

// Latest is the epoch of the newest checkpoint.
const Latest = "latest"

// Wanted says what is needed of a model.
type Wanted struct {
	Epoch string   // Latest or "", or an epoch's number
	Nets  []string // the networks, "G_A" and so on, without which it is of no use; none where any will do
}

// LoadModel reads a model: a run folder, a checkpoint, a folder with the official files (EPOCH_net_G_A.pth and so on), or a file
// of weights, PyTorch's or safetensors. A file of one generator is that of the direction that its name tells (…_net_G_B.pth),
// or else of the one that is wanted.
//
// Weights alone do not tell how pictures were treated in training: the official defaults are assumed (Data).
func LoadModel(path string, w Wanted) (*Checkpoint, error) {
	if w.Epoch != "" && w.Epoch != Latest {
		if n, err := strconv.Atoi(w.Epoch); err != nil || n < 0 {
			return nil, fmt.Errorf("--epoch %s: use %s, or an epoch's number", w.Epoch, Latest)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("--model %s: %w", path, err)
	}
	if !info.IsDir() {
		return loadModelFile(path, w)
	}
	list, err := generations(path)
	if err != nil {
		return nil, fmt.Errorf("--model %s: %w", path, err)
	}
	if len(list) == 0 {
		files := officialFiles(path, w.epoch())
		if len(files) > 0 {
			return importFiles(path, files, w)
		}
		if single := singleFile(path, w.epoch()); single != "" {
			return loadModelFile(single, w)
		}
	}
	if w.epoch() != Latest {
		n, _ := strconv.Atoi(w.Epoch)
		return LoadEpoch(path, n)
	}
	return Load(path)
}

func (w Wanted) epoch() string {
	if w.Epoch == "" {
		return Latest
	}
	return w.Epoch
}

// weightExtensions are those of files of weights, PyTorch's first.
var weightExtensions = []string{".pth", ".safetensors"}

// officialFiles are the files of the four networks that a folder holds, by network.
func officialFiles(folder, epoch string) map[string]string {
	files := map[string]string{}
	for _, net := range NetNames {
		for _, ext := range weightExtensions {
			path := filepath.Join(folder, epoch+"_net_"+net+ext)
			if _, err := os.Stat(path); err == nil && files[net] == "" {
				files[net] = path
			}
		}
	}
	return files
}

// singleFile is the file that --model test of the official code wants.
func singleFile(folder, epoch string) string {
	for _, ext := range weightExtensions {
		path := filepath.Join(folder, epoch+"_net_G"+ext)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// officialName is the network that a file's name tells.
var officialName = regexp.MustCompile(`_net_(G_A|G_B|D_A|D_B)\.[^.]*$`)

// DirectionOf is the direction in which a file of one generator translates, by its name: that of …_net_G_A and …_net_G_B, and AtoB
// for any other of PyTorch's. Where a name does not tell, as that of a run, it is empty.
func DirectionOf(path string) string {
	if m := officialName.FindStringSubmatch(filepath.Base(path)); m != nil {
		return map[string]string{"G_A": "AtoB", "G_B": "BtoA"}[m[1]]
	}
	if slices.Contains([]string{".pth", ".pt", ".pkl"}, filepath.Ext(path)) {
		return "AtoB"
	}
	return ""
}

// loadModelFile reads a checkpoint of this program or a file of weights.
func loadModelFile(path string, w Wanted) (*Checkpoint, error) {
	weights, err := ReadWeights(path)
	if err != nil {
		return nil, err
	}
	if weights.IsCheckpoint() {
		return loadFile(path)
	}
	if w.epoch() != Latest {
		return nil, fmt.Errorf("--epoch %s: %s is one file, name its folder", w.Epoch, path)
	}
	return importWeights(weights, w)
}

// ParseModel is LoadModel of the content of a safetensors file; the name is for messages.
func ParseModel(name string, raw []byte) (*Checkpoint, error) {
	tensors, _, err := safetensors.Parse(name, raw)
	if err != nil {
		return nil, err
	}
	return importWeights(&Weights{Path: name, Format: "safetensors", Tensors: tensors}, Wanted{})
}

// importWeights makes a model of a file's tensors.
func importWeights(weights *Weights, w Wanted) (*Checkpoint, error) {
	path := weights.Path
	m := newImport(path)
	for _, g := range weights.Groups() {
		if g.Net == "" {
			var err error
			if g.Net, err = singleNet(path, w); err != nil {
				return nil, err
			}
		}
		if err := m.add(path, g); err != nil {
			return nil, err
		}
	}
	m.note(path, weights)
	return m.checkpoint(w)
}

// singleNet is which network a file with one of them holds.
func singleNet(path string, w Wanted) (string, error) {
	net := "G_A"
	if len(w.Nets) == 1 {
		net = w.Nets[0]
	}
	if m := officialName.FindStringSubmatch(filepath.Base(path)); m != nil {
		if len(w.Nets) == 1 && m[1] != net {
			return "", fmt.Errorf("%s: by its name this is %s and %s is needed (G_A translates AtoB, G_B BtoA): choose the other --direction, name the other file, "+
				"or rename this one", path, m[1], net)
		}
		net = m[1]
	}
	return net, nil
}

// importFiles reads the official files that are wanted, or all.
func importFiles(folder string, files map[string]string, w Wanted) (*Checkpoint, error) {
	m := newImport(folder)
	for _, net := range NetNames {
		path := files[net]
		if path == "" || len(w.Nets) > 0 && !slices.Contains(w.Nets, net) {
			continue
		}
		weights, err := ReadWeights(path)
		if err != nil {
			return nil, err
		}
		for _, g := range weights.Groups() {
			g.Net = net // the file's name counts
			if err := m.add(path, g); err != nil {
				return nil, err
			}
		}
		m.note(path, weights)
	}
	return m.checkpoint(w)
}

// LoadOfficial reads the four official files of an epoch (Latest, or a number) from a run folder that has no checkpoint of this
// program, so that a training can start from them. It returns nil where there are none.
func LoadOfficial(folder, epoch string) (*Checkpoint, error) {
	own, err := generations(folder)
	files := officialFiles(folder, epoch)
	if err != nil || len(own) > 0 || len(files) == 0 {
		return nil, nil
	}
	var missing []string
	for _, net := range NetNames {
		if files[net] == "" {
			missing = append(missing, epoch+"_net_"+net+".pth")
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("run folder %q lacks %s: training needs both generators and both discriminators", folder, strings.Join(missing, ", "))
	}
	return importFiles(folder, files, Wanted{Nets: NetNames})
}

// imported is a checkpoint in the making.
type imported struct {
	c     *Checkpoint
	found map[string]Architecture
}

func newImport(path string) *imported {
	c := &Checkpoint{Info: Info{Config: DefaultConfig()}, Nets: map[string]NetState{}, Path: path}
	// The defaults of training, since weights alone do not tell.
	c.Data = Data{DatasetMode: "unaligned", ExifOrientation: data.Upright, Direction: "AtoB", Preprocess: "resize_and_crop", LoadSize: 286}
	return &imported{c, map[string]Architecture{}}
}

// add recognises a network and takes its weights.
func (m *imported) add(path string, g Group) error {
	fail := func(err error) error { return fmt.Errorf("%s: %w", path, err) }
	in, err := InferNetwork(g.Net, g.Tensors)
	if err != nil {
		return fail(err)
	}
	if generator := strings.HasPrefix(g.Net, "G"); generator == in.Discriminator() {
		return fail(fmt.Errorf("expected a network for %s, found a %v", g.Net, in.Architecture))
	}
	if _, twice := m.found[g.Net]; twice {
		return fail(fmt.Errorf("holds %s twice", g.Net))
	}
	state, converted, err := in.State()
	if err != nil {
		return fail(err)
	}
	m.found[g.Net] = in.Architecture
	m.c.Nets[g.Net] = NetState{Weights: state}
	m.c.Notes = append(m.c.Notes, fmt.Sprintf("%s: %s is a %v", path, g.Net, in.Architecture))
	if converted != "" {
		m.c.Notes = append(m.c.Notes, fmt.Sprintf("%s: %s converted to fp32", path, converted))
	}
	if n := len(in.Dropped); n > 0 {
		m.c.Notes = append(m.c.Notes, fmt.Sprintf("%s: %d stale statistics of instance norm left out", path, n))
	}
	return nil
}

func (m *imported) note(path string, w *Weights) {
	if len(w.Ignored) > 0 {
		m.c.Notes = append(m.c.Notes, fmt.Sprintf("%s: not read: %s", path, some(w.Ignored)))
	}
}

// checkpoint holds the networks against what is wanted and against one another, since one set of options names them all.
func (m *imported) checkpoint(w Wanted) (*Checkpoint, error) {
	for _, net := range w.Nets {
		if _, ok := m.found[net]; !ok {
			return nil, fmt.Errorf("%s: has no %s (G_A translates AtoB, G_B BtoA, D_A and D_B judge what they make): it has %s", m.c.Path, net, m.there())
		}
	}
	c := &m.c.Config
	var generators, discriminators bool // seen
	for _, net := range NetNames {
		a, ok := m.found[net]
		if !ok {
			continue
		}
		before := *c
		a.configure(c)
		in, out := &c.InputNC, &c.OutputNC // of what the network maps
		if net == "G_B" || net == "D_A" {
			in, out = out, in
		}
		known := &generators
		contradicted := generators && (*in != a.In || !a.Discriminator() && *out != a.Out)
		if a.Discriminator() {
			known = &discriminators
			contradicted = contradicted || generators && c.Norm != before.Norm
		}
		contradicted = contradicted || *known && *c != before
		if contradicted {
			return nil, fmt.Errorf("%s: %s is a %v, which does not go with the networks before it (%s): take all files of one training", m.c.Path, net, a, m.there())
		}
		if *in = a.In; !a.Discriminator() {
			*out = a.Out
		}
		*known = true
	}
	if generator, err := c.GeneratorSpec("G_A"); err == nil {
		multiple, _ := generator.Sizes()
		c.CropSize = max(c.CropSize, multiple)
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", m.c.Path, err)
	}
	return m.c, nil
}

// there says which networks are.
func (m *imported) there() string {
	var nets []string
	for _, net := range NetNames {
		if _, ok := m.found[net]; ok {
			nets = append(nets, net)
		}
	}
	if len(nets) == 0 {
		return "none"
	}
	return strings.Join(nets, ", ")
}
