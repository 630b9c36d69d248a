// What a tiled translation needs of the host's memory, and what there is.

package cyclegan

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v4/mem"

	"cyclevk/vk"
)

// ErrOutOfHostMemory is wrapped by the error about a picture whose layers the host's memory cannot hold.
var ErrOutOfHostMemory = errors.New("out of host memory")

// tileBudget is what the program of a tile may take where there is more: margins are then a few percent of the work already,
// and larger buffers only take longer to make: a ResNet with 16 channels took 1.20 times the untiled time with 64 MiB on lavapipe,
// and 1.33 times with 200.
const tileBudget = 64 << 20

// planTiles plans the tiles of a picture within some room on the device.
func (t *Translator) planTiles(s shape, room int) (*tiler, error) {
	tiles := &tiler{dev: t.dev, budget: min(room, tileBudget), eval: t.Eval}
	need, err := tiles.rehearse(t.gen, s)
	if errors.Is(err, vk.ErrTooLarge) {
		return nil, fmt.Errorf("%w: allow more by --max_memory, or use another --device", err)
	}
	if err != nil {
		return nil, err
	}
	need += tiles.budget // of which host buffers, and all of it where the device is the processor
	if free, err := freeHostMemory(); err == nil && need > free {
		return nil, fmt.Errorf("%w: in tiles, a picture of %dx%d needs %.1f GiB, and %.1f GiB are free: use a smaller picture, or a machine with more memory",
			ErrOutOfHostMemory, s.w, s.h, float64(need)/(1<<30), float64(free)/(1<<30))
	}
	return tiles, nil
}

// freeHostMemory is how many bytes this process can still use, as far as the system or its container says.
func freeHostMemory() (int, error) {
	m, err := mem.VirtualMemory()
	if err != nil {
		return 0, err
	}
	free := int(m.Available)
	most, used := containerMemory("memory.max"), containerMemory("memory.current")
	if most > 0 && used > 0 {
		free = min(free, max(0, most-used))
	}
	return free, nil
}

// containerMemory reads a number of the control group that this process is in; 0 where there is none or no limit.
func containerMemory(name string) int {
	text, err := os.ReadFile("/sys/fs/cgroup/" + name)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}
