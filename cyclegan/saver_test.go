// The work of a save, measured.

package cyclegan

import "testing"

// BenchmarkSave is what runs beside the training for a save of the default networks, 339 MB, with the disk's part in it:
// -benchtime 1x is the first one of a process, for which the system has yet to find the memory.
func BenchmarkSave(b *testing.B) {
	m := &Model{Config: DefaultConfig()}
	if err := m.layout(); err != nil {
		b.Fatal(err)
	}
	s := &Snapshot{Info: Info{Config: m.Config, Step: 1}}
	for _, ps := range m.networks() {
		s.nets = append(s.nets, netBytes{Params: ps, weights: make([]byte, ps.bytes), m: make([]byte, ps.bytes), v: make([]byte, ps.bytes)})
	}
	r := &RunFolder{Path: b.TempDir()}
	for b.Loop() {
		if _, err := r.Save(s.Checkpoint()); err != nil {
			b.Fatal(err)
		}
	}
}
