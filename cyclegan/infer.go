// Inference: what network a file of weights holds, from the keys and shapes of its tensors.

package cyclegan

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"cyclevk/cyclegan/safetensors"
)

// netLayers is the official name of a PatchGAN of any depth.
const netLayers = "n_layers"

// Architecture is what keys and shapes tell of a network. Strings are values of the official options.
type Architecture struct {
	Net      string `json:"net"` // of --netG or --netD: resnet_9blocks, unet_256, n_layers, pixel
	In       int    `json:"input_channels"`
	Out      int    `json:"output_channels"`
	Width    int    `json:"width"`              // ngf or ndf
	Layers   int    `json:"layers,omitempty"`   // n_layers_D of n_layers
	Norm     string `json:"norm"`               // instance, batch, none
	Dropout  bool   `json:"dropout,omitempty"`  // of a ResNet: a U-Net's leaves no trace in its keys
	Upsample string `json:"upsample,omitempty"` // of a ResNet: transposed, resize
}

// Discriminator: else it is a generator.
func (a Architecture) Discriminator() bool { return a.Net == netLayers || a.Net == netPixel }

func (a Architecture) String() string {
	norm := a.Norm + " norm"
	if a.Norm == NormNone {
		norm = "no norm"
	}
	if a.Discriminator() {
		layers := ""
		if a.Net == netLayers {
			layers = fmt.Sprintf(", %d layers", a.Layers)
		}
		return fmt.Sprintf("%s discriminator%s, ndf %d, %s, %d channels", a.Net, layers, a.Width, norm, a.In)
	}
	more := ""
	if a.Dropout {
		more += ", dropout"
	}
	if a.Upsample == UpsampleResize {
		more += ", resize convolutions"
	}
	return fmt.Sprintf("%s generator, ngf %d, %s%s, %d -> %d channels", a.Net, a.Width, norm, more, a.In, a.Out)
}

// network lays the architecture out.
func (a Architecture) network(name string) (*Network, error) {
	c := DefaultConfig()
	a.configure(&c)
	if a.Discriminator() {
		c.InputNC = a.In
		s := c.DiscriminatorSpec("D_B")
		return NewDiscriminator(name, s), nil
	}
	c.InputNC, c.OutputNC = a.In, a.Out
	s, err := c.GeneratorSpec("G_A")
	if err != nil {
		return nil, err
	}
	return NewGenerator(name, s), nil
}

// configure sets the options that name the architecture, but for the channels of the pictures.
func (a Architecture) configure(c *Config) {
	c.Norm = a.Norm
	if a.Discriminator() {
		c.NetD, c.NDF = a.Net, a.Width
		if a.Net == netLayers {
			c.LayersD = a.Layers
		}
		return
	}
	c.NetG, c.NGF, c.NoDropout = a.Net, a.Width, !a.Dropout
	if c.Upsample = a.Upsample; c.Upsample == "" {
		c.Upsample = UpsampleTransposed
	}
}

// Inferred is a network that tensors were recognised as.
type Inferred struct {
	Architecture
	Params  *Params  // the layout, without memory
	Dropped []string // stale statistics of instance norm, which the official code drops too

	tensors map[string]safetensors.Tensor
}

// InferNetwork recognises a network; name is its own, "G_A" and so on, for messages and layouts. The error lists the keys that are missing, not
// expected or of another shape, or says that no network here has such keys.
func InferNetwork(name string, tensors []safetensors.Tensor) (*Inferred, error) {
	in := &Inferred{tensors: map[string]safetensors.Tensor{}}
	shapes := shapesByKey{}
	for _, t := range tensors {
		key := strings.TrimPrefix(t.Name, "module.")
		if _, twice := shapes[key]; twice {
			return nil, fmt.Errorf("key %q is there twice, by itself and behind module. in its name", key)
		}
		in.tensors[key], shapes[key] = t, t.Shape
	}
	guess, ok := shapes.guess()
	if !ok || min(guess.In, guess.Out, guess.Width) < 1 {
		return nil, fmt.Errorf("not a network that cyclevk builds: %s; official generators and discriminators have keys such as model.1.weight", shapes.examples())
	}
	in.Architecture = guess
	if guess.Norm == NormInstance {
		in.drop(shapes)
	}
	n, err := guess.network(name)
	if err != nil {
		return nil, fmt.Errorf("%v, which cyclevk does not build: %w", guess, err)
	}
	in.Params = n.Params
	return in, in.compare(shapes)
}

// batchesTracked ends the keys of batch norm's counters of batches, which with a fixed momentum decide nothing.
const batchesTracked = ".num_batches_tracked"

// tensorsOf are the tensors that the network needs.
func (in *Inferred) tensorsOf() []*Param { return slices.Concat(in.Params.List, in.Params.Tracked) }

// drop takes the stale statistics of an instance norm out, as the official loading does.
func (in *Inferred) drop(shapes shapesByKey) {
	for key := range shapes {
		for _, stale := range []string{".running_mean", ".running_var", batchesTracked} {
			if strings.HasSuffix(key, stale) {
				in.Dropped = append(in.Dropped, key)
				delete(shapes, key)
			}
		}
	}
	slices.Sort(in.Dropped)
}

// compare holds the file's tensors against the layout.
func (in *Inferred) compare(shapes shapesByKey) error {
	var missing, other []string
	expected := map[string]bool{}
	for _, p := range in.tensorsOf() {
		expected[p.Name] = true
		shape, ok := shapes[p.Name]
		if !ok {
			missing = append(missing, p.Name)
		} else if !slices.Equal(shape, p.Shape) {
			other = append(other, fmt.Sprintf("%s is %v in place of %v", p.Name, shape, p.Shape))
		}
	}
	var extra []string
	for key := range shapes {
		if !expected[key] && !(in.Norm == NormBatch && strings.HasSuffix(key, batchesTracked)) {
			extra = append(extra, key)
		}
	}
	slices.Sort(extra)
	var wrong []string
	for _, w := range []struct {
		what string
		keys []string
	}{{"missing", missing}, {"not expected", extra}, {"of another shape", other}} {
		if len(w.keys) > 0 {
			wrong = append(wrong, w.what+": "+some(w.keys))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("nearly a %v, but for keys %s", in.Architecture, strings.Join(wrong, "; "))
}

// some lists at most four of the names.
func some(names []string) string {
	const most = 4
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// State is the network's tensors in fp32, and what they were converted from where they were of another type. Numbers that are
// not finite are refused by name.
func (in *Inferred) State() (s State, converted string, err error) {
	s = State{}
	from := map[string]int{}
	for _, p := range in.tensorsOf() {
		t := in.tensors[p.Name]
		v, err := t.Float32s()
		if err != nil {
			return nil, "", err
		}
		for i, x := range v {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return nil, "", fmt.Errorf("tensor %s holds %g at place %d: take weights from before the training went astray", p.Name, x, i)
			}
		}
		if t.DType != "F32" {
			from[t.DType]++
		}
		s[p.Name] = v
	}
	var types []string
	for dtype, n := range from {
		types = append(types, fmt.Sprintf("%d tensors of %s", n, dtype))
	}
	slices.Sort(types)
	return s, strings.Join(types, ", "), nil
}

// shapesByKey are the shapes of a file's tensors.
type shapesByKey map[string][]int

// examples names a few tensors.
func (s shapesByKey) examples() string {
	var keys []string
	for key := range s {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return "its keys are " + some(keys)
}

// kernel is the shape of a convolution's weight with a kernel of k x k.
func (s shapesByKey) kernel(key string, k int) ([]int, bool) {
	shape := s[key+".weight"]
	return shape, len(shape) == 4 && shape[2] == k && shape[3] == k
}

// norm tells what follows a convolution, from its key and that of the place behind it: batch norm has a weight, and only before
// instance norm does the convolution have a bias.
func (s shapesByKey) norm(conv, behind string) string {
	if len(s[behind+".weight"]) == 1 {
		return NormBatch
	}
	if len(s[conv+".bias"]) == 1 {
		return NormInstance
	}
	return NormNone
}

// guess tells the architecture from a few tensors; compare then looks at all.
func (s shapesByKey) guess() (Architecture, bool) {
	if w, ok := s.kernel("model.1", 7); ok {
		return s.guessResnet(w)
	}
	if w, ok := s.kernel("model.model.0", 4); ok {
		return s.guessUnet(w)
	}
	if w, ok := s.kernel("model.0", 4); ok {
		return s.guessPatch(w)
	}
	if w, ok := s.kernel("net.0", 1); ok {
		return Architecture{Net: netPixel, In: w[1], Out: 1, Width: w[0], Norm: s.norm("net.2", "net.3")}, true
	}
	return Architecture{}, false
}

// guessResnet: padding 0, conv 1, norm 2, ReLU 3; conv 4 and 7; blocks from 10 on; then the enlarging layers and the last.
func (s shapesByKey) guessResnet(first []int) (Architecture, bool) {
	blocks := 0
	for ; ; blocks++ {
		if _, ok := s.kernel(fmt.Sprintf("model.%d.conv_block.1", 10+blocks), 3); !ok {
			break
		}
	}
	a := Architecture{
		Net: fmt.Sprintf("resnet_%dblocks", blocks), In: first[1], Width: first[0], Norm: s.norm("model.1", "model.2"), Upsample: UpsampleTransposed,
	}
	_, a.Dropout = s.kernel("model.10.conv_block.6", 3)
	last := 10 + blocks + 7
	if _, ok := s.kernel(fmt.Sprintf("model.%d", 10+blocks+2), 3); ok { // an enlargement and a padding stand before each convolution
		a.Upsample, last = UpsampleResize, last+4
	}
	w, ok := s.kernel(fmt.Sprintf("model.%d", last), 7)
	if !ok || blocks == 0 {
		return a, false
	}
	a.Out = w[0]
	return a, true
}

// guessUnet follows the levels inward: the outermost has its convolution at 0 and the next level at 1, the others at 1 and 3.
func (s shapesByKey) guessUnet(first []int) (Architecture, bool) {
	outer, ok := s.kernel("model.model.3", 4)
	if !ok {
		return Architecture{}, false
	}
	downs, level := 1, "model.model.1.model"
	a := Architecture{In: first[1], Out: outer[1], Width: first[0], Norm: s.norm(level+".1", level+".2")}
	for ; downs < 16; downs++ {
		if _, ok := s.kernel(level+".1", 4); !ok {
			break
		}
		level += ".3.model"
	}
	a.Net = fmt.Sprintf("unet_%d", 1<<downs)
	return a, downs >= 5
}

// guessPatch counts the convolutions: one more than --n_layers_D before the last.
func (s shapesByKey) guessPatch(first []int) (Architecture, bool) {
	convolutions := 0
	for key, shape := range s {
		if len(shape) == 4 && patchKey.MatchString(key) {
			convolutions++
		}
	}
	a := Architecture{Net: netLayers, In: first[1], Out: 1, Width: first[0], Layers: convolutions - 2, Norm: s.norm("model.2", "model.3")}
	return a, a.Layers >= 1 && a.Layers <= 6
}

var patchKey = regexp.MustCompile(`^model\.[0-9]+\.weight$`)
