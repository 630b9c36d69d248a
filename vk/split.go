// Submissions: a program is cut by estimated work, since a desktop's watchdog ends submissions that take seconds (2 s on Windows). A
// dispatch that is too long for one is cut, too: its workgroups are divided along an axis. They are numbered as before and know nothing
// of it, so what they compute has the same bits.

package vk

import "time"

// weakDevice is how many arithmetic operations a slow integrated GPU does in a second.
const weakDevice = 200e9

// submissionWork bounds one submission, to a tenth of a second on such a GPU.
const submissionWork = weakDevice / 10

// workPerByte stands for the memory traffic of a dispatch beside its arithmetic: 50 GB/s where weakDevice is right.
const workPerByte = 4

// part is what one submission runs of a dispatch: in most cases all of it.
type part struct {
	*op
	first, count [3]int // workgroups
	cost         float64
	waits        bool // has a barrier in front
	last         bool // of its dispatch
}

// stretch is what one submission runs.
type stretch struct {
	parts []part
	work  float64 // estimated
}

// split cuts the program where a submission's estimated work is full.
func (p *Program) split() []stretch {
	out, pending := []stretch{{}}, &hazards{}
	for _, o := range p.ops {
		parts := o.cut(p.submission)
		parts[0].waits, parts[len(parts)-1].last = pending.needsBarrier(o.spans()), true
		for _, part := range parts {
			if work := out[len(out)-1].work; work > 0 && work+part.cost > p.submission {
				out = append(out, stretch{})
			}
			s := &out[len(out)-1]
			s.parts, s.work = append(s.parts, part), s.work+part.cost
		}
	}
	return out
}

// cost is the estimated work of a dispatch, its traffic included.
func (o *op) cost() float64 {
	cost := float64(o.work)
	for _, r := range o.args {
		cost += workPerByte * float64(r.Bytes)
	}
	return cost
}

// cut divides a dispatch into parts of at most so much work, or of one workgroup along the axis that has most of them. Rows (see Launch) stay
// whole where there are several, since a shader takes the x of what is dispatched for their length; with one it does not matter.
func (o *op) cut(limit float64) (parts []part) {
	cost := o.cost()
	if cost <= limit {
		return []part{{op: o, count: o.groups, cost: cost}}
	}
	axis := 0
	if o.groups[1] > 1 {
		axis = 1
	}
	for i := axis + 1; i < len(o.groups); i++ {
		if o.groups[i] > o.groups[axis] {
			axis = i
		}
	}
	n := o.groups[axis]
	most := max(1, int(float64(n)*limit/cost))
	k := (n + most - 1) / most
	for i := range k {
		q := part{op: o, count: o.groups}
		q.first[axis] = i * n / k
		q.count[axis] = (i+1)*n/k - q.first[axis]
		q.cost = cost * float64(q.count[axis]) / float64(n)
		parts = append(parts, q)
	}
	return parts
}

// Submission describes what a program hands to the device at once.
type Submission struct {
	Dispatches int           // one that is cut counts in each submission that runs a part of it
	Barriers   int           // the last submission's count the one that ends a run
	Estimate   time.Duration // on a slow integrated GPU, one of 200 GFLOP/s and 50 GB/s
}

// Submissions describes the submissions of a run in their order, once the program is planned.
func (p *Program) Submissions() []Submission {
	var list []Submission
	for _, s := range p.split() {
		d := Submission{Dispatches: len(s.parts), Estimate: time.Duration(s.work / weakDevice * float64(time.Second))}
		for _, part := range s.parts {
			if part.waits {
				d.Barriers++
			}
		}
		list = append(list, d)
	}
	list[len(list)-1].Barriers++
	return list
}
