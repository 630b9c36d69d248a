// Files of weights, of whatever program: what tensors are in them, by network.

package cyclegan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"cyclevk/cyclegan/pth"
	"cyclevk/cyclegan/safetensors"
)

// formatCheckpoint is the format of this program's own checkpoints.
const formatCheckpoint = "cyclevk checkpoint"

// Weights are the tensors of a file.
type Weights struct {
	Path    string
	Format  string // "PyTorch zip", "PyTorch legacy", "safetensors" or "cyclevk checkpoint"
	Tensors []safetensors.Tensor
	Ignored []string // what beside the tensors is there
}

// IsCheckpoint reports whether the file is a checkpoint of this program, with the state of a training.
func (w *Weights) IsCheckpoint() bool { return w.Format == formatCheckpoint }

// ReadWeights reads a PyTorch checkpoint, a safetensors file or a checkpoint of this program; the content tells which.
func ReadWeights(path string) (*Weights, error) {
	head, err := readHead(path)
	if err != nil {
		return nil, err
	}
	if !isSafetensors(head) {
		f, err := pth.Read(path)
		if err != nil {
			return nil, err
		}
		return &Weights{path, f.Format, f.Tensors, f.Ignored}, nil
	}
	tensors, meta, err := safetensors.Read(path)
	if err != nil {
		return nil, err
	}
	w := &Weights{Path: path, Format: "safetensors", Tensors: tensors}
	if meta[metaFormat] == formatName {
		w.Format = formatCheckpoint
	}
	return w, nil
}

// readHead reads a regular file's first bytes.
func readHead(path string) ([]byte, error) {
	if st, err := os.Stat(path); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file: name a file of weights", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], nil
}

// isSafetensors: a length that the format allows, and the beginning of JSON.
func isSafetensors(head []byte) bool {
	return len(head) > 8 && binary.LittleEndian.Uint64(head) <= 100<<20 && bytes.HasPrefix(bytes.TrimLeft(head[8:], " "), []byte("{"))
}

// NetNames are the networks of a CycleGAN in the order of files.
var NetNames = []string{"G_A", "G_B", "D_A", "D_B"}

// Group is the tensors of one network in a file, under the keys that the network has by itself.
type Group struct {
	Net     string // "G_A", …; empty where the keys do not say
	Tensors []safetensors.Tensor
}

// Groups sorts the tensors by the network that their keys begin with, such as G_A. or netG_A.; a prefix module., which
// DataParallel leaves, is taken off. Adam's moments and image pools of a checkpoint of this program are left out.
func (w *Weights) Groups() []Group {
	var groups []Group
	for _, t := range w.Tensors {
		if w.IsCheckpoint() && (strings.HasPrefix(t.Name, "pool_") || strings.HasSuffix(t.Name, ".exp_avg") || strings.HasSuffix(t.Name, ".exp_avg_sq")) {
			continue
		}
		net, key := "", t.Name
		for _, name := range append([]string{"D_cycle_A", "D_cycle_B"}, NetNames...) {
			if rest, ok := strings.CutPrefix(strings.TrimPrefix(t.Name, "net"), name+"."); ok {
				net, key = name, rest
			}
		}
		t.Name = strings.TrimPrefix(key, "module.")
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Net == net })
		if i < 0 {
			i = len(groups)
			groups = append(groups, Group{Net: net})
		}
		groups[i].Tensors = append(groups[i].Tensors, t)
	}
	return groups
}
