// The legacy form, before PyTorch 1.6: pickles with a magic number, a protocol, facts about the machine, the object and the keys
// of its storages, then for each key the number of values and the values.

package pth

import (
	"encoding/binary"
	"fmt"
	"io"
)

// legacyProtocol is the version in the second pickle.
const legacyProtocol = 1001

// legacyContent is the storages by key.
type legacyContent struct {
	r  io.ReaderAt
	at map[string]int64
}

func decodeLegacy(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, min(size, maxPickle))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err
	}
	u := newUnpickler(head)
	u.at = 2 + len(legacyMagic)
	tensors, err := u.legacyHead()
	if err != nil {
		return nil, err
	}
	keys, err := u.storageKeys()
	if err != nil {
		return nil, err
	}
	c := &legacyContent{r, map[string]int64{}}
	at := int64(u.at)
	for _, key := range keys {
		s := u.storages[key]
		var count [8]byte
		if _, err := r.ReadAt(count[:], at); err != nil {
			return nil, fmt.Errorf("storage %q: %w", key, errEnd)
		}
		if n := binary.LittleEndian.Uint64(count[:]); n != uint64(s.size) {
			return nil, fmt.Errorf("storage %q: %d values, its tensors name %d", key, n, s.size)
		}
		c.at[key] = at + 8
		if at += 8 + int64(s.bytes()); at > size {
			return nil, fmt.Errorf("storage %q of %d bytes: %w", key, s.bytes(), errEnd)
		}
	}
	if at != size {
		return nil, fmt.Errorf("%d bytes behind the last storage: a file of one object is read", size-at)
	}
	f := &File{Format: "PyTorch legacy", Ignored: tensors.ignored}
	f.Tensors, err = load(c, tensors.tensors)
	return f, err
}

// legacyHead reads up to the object.
func (u *unpickler) legacyHead() (*contents, error) {
	if v, err := u.next(); err != nil {
		return nil, err
	} else if v != legacyProtocol {
		return nil, fmt.Errorf("legacy protocol %s, %d is read", keyText(v), legacyProtocol)
	}
	info, err := u.next()
	if err != nil {
		return nil, err
	}
	machine, ok := info.(*dict)
	if !ok {
		return nil, fmt.Errorf("facts about the machine that are a %s, not a dict", kind(info))
	}
	for i, k := range machine.keys {
		if k == "little_endian" && machine.values[i] != true {
			return nil, errBigEndian
		}
	}
	object, err := u.next()
	if err != nil {
		return nil, err
	}
	return flatten(object)
}

var errBigEndian = fmt.Errorf("written by a big-endian machine, which is not read: load and save it again on another")

// storageKeys reads the list of keys, which must be those that the object named.
func (u *unpickler) storageKeys() ([]string, error) {
	v, err := u.next()
	if err != nil {
		return nil, err
	}
	items, ok := v.(*list)
	if !ok {
		return nil, fmt.Errorf("the keys of the storages are a %s, not a list", kind(v))
	}
	var keys []string
	seen := map[string]bool{}
	for _, item := range items.items {
		key, ok := item.(string)
		if !ok || u.storages[key] == nil || seen[key] {
			return nil, fmt.Errorf("the list of storages has %.80q, which no tensor names or which is there twice", fmt.Sprint(kind(item), " ", key))
		}
		seen[key] = true
		keys = append(keys, key)
	}
	if len(keys) != len(u.storages) {
		return nil, fmt.Errorf("%d storages, the tensors name %d", len(keys), len(u.storages))
	}
	return keys, nil
}

func (c *legacyContent) open(s *storage) (io.Reader, func() error, error) {
	return io.NewSectionReader(c.r, c.at[s.key], int64(s.bytes())), func() error { return nil }, nil
}
