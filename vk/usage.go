// What a planned program takes, and when: for those who look for the memory of a step.

package vk

import "slices"

// Usage is the memory of a planned program in bytes.
type Usage struct {
	Temporaries int // the arena that they share
	Host        int // buffers of both slots

	// Alive is the most that temporaries hold at once: what they would share if each could be moved at any time.
	Alive  int
	Stages []StageUsage // in the order in which they begin
}

// StageUsage is the most that temporaries hold at once while a stage of a program runs.
type StageUsage struct {
	Stage string
	Alive int
}

// Usage is what the program takes, planned if need be: see Plan.
func (p *Program) Usage() (u Usage, err error) {
	total, err := p.Plan()
	if err != nil {
		return u, err
	}
	for _, h := range p.hosts {
		u.Host += slots * h.Size
	}
	u.Temporaries = total - u.Host
	for _, o := range p.ops {
		i := slices.IndexFunc(u.Stages, func(s StageUsage) bool { return s.Stage == o.stage })
		if i < 0 {
			i = len(u.Stages)
			u.Stages = append(u.Stages, StageUsage{Stage: o.stage})
		}
		s := &u.Stages[i]
		s.Alive = max(s.Alive, p.alive(o.level))
		u.Alive = max(u.Alive, s.Alive)
	}
	return u, nil
}

// alive is how many bytes temporaries hold at a level.
func (p *Program) alive(level int) (bytes int) {
	for _, m := range p.arena.mems {
		if m.first <= level && level <= m.last {
			bytes += align(m.Size)
		}
	}
	return bytes
}
