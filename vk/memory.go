// Device memory: virtual buffers, and the arena that gives them bytes.
//
// A Mem is a name and a size. It becomes real when its arena is allocated: long-lived ones (weights, optimiser state)
// side by side, a program's temporaries on top of one another wherever their lifetimes do not meet.

package vk

import (
	"errors"
	"fmt"
	"math"
	"slices"

	vulkan "github.com/vulkan-go/vulkan"
)

// Alignment of every Mem and of every Range that a shader binds, in bytes: the largest that Vulkan lets a device ask for.
const Alignment = 256

// maxBlock bounds one device allocation: some drivers refuse larger ones.
const maxBlock = 1 << 30

// Mem is a virtual device buffer.
type Mem struct {
	Name string
	Size int // bytes, a multiple of 4

	kind        memKind
	program     *Program // that a temporary or a host buffer belongs to
	block       *block   // the real buffer behind it, nil until planned
	offset      int      // in the block
	first, last int      // levels of the program in which a temporary is alive
	host        [slots]*hostBuffer
}

type memKind int

const (
	persistent memKind = iota // alive as long as its arena
	temporary                 // alive from its first writer to its last reader in one program
	hostSlot                  // host-visible, one buffer a slot of a program
)

// Range is a part of a Mem, in bytes.
type Range struct {
	*Mem
	Offset, Bytes int

	sparse int // see Sparse
}

// All is the whole of m.
func (m *Mem) All() Range { return Range{Mem: m, Bytes: m.Size} }

// Slice is bytes [offset, offset+bytes) of m.
func (m *Mem) Slice(offset, bytes int) Range { return Range{Mem: m, Offset: offset, Bytes: bytes} }

// Sparse is r as an argument of a dispatch that touches no more than so many bytes of it, wherever they lie: profiles count these.
func (r Range) Sparse(bytes int) Range {
	r.sparse = bytes
	return r
}

func (r Range) String() string {
	if r.Mem == nil {
		return "(no buffer)"
	}
	return fmt.Sprintf("bytes %d to %d of %s, which has %d", r.Offset, r.Offset+r.Bytes, r.Name, r.Size)
}

// check reports a range that is not one.
func (r Range) check() error {
	if r.Mem == nil || r.Offset < 0 || r.Bytes <= 0 || r.Bytes > r.Size-r.Offset {
		return errors.New("no such bytes")
	}
	return nil
}

// place is the block in which r lies, and where.
func (r Range) place() (*block, int, error) {
	if err := r.check(); err != nil {
		return nil, 0, err
	}
	if r.block == nil || r.block.buffer == nil {
		return nil, 0, errors.New("not allocated")
	}
	return r.block, r.offset + r.Offset, nil
}

// overlaps reports whether two ranges of one buffer share a byte.
func (r Range) overlaps(s Range) bool {
	return r.Offset < s.Offset+s.Bytes && s.Offset < r.Offset+r.Bytes
}

// block is one device allocation with the buffer that covers it.
type block struct {
	size   int
	buffer vulkan.Buffer
	memory vulkan.DeviceMemory
}

// Arena places virtual buffers in device memory.
type Arena struct {
	Name  string
	Guard int // bytes left unused on both sides of every Mem, for tests that look for stray writes; rounded up to Alignment

	// Host puts the arena into the host's memory, which shaders reach over the bus: for what is large and rarely touched. Devices that share
	// the host's memory have no other.
	Host bool

	dev    *Device
	mems   []*Mem
	blocks []*block
	under  *Arena // whose blocks the first lent ones are; nil for none
	lent   int
	placed bool
}

// NewArena makes an empty arena; Reserve fills it.
func (d *Device) NewArena(name string) *Arena { return &Arena{Name: name, dev: d} }

// Reserve adds a buffer that lives as long as the arena. The size is in bytes and rounded up to a multiple of 4. What is
// reserved after the arena was planned is never allocated.
func (a *Arena) Reserve(name string, size int) *Mem {
	m := &Mem{Name: name, Size: words(size), kind: persistent}
	a.mems = append(a.mems, m)
	return m
}

// words rounds a size in bytes up to whole 32-bit words, at least one.
func words(size int) int { return max(4, (size+3)&^3) }

// plan gives every Mem its block and offset: largest first, each at the lowest offset where its bytes and its lifetime
// meet no other's. No Vulkan call is made. Plans are deterministic.
func (a *Arena) plan() error {
	if a.placed {
		return nil
	}
	a.Guard = align(a.Guard)
	order := slices.Clone(a.mems)
	slices.SortStableFunc(order, func(m, n *Mem) int { return n.Size - m.Size })
	limit := min(maxBlock, a.dev.Info.Limits.MaxAllocation)
	if a.under != nil {
		if err := a.under.plan(); err != nil {
			return err
		}
		a.blocks = slices.Clone(a.under.blocks)
		a.lent = len(a.blocks)
	}
	placed := make([][]*Mem, a.lent) // by block, in the order of their offsets
	for _, m := range order {
		need := align(m.Size) + 2*a.Guard
		if need > limit {
			return fmt.Errorf("%s: %s in one buffer, %w: %s at once on %s", m.Name, mib(need), ErrTooLarge, mib(limit), a.dev.Info.Name)
		}
		for i := 0; m.block == nil; i++ {
			if i == len(a.blocks) {
				a.blocks, placed = append(a.blocks, &block{}), append(placed, nil)
			}
			room := limit
			if a.blocks[i].buffer != nil {
				room = a.blocks[i].size
			}
			if at := gap(placed[i], m, need, a.Guard); at+need <= room {
				m.block, m.offset = a.blocks[i], at+a.Guard
				m.block.size = max(m.block.size, at+need)
				n, _ := slices.BinarySearchFunc(placed[i], m, func(p, m *Mem) int { return p.offset - m.offset })
				placed[i] = slices.Insert(placed[i], n, m)
			}
		}
	}
	a.placed = true
	return nil
}

// gap finds the lowest offset with need free bytes during m's life, among the buffers of a block in the order of their offsets.
func gap(placed []*Mem, m *Mem, need, guard int) int {
	at := 0
	for _, p := range placed {
		if m.kind == temporary && p.kind == temporary && (p.last < m.first || m.last < p.first) {
			continue
		}
		if p.offset-guard >= at+need {
			break
		}
		at = max(at, p.offset+align(p.Size)+guard)
	}
	return at
}

// mib writes a size for a message, rounded up so that what is just too large does not look as if it fitted.
func mib(bytes int) string { return fmt.Sprintf("%.1f MiB", math.Ceil(float64(bytes)/(1<<20)*10)/10) }

func align(n int) int { return (n + Alignment - 1) &^ (Alignment - 1) }

// Bytes plans the arena if need be and returns the device memory that it takes, in bytes.
func (a *Arena) Bytes() (int, error) {
	if err := a.plan(); err != nil {
		return 0, err
	}
	n := 0
	for _, b := range a.blocks[a.lent:] {
		n += b.size
	}
	return n, nil
}

// Allocate makes the arena real. Its bytes are not initialised: see Fill.
// An error wraps ErrOutOfDeviceMemory where the device has too little left.
func (a *Arena) Allocate() error {
	need, err := a.Bytes()
	if err != nil {
		return err
	}
	for i, b := range a.blocks {
		if b.buffer != nil {
			continue
		}
		if err = a.allocate(b, fmt.Sprintf("%s, block %d", a.Name, i)); err != nil {
			a.Free()
			if a.Host {
				return fmt.Errorf("%s: %s of the host's memory needed, which %s is to reach: %w", a.Name, mib(need), a.dev.Info.Name, err)
			}
			return fmt.Errorf("%s: %s of device memory needed, %s of %s free on %s: %w", a.Name, mib(need), mib(a.dev.Free()), mib(a.dev.Info.Memory), a.dev.Info.Name, err)
		}
	}
	return nil
}

// allocate makes a block real.
func (a *Arena) allocate(b *block, name string) (err error) {
	kind := vulkan.MemoryPropertyDeviceLocalBit
	if a.Host {
		kind = vulkan.MemoryPropertyHostVisibleBit | vulkan.MemoryPropertyHostCoherentBit
	} else if limit := a.dev.limit; limit > 0 && a.dev.local+b.size > limit {
		return fmt.Errorf("%w: %s allows %s in all", ErrOutOfDeviceMemory, memoryVariable, mib(limit))
	}
	if b.buffer, b.memory, err = a.dev.newBuffer(name, b.size, kind, 0); err != nil {
		return err
	}
	a.account(b.size)
	return nil
}

// account counts bytes that were allocated, or freed where they are negative.
func (a *Arena) account(bytes int) {
	a.dev.allocated += bytes
	if !a.Host {
		a.dev.local += bytes
	}
}

// Free gives the memory back. The device must be idle.
func (a *Arena) Free() {
	if a.dev.hung {
		return
	}
	for _, b := range a.blocks[min(a.lent, len(a.blocks)):] {
		if b.buffer != nil {
			a.dev.freeBuffer(b.buffer, b.memory)
			a.account(-b.size)
			b.buffer, b.memory = nil, nil
		}
	}
}

// newBuffer makes a storage buffer, which debuggers know by its name, with memory of its own, of a type that has the flags want and, if it can be, prefer.
func (d *Device) newBuffer(name string, size int, want, prefer vulkan.MemoryPropertyFlagBits) (vulkan.Buffer, vulkan.DeviceMemory, error) {
	const usage = vulkan.BufferUsageStorageBufferBit | vulkan.BufferUsageTransferSrcBit | vulkan.BufferUsageTransferDstBit
	info := &vulkan.BufferCreateInfo{
		SType: vulkan.StructureTypeBufferCreateInfo, Size: vulkan.DeviceSize(size),
		Usage: vulkan.BufferUsageFlags(usage), SharingMode: vulkan.SharingModeExclusive,
	}
	var buffer vulkan.Buffer
	err := check("vkCreateBuffer", vulkan.CreateBuffer(d.handle, info, nil, &buffer))
	info.Free()
	if err != nil {
		return nil, nil, err
	}
	var req vulkan.MemoryRequirements
	vulkan.GetBufferMemoryRequirements(d.handle, buffer, &req)
	req.Deref()
	req.Free()
	kind, ok := d.memoryType(req.MemoryTypeBits, want, prefer)
	if !ok {
		vulkan.DestroyBuffer(d.handle, buffer, nil)
		return nil, nil, fmt.Errorf("the device has no memory type with flags %#x", int(want))
	}
	alloc := &vulkan.MemoryAllocateInfo{
		SType: vulkan.StructureTypeMemoryAllocateInfo, AllocationSize: req.Size, MemoryTypeIndex: kind,
	}
	var memory vulkan.DeviceMemory
	err = check("vkAllocateMemory", vulkan.AllocateMemory(d.handle, alloc, nil, &memory))
	alloc.Free()
	if err == nil {
		d.allocs++
		if err = check("vkBindBufferMemory", vulkan.BindBufferMemory(d.handle, buffer, memory, 0)); err != nil {
			vulkan.FreeMemory(d.handle, memory, nil)
		}
	}
	if err != nil {
		vulkan.DestroyBuffer(d.handle, buffer, nil)
		return nil, nil, err
	}
	d.name(vulkan.ObjectTypeBuffer, handle64(buffer), name)
	d.name(vulkan.ObjectTypeDeviceMemory, handle64(memory), name)
	return buffer, memory, nil
}

func (d *Device) freeBuffer(buffer vulkan.Buffer, memory vulkan.DeviceMemory) {
	vulkan.DestroyBuffer(d.handle, buffer, nil)
	vulkan.FreeMemory(d.handle, memory, nil)
}

// memoryType picks the first allowed type with all wanted flags, and the preferred ones too where one has them.
func (d *Device) memoryType(allowed uint32, want, prefer vulkan.MemoryPropertyFlagBits) (uint32, bool) {
	for _, flags := range []vulkan.MemoryPropertyFlagBits{want | prefer, want} {
		for i, t := range d.memory {
			if allowed&(1<<i) != 0 && t&flags == flags {
				return uint32(i), true
			}
		}
	}
	return 0, false
}
