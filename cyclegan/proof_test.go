// Long proofs of what training promises: the same bits every time on any number of threads, and no memory taken on the way.
// CYCLEVK_LONG=1 runs them at the length that docs/reliability.md reports.

package cyclegan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cyclevk/vk/vktest"
)

// length is one number in the usual tests and another in the long ones.
func length(usual, long int) int {
	if os.Getenv("CYCLEVK_LONG") == "1" {
		return long
	}
	return usual
}

// repeats asks a process of its own, in which a driver finds another environment, to train several times.
const repeats = "CYCLEVK_TEST_REPEATS"

// TestRepeats trains the same seed again and again, on one and on two threads of the driver, and wants one checkpoint.
// LP_NUM_THREADS is lavapipe's; other drivers choose for themselves.
func TestRepeats(t *testing.T) {
	if n, _ := strconv.Atoi(os.Getenv(repeats)); n > 0 {
		printCheckpoints(t, n)
		return
	}
	dev := vktest.Device(t)
	n, found := length(5, 50), map[string]int{}
	for threads := 1; threads <= 2; threads++ {
		for _, sum := range trainElsewhere(t, n, fmt.Sprintf("LP_NUM_THREADS=%d", threads)) {
			found[sum]++
		}
	}
	if len(found) != 1 {
		t.Errorf("one seed gave %d checkpoints, by their hashes: %v", len(found), found)
	}
	t.Logf("%v: %d runs on each of 1 and 2 threads", dev.Info, n)
}

// printCheckpoints trains n times and prints a hash of each checkpoint.
func printCheckpoints(t *testing.T, n int) {
	dev := vktest.Device(t)
	for range n {
		tr := startTrainer(t, dev, tiny(), nil)
		fmt.Printf("checkpoint %x\n", sha256.Sum256(train(t, tr, 6)))
		tr.Close()
	}
}

// trainElsewhere runs printCheckpoints in a process of its own and returns the hashes.
func trainElsewhere(t *testing.T, n int, env string) (sums []string) {
	t.Helper()
	self := []string{os.Args[0]}
	if line, err := os.ReadFile("/proc/self/cmdline"); err == nil { // by the same dynamic linker, where this one was started so
		args := strings.Split(string(line), "\x00")
		self = args[:max(1, slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "-test.") }))]
	}
	cmd := exec.Command(self[0], append(self[1:], "-test.run=^TestRepeats$")...)
	cmd.Env = append(os.Environ(), env, fmt.Sprintf("%s=%d", repeats, n))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", env, err, out)
	}
	for line := range strings.Lines(string(out)) {
		if sum, ok := strings.CutPrefix(strings.TrimSpace(line), "checkpoint "); ok && len(sum) == hex.EncodedLen(sha256.Size) {
			sums = append(sums, sum)
		}
	}
	if len(sums) != n {
		t.Fatalf("%s: %d checkpoints of %d\n%s", env, len(sums), n, out)
	}
	return sums
}

// TestMemoryOverTime: many steps take no device memory, and at most 1 MiB of the host's for each 1,000 begun.
func TestMemoryOverTime(t *testing.T) {
	if os.Getenv("CYCLEVK_VALIDATE") == "1" {
		t.Skip("validation") // the layers keep records
	}
	if resident(t) == 0 {
		t.Skip("proc")
	}
	dev := vktest.Device(t)
	tr := startTrainer(t, dev, tiny(), nil)
	defer tr.Close()
	b := randomBatch(tr.Config, 1)
	run := func(steps int) {
		for range steps {
			if _, err := tr.Step(b, tr.Config.LR); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := tr.Drain(); err != nil {
			t.Fatal(err)
		}
		debug.FreeOSMemory() // what is garbage is no growth
	}
	run(100) // the driver compiles, pools fill, the heap finds its size
	_, allocations := dev.Allocated()
	steps := length(300, 10_000)
	allowed, least := (steps+999)/1000<<20, math.MaxInt
	for range length(3, 1) { // a huge page that the kernel hands out is 2 MiB at once, and no leak: that grows every time
		start := resident(t)
		for done := 0; done < steps; done += 1000 {
			run(min(1000, steps-done))
			t.Logf("%5d steps: %+d KiB resident", min(done+1000, steps), (resident(t)-start)>>10)
		}
		least = min(least, resident(t)-start)
	}
	if least > allowed {
		t.Errorf("%d steps took %d bytes of resident memory, at most %d may be", steps, least, allowed)
	}
	if _, n := dev.Allocated(); n != allocations {
		t.Errorf("%d device allocations in %d steps", n-allocations, steps)
	}
}

// resident is the resident memory of this process in bytes, or 0 where /proc does not say.
func resident(t *testing.T) int {
	t.Helper()
	stat, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.Atoi(strings.Fields(string(stat))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
