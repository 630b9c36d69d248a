// Package pth reads and writes PyTorch's checkpoints (torch.save of a state dict) without executing anything in them.
//
// A .pth file is a pickle, a program that builds objects by calling whatever it names, and the storages that its tensors view.
// This package runs the few instructions that state dicts are made of, over an allowlist of exact names (names.go), each of
// which stands for data and none for a call; everything else ends the reading. It is own code because
// github.com/nlpodyssey/gopickle, though it calls nothing foreign either, bounds neither depth, nodes, lengths nor shapes
// before it allocates, and trusts a zip's central directory alone.
//
// Two forms are read: the zip archive (since PyTorch 1.6) and the legacy stream of pickles before it. A dict is flattened, its
// keys joined by dots. Where the outermost dict holds one under "state_dict", "model_state_dict" or "model", that one is taken.
//
// What is read takes at most the file's size and 64 MiB of memory.
package pth

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"cyclevk/cyclegan/safetensors"
)

// The limits on what a file may ask for. The networks of a CycleGAN with their optimisers stay a magnitude below.
const (
	maxPickle  = 4 << 20  // bytes of a pickle
	maxNodes   = 100_000  // values that the pickles of a file make
	maxDepth   = 32       // dicts within dicts
	maxTensors = 20_000   // names, of which several may share a storage
	maxName    = 512      // bytes of a tensor's name
	maxDims    = 8        // dimensions of a tensor
	maxView    = 32 << 20 // bytes of a storage of which a view is not contiguous and so has to be copied
	maxCopies  = 4 << 20  // bytes of such copies beyond those whose storage is given up
	maxEntries = 1 << 15  // entries of a zip archive
	maxInflate = 8 << 20  // bytes by which compressed entries may exceed the file
)

// File is what a checkpoint holds.
type File struct {
	Format  string               // "PyTorch zip" or "PyTorch legacy"
	Tensors []safetensors.Tensor // in the order of the dict, row-major; those that share memory in the file share it here
	Ignored []string             // what beside the tensors is there: names, with what they are
}

// Read reads a checkpoint. The error names the file, what is wrong with it, and where there is one, the cure.
func Read(path string) (*File, error) {
	if st, err := os.Stat(path); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() { // opening a pipe would wait for its other end
		return nil, fmt.Errorf("%s: not a regular file: name a PyTorch checkpoint", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := Decode(f, st.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// Decode reads a checkpoint of so many bytes.
func Decode(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, min(size, 512))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case isZip(head):
		return decodeZip(r, size)
	case isLegacy(head):
		return decodeLegacy(r, size)
	}
	return nil, fmt.Errorf("%s", foreign(head))
}

// Recognise reports whether a file that begins with head is a PyTorch checkpoint.
func Recognise(head []byte) bool { return isZip(head) || isLegacy(head) }

func isZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// legacyMagic is the first pickle of a legacy file, the number 0x1950a86a20f9469cfc6c, behind its protocol.
var legacyMagic = []byte("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")

func isLegacy(head []byte) bool {
	return len(head) > 2 && head[0] == opProto && bytes.HasPrefix(head[2:], legacyMagic)
}

// foreign names what a file is that is no checkpoint, as far as its first bytes tell.
func foreign(head []byte) string {
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	switch {
	case len(head) == 0:
		return "an empty file, not a PyTorch checkpoint: take an intact copy"
	case bytes.HasPrefix(text, []byte("<")):
		return "an HTML or XML page, not a PyTorch checkpoint: the download was answered by a page, load the file itself"
	case bytes.HasPrefix(text, []byte("version https://git-lfs")):
		return "a Git LFS pointer, not a PyTorch checkpoint: fetch the file itself with `git lfs pull`"
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return "a tar archive, the form of PyTorch before 0.1.10, which is not read: load and save it again with a PyTorch from 0.4 to 1.5"
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return "compressed by gzip: unpack it first"
	case head[0] == opProto:
		return "a pickle that torch.save did not write: load it with Python and write torch.save(net.state_dict(), …)"
	}
	return "not a PyTorch checkpoint (neither a zip archive nor a legacy one), or damaged at its beginning: take an intact copy"
}
