// Synchronization validation: derived barriers leave it nothing to say, and it does speak when they are left out.

package vk

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Synchronization validation looks at storage buffers only with both of these, and only in layers of late.
var syncValidation = []string{
	"CYCLEVK_VALIDATE=1", "VK_KHRONOS_VALIDATION_VALIDATE_SYNC=1", "VK_KHRONOS_VALIDATION_SYNCVAL_SHADER_ACCESSES_HEURISTIC=1",
}

// layerVersion is the installed validation layer's Vulkan 1.x patch as x*1000+patch, or 0 where there is none.
func layerVersion() int {
	folders := append(filepath.SplitList(os.Getenv("VK_LAYER_PATH")), "/usr/share/vulkan/explicit_layer.d")
	for _, folder := range folders {
		manifest, err := os.ReadFile(filepath.Join(folder, "VkLayer_khronos_validation.json"))
		if err != nil {
			continue
		}
		v := regexp.MustCompile(`"api_version": *"1\.(\d+)\.(\d+)"`).FindStringSubmatch(string(manifest))
		if v == nil {
			return 0
		}
		minor, _ := strconv.Atoi(v[1])
		patch, _ := strconv.Atoi(v[2])
		return minor*1000 + patch
	}
	return 0
}

func TestSynchronizationValidation(t *testing.T) {
	if layerVersion() < 4363 {
		t.Skip("layer")
	}
	for _, test := range []string{"TestRaceIsSeen", "TestReplay", "TestRandomPrograms", "TestTransfers", "TestCopy", "TestPresent", "TestPixels"} {
		rerun(t, test, syncValidation...)
	}
}

// TestRaceIsSeen builds one program with its barriers and again with a planner that is told that no shader writes.
func TestRaceIsSeen(t *testing.T) {
	if !child() {
		t.Skip("child")
	}
	for _, racy := range []bool{false, true} {
		dev, err := Open("")
		must(t, err)
		p := newOps(t, dev.NewProgram("race"))
		x, y := p.Temp("x", 4096), p.Temp("y", 4096)
		p.fill(x.All(), 1)
		p.mix(y.All(), x.All(), x.All(), 3, 1)
		p.fill(x.All(), 2)
		_, err = p.Plan()
		must(t, err)
		if racy {
			for _, o := range p.ops {
				for i := range o.pipeline.bindings {
					o.pipeline.bindings[i] &^= writes
				}
			}
		}
		err = p.Build()
		if err == nil {
			err = p.Run()
		}
		p.Free()
		err = errors.Join(err, dev.Close())
		if seen := errors.Is(err, ErrValidation) && strings.Contains(err.Error(), "SYNC-HAZARD"); seen != racy {
			t.Errorf("without barriers %v: %v", racy, err)
		}
	}
}
