// A program that knows its stages, so that their times can be told.

package live

import "cyclevk/vk"

// program is one that begins with the stage of its name.
type program struct {
	*vk.Program
	stages []string // of its dispatches, in their order
}

func newProgram(dev *vk.Device, name string) *program {
	p := &program{Program: dev.NewProgram(name)}
	p.Stage = name
	return p
}

func (p *program) build(timing bool) error {
	p.Timing = timing
	if err := p.Build(); err != nil {
		return err
	}
	for _, d := range p.List() {
		p.stages = append(p.stages, d.Stage)
	}
	return nil
}

// times appends those of the last run by stage; nothing where it has none.
func (p *program) times(list []Stage) []Stage {
	spans, err := p.Times(p.Latest())
	if err != nil {
		return list
	}
	for i, s := range spans {
		if i == 0 || p.stages[i] != p.stages[i-1] {
			list = append(list, Stage{Name: p.stages[i]})
		}
		list[len(list)-1].Time += s.Time
	}
	return list
}
