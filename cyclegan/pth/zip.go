// The zip form: PREFIX/data.pkl holds the object, PREFIX/data/KEY the values of a storage.
//
// The archive is read here and not by archive/zip, since the reader that PyTorch uses and others believe different parts of one:
// whatever the two headers of an entry, or two entries, say against each other is refused.

package pth

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"slices"
	"strings"
)

// entry is a file in the archive.
type entry struct {
	name             string
	flags, method    uint16
	crc              uint32
	packed, unpacked int64
	header, data     int64 // places of its local header and of its bytes
}

const (
	methodStored  = 0
	methodDeflate = 8

	flagDescriptor = 1 << 3 // sizes and checksum stand behind the data, not in the local header

	localSize, centralSize, endSize, end64Size, locatorSize = 30, 46, 22, 56, 20
)

var le = binary.LittleEndian

// archive is the entries by name.
type archive struct {
	r      io.ReaderAt
	prefix string
	files  map[string]*entry
}

func decodeZip(r io.ReaderAt, size int64) (*File, error) {
	a, err := openArchive(r, size)
	if err != nil {
		return nil, err
	}
	if e := a.files[a.prefix+"byteorder"]; e != nil {
		if order, err := a.small(e, 16); err != nil {
			return nil, err
		} else if string(order) == "big" {
			return nil, errBigEndian
		} else if string(order) != "little" {
			return nil, fmt.Errorf("%s says %q: little or big is expected", e.name, order)
		}
	}
	pickle, err := a.small(a.files[a.prefix+"data.pkl"], maxPickle)
	if err != nil {
		return nil, err
	}
	u := newUnpickler(pickle)
	object, err := u.next()
	if err != nil {
		return nil, fmt.Errorf("%sdata.pkl: %w", a.prefix, err)
	}
	if rest := len(pickle) - u.at; rest > 0 {
		return nil, fmt.Errorf("%sdata.pkl: %d bytes behind the end of the pickle: take weights from a source that you trust", a.prefix, rest)
	}
	tensors, err := flatten(object)
	if err != nil {
		return nil, err
	}
	f := &File{Format: "PyTorch zip", Ignored: tensors.ignored}
	f.Tensors, err = load(a, tensors.tensors)
	return f, err
}

// openArchive reads the directory and holds every entry against it.
func openArchive(r io.ReaderAt, size int64) (*archive, error) {
	directory, count, err := readDirectory(r, size)
	if err != nil {
		return nil, err
	}
	a := &archive{r: r, files: map[string]*entry{}}
	folded := map[string]string{}
	var entries []*entry
	var inflated int64
	for range count {
		e, rest, err := parseCentral(directory)
		if err != nil {
			return nil, err
		}
		directory = rest
		if err := e.locate(r); err != nil {
			return nil, err
		}
		lower := strings.ToLower(e.name)
		if twin, twice := folded[lower]; twice {
			return nil, fmt.Errorf("entries %q and %q have one name but for upper and lower case: programs disagree on which counts", twin, e.name)
		}
		folded[lower] = e.name
		a.files[e.name] = e
		entries = append(entries, e)
		if e.method == methodDeflate {
			if inflated += e.unpacked; inflated > size+maxInflate {
				return nil, fmt.Errorf("entry %q would inflate to %d bytes, in a file of %d: unpack it with a zip program and look at it", e.name, e.unpacked, size)
			}
		}
	}
	if len(directory) > 0 {
		return nil, fmt.Errorf("%d bytes behind the zip directory", len(directory))
	}
	slices.SortFunc(entries, func(x, y *entry) int { return int(min(max(x.header-y.header, -1), 1)) })
	for i, e := range entries {
		end := size
		if i+1 < len(entries) {
			end = entries[i+1].header
		}
		if e.data+e.packed > end {
			return nil, fmt.Errorf("entry %q reaches into what follows it: %w", e.name, errEnd)
		}
	}
	return a, a.findPickle()
}

// findPickle sets the prefix that the entries of torch.save have in common.
func (a *archive) findPickle() error {
	found := 0
	for name := range a.files {
		folder, file := path.Split(name)
		if strings.EqualFold(file, "data.pkl") && strings.Count(folder, "/") <= 1 {
			found++
			a.prefix = folder
		}
	}
	switch {
	case found == 0:
		return fmt.Errorf("a zip archive without data.pkl: not a PyTorch checkpoint")
	case found > 1:
		return fmt.Errorf("data.pkl is there %d times", found)
	case a.files[a.prefix+"data.pkl"] == nil:
		return fmt.Errorf("data.pkl is written in another case: not by torch.save")
	}
	if a.files[a.prefix+"constants.pkl"] != nil {
		return fmt.Errorf("a TorchScript module, which holds code: save torch.save(net.state_dict(), …)")
	}
	return nil
}

// readDirectory returns the central directory and its number of entries.
func readDirectory(r io.ReaderAt, size int64) ([]byte, int, error) {
	tail := make([]byte, min(size, endSize+locatorSize+end64Size))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return nil, 0, err
	}
	if len(tail) < endSize || !bytes.HasPrefix(tail[len(tail)-endSize:], []byte("PK\x05\x06")) {
		return nil, 0, fmt.Errorf("a zip archive without its end: the file is cut off or damaged, take an intact copy")
	}
	end := tail[len(tail)-endSize:]
	disks := le.Uint32(end[4:])
	here, total := uint64(le.Uint16(end[8:])), uint64(le.Uint16(end[10:]))
	length, start := uint64(le.Uint32(end[12:])), uint64(le.Uint32(end[16:]))
	limit := uint64(size) - endSize
	if before := tail[:len(tail)-endSize]; len(before) >= locatorSize && bytes.HasPrefix(before[len(before)-locatorSize:], []byte("PK\x06\x07")) {
		if len(before) < locatorSize+end64Size || !bytes.HasPrefix(before, []byte("PK\x06\x06")) {
			return nil, 0, fmt.Errorf("a zip64 archive whose end is damaged: take an intact copy")
		}
		limit -= locatorSize + end64Size
		for _, f := range []struct{ short, long *uint64 }{
			{&here, new(le.Uint64(before[24:]))},
			{&total, new(le.Uint64(before[32:]))},
			{&length, new(le.Uint64(before[40:]))},
			{&start, new(le.Uint64(before[48:]))},
		} {
			*f.short = *f.long
		}
	}
	if disks != 0 || here != total || total > maxEntries {
		return nil, 0, fmt.Errorf("a zip archive of %d entries, in more than one part or more than %d", total, maxEntries)
	}
	if start > limit || length != limit-start || length > maxPickle {
		return nil, 0, fmt.Errorf("a zip directory of %d bytes from byte %d on in a file of %d: the file is damaged, take an intact copy", length, start, size)
	}
	directory := make([]byte, length)
	if _, err := r.ReadAt(directory, int64(start)); err != nil && err != io.EOF {
		return nil, 0, err
	}
	return directory, int(total), nil
}

// parseCentral reads an entry of the directory and returns the rest.
func parseCentral(b []byte) (*entry, []byte, error) {
	if len(b) < centralSize || !bytes.HasPrefix(b, []byte("PK\x01\x02")) {
		return nil, nil, fmt.Errorf("a zip directory that is damaged: take an intact copy")
	}
	n, x, c := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	if len(b) < centralSize+n+x+c {
		return nil, nil, fmt.Errorf("a zip directory that is damaged: take an intact copy")
	}
	e := &entry{
		name: string(b[centralSize : centralSize+n]), flags: le.Uint16(b[8:]), method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]),
		packed: int64(le.Uint32(b[20:])), unpacked: int64(le.Uint32(b[24:])), header: int64(le.Uint32(b[42:])),
	}
	if err := e.widen(b[centralSize+n : centralSize+n+x]); err != nil {
		return nil, nil, err
	}
	switch {
	case len(e.name) > maxName || strings.ContainsAny(e.name, "\\\x00") || strings.HasSuffix(e.name, "/") || path.Clean("/"+e.name) != "/"+e.name:
		return nil, nil, fmt.Errorf("entry %.80q: not a name that torch.save gives", e.name)
	case e.flags&^(flagDescriptor|1<<11) != 0: // 1<<11: the name is UTF-8
		return nil, nil, fmt.Errorf("entry %q is encrypted or otherwise special (flags %#x)", e.name, e.flags)
	case e.method != methodStored && e.method != methodDeflate:
		return nil, nil, fmt.Errorf("entry %q is compressed by method %d: store it", e.name, e.method)
	case e.method == methodStored && e.packed != e.unpacked, e.packed < 0, e.unpacked < 0, e.header < 0:
		return nil, nil, fmt.Errorf("entry %q is stored in %d bytes and has %d: the file is damaged", e.name, e.packed, e.unpacked)
	}
	return e, b[centralSize+n+x+c:], nil
}

// widen takes the 64-bit sizes that an extra field holds in place of those that do not fit.
func (e *entry) widen(extra []byte) error {
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if len(extra) < 4+n {
			break
		}
		field := extra[4 : 4+n]
		extra = extra[4+n:]
		if id != 1 {
			continue
		}
		for _, v := range []*int64{&e.unpacked, &e.packed, &e.header} {
			if *v != 0xffffffff {
				continue
			}
			if len(field) < 8 {
				return fmt.Errorf("entry %.80q has damaged 64-bit sizes", e.name)
			}
			*v, field = int64(le.Uint64(field)), field[8:]
		}
	}
	return nil
}

// locate finds the entry's data behind its local header, which must say what the directory says.
func (e *entry) locate(r io.ReaderAt) error {
	local := make([]byte, localSize+len(e.name))
	if _, err := r.ReadAt(local, e.header); err != nil {
		return fmt.Errorf("entry %q: %w", e.name, errEnd)
	}
	crc, packed, unpacked := le.Uint32(local[14:]), le.Uint32(local[18:]), le.Uint32(local[22:])
	sizes := crc == e.crc && size32(packed, e.packed) && size32(unpacked, e.unpacked)
	later := e.flags&flagDescriptor != 0 && crc == 0 && (packed == 0 || packed == 0xffffffff) && (unpacked == 0 || unpacked == 0xffffffff)
	if !bytes.HasPrefix(local, []byte("PK\x03\x04")) || le.Uint16(local[6:]) != e.flags || le.Uint16(local[8:]) != e.method ||
		int(le.Uint16(local[26:])) != len(e.name) || string(local[localSize:]) != e.name || !sizes && !later {
		return fmt.Errorf("entry %q has another local header than the directory says: the file is damaged or made to deceive", e.name)
	}
	e.data = e.header + int64(len(local)) + int64(le.Uint16(local[28:]))
	return nil
}

// size32: a header's size is the true one, or says that a 64-bit one stands elsewhere.
func size32(header uint32, true int64) bool { return header == 0xffffffff || int64(header) == true }

// reader returns the entry's unpacked bytes, and a check of their number and checksum.
func (a *archive) reader(e *entry) (io.Reader, func() error) {
	var r io.Reader = io.NewSectionReader(a.r, e.data, e.packed)
	if e.method == methodDeflate {
		r = flate.NewReader(r)
	}
	sum := crc32.NewIEEE()
	return io.TeeReader(r, sum), func() error {
		if n, _ := io.CopyN(io.Discard, r, 1); n > 0 {
			return fmt.Errorf("entry %q inflates to more than the %d bytes that it says", e.name, e.unpacked)
		}
		if sum.Sum32() != e.crc {
			return fmt.Errorf("entry %q: its checksum is %08x, the directory says %08x: the file is damaged, take an intact copy", e.name, sum.Sum32(), e.crc)
		}
		return nil
	}
}

// small reads an entry of at most so many bytes.
func (a *archive) small(e *entry, most int64) ([]byte, error) {
	if e.unpacked > most {
		return nil, fmt.Errorf("entry %q has %d bytes, at most %d are read", e.name, e.unpacked, most)
	}
	r, check := a.reader(e)
	raw := make([]byte, e.unpacked)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, fmt.Errorf("entry %q: %w", e.name, errEnd)
	}
	return raw, check()
}

func (a *archive) open(s *storage) (io.Reader, func() error, error) {
	name := a.prefix + "data/" + s.key
	e := a.files[name]
	if e == nil {
		return nil, nil, fmt.Errorf("storage %q is not in the archive: the file is damaged, take an intact copy", name)
	}
	if e.unpacked != int64(s.bytes()) {
		return nil, nil, fmt.Errorf("storage %q has %d bytes, its tensors name %d %s values", name, e.unpacked, s.size, s.dtype)
	}
	r, check := a.reader(e)
	return r, check, nil
}
