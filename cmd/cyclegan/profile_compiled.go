// What the driver tells of the pipelines that a profile runs, where it offers that.

package main

import (
	"io"
	"slices"

	"cyclevk/cyclegan/profile"
	"cyclevk/vk"
)

// pipelines are a built program's, as reports list them.
func pipelines(p *vk.Program) (list []profile.Pipeline, err error) {
	compiled, err := p.Compiled()
	dispatches := p.List()
	for _, c := range compiled {
		pipeline := profile.Pipeline{Shader: c.Shader, Constants: append([]uint32{}, c.Constants...), Executables: executables(c.Executables)}
		for _, i := range c.Dispatches {
			if name := dispatches[i].Label; !slices.Contains(pipeline.Kernels, name) {
				pipeline.Kernels = append(pipeline.Kernels, name)
			}
		}
		list = append(list, pipeline)
	}
	return list, err
}

func executables(list []vk.Executable) (out []profile.Executable) {
	for _, e := range list {
		statistics := make([]profile.Statistic, len(e.Statistics))
		for i, s := range e.Statistics {
			statistics[i] = profile.Statistic(s)
		}
		out = append(out, profile.Executable{Name: e.Name, Description: e.Description, SubgroupSize: e.SubgroupSize, Statistics: statistics})
	}
	return out
}

// printCompiled writes what the driver tells of each tile.
func (k *kernelProfile) printCompiled(out io.Writer) error {
	var list []profile.Pipeline
	for _, pass := range k.Passes {
		for _, t := range pass.Tiles {
			if len(t.Executables) > 0 {
				list = append(list, profile.Pipeline{Kernels: []string{pass.Pass}, Shader: pass.Shader, Constants: t.Constants, Executables: t.Executables})
			}
		}
	}
	return profile.PrintPipelines(out, list)
}
