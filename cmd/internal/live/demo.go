// The demo model, so that a first run shows something: day into dusk, and dusk into day. This project trained it on pictures that
// it draws itself (`cyclegan synth`); docs/live.md has the commands.

package live

import (
	_ "embed"

	"cyclevk/cyclegan"
)

// demo holds both generators (resnet_3blocks, ngf 16), rounded to fp16.
//
//go:embed demo.safetensors
var demo []byte

// DemoName is what the demo model is called where models are listed.
const DemoName = "demo: day and dusk"

// Demo returns the demo model.
func Demo() (*cyclegan.Checkpoint, error) { return cyclegan.ParseModel(DemoName, demo) }
