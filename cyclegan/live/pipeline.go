// The pipeline: weights and programs of one canvas on one device.

package live

import (
	"cyclevk/cyclegan"
	"cyclevk/vk"
)

// Model is a model that the pipeline can show.
type Model struct {
	Name       string // for messages and overlays
	Checkpoint *cyclegan.Checkpoint
	Direction  string // AtoB or BtoA: that with which it starts
}

// Options of a pipeline.
type Options struct {
	Eval   bool // batch norm by its running statistics, see [cyclegan.Translator]
	Timing bool // measure the stages on the device, where it has timestamps
}

// Pipeline has the weights of all models, and the programs for the size of the source and the canvas. Its methods, and the device,
// are for one goroutine: once a [Loop] runs they are its own.
type Pipeline struct {
	dev *vk.Device
}

// NewPipeline uploads the models, each with the generators of both directions where it has them. An error names the model that
// cannot be shown, such as one whose pictures have other than 1 or 3 channels, and the cure.
func NewPipeline(dev *vk.Device, models []Model, o Options) (*Pipeline, error) {
	return nil, nil
}

// Close frees everything.
func (p *Pipeline) Close() {}
