// The reference of normalisation, in float64, with the bounds that its kernels keep.
//
// u = 2^-24. A value x has the normalised xhat = (x - mean) rstd. The device stores the mean rounded to fp32 and sums values less
// the group's first, x0, so it knows xhat to
//
//	e = u rstd (|mean| + 16 (|x - mean| + sum|x - x0| / pixels)), without |mean| where all values are one, which is exact,
//
// and from there on each result to its share of e and to C u sum|terms|, C = 16 forward and 64 backward.

package kernels

import (
	"fmt"
	"math"
	"strings"

	"cyclevk/vk"
)

func init() {
	register(Check{
		Name: "norm",
		Shaders: append(halves(
			"norm_stats", "norm_stats_partial", "norm_combine",
			"norm_forward", "norm_forward_affine", "norm_forward_residual", "norm_forward_affine_residual",
			"norm_sums", "norm_sums_affine", "norm_backward", "norm_backward_affine", "norm_backward_small", "norm_backward_small_affine"),
			"norm_sums_combine", "norm_affine_grad", "norm_affine_grad_add", "norm_running", "norm_eval_stats"),
		Cases: normCases(),
		Sized: sized("N,H,W,C", [][]int{{1, 64, 64, 256}, {1, 16, 16, 256}}, halved(normSized)),
	})
}

// bounded is a list of values, and how far the device may be from each.
type bounded struct{ want, bound []float64 }

func newBounded(n int) bounded { return bounded{make([]float64, n), make([]float64, n)} }

func (b bounded) set(i int, want, bound float64) { b.want[i], b.bound[i] = want, bound }

// normReference is a normalisation of x, [groups][pixels][c] without padding.
type normReference struct {
	Norm
	groups, pixels, c int
	x                 []float64
	gamma, beta       []float64 // [c]
	mean, rstd        []float64 // [groups][c]
	spread            []float64 // [groups][c]: sum|x - x0| / pixels
}

func (n Norm) reference(groups, pixels, c int, x, gamma, beta []float64) *normReference {
	r := &normReference{Norm: n, groups: groups, pixels: pixels, c: c, x: x, gamma: gamma, beta: beta}
	r.mean = r.means(func(i, _ int) float64 { return x[i] })
	variance := r.means(func(i, k int) float64 { return (x[i] - r.mean[k]) * (x[i] - r.mean[k]) })
	r.rstd = make([]float64, len(variance))
	for k, v := range variance {
		r.rstd[k] = 1 / math.Sqrt(v+float64(n.Eps))
	}
	r.spread = r.means(func(i, k int) float64 { return math.Abs(x[i] - x[k/c*pixels*c+k%c]) })
	return r
}

// means are the means over each group's pixels, [groups][c], of a value at element i, whose channel is number k in the result.
func (r *normReference) means(value func(i, k int) float64) []float64 {
	out := make([]float64, r.groups*r.c)
	for i := range r.x {
		out[r.index(i)] += value(i, r.index(i))
	}
	for k := range out {
		out[k] /= float64(r.pixels)
	}
	return out
}

// index is where [groups][c] keeps what belongs to element i.
func (r *normReference) index(i int) int { return i/(r.pixels*r.c)*r.c + i%r.c }

// xhat is the normalised element i, and e.
func (r *normReference) xhat(i int) (xhat, e float64) {
	k := r.index(i)
	d := r.x[i] - r.mean[k]
	return d * r.rstd[k], r.rstd[k] * (r.meanBound(k) + 16*U*math.Abs(d))
}

// meanBound is how far the device's mean may be from the true one.
func (r *normReference) meanBound(k int) float64 {
	if r.spread[k] == 0 {
		return 0
	}
	return U * (math.Abs(r.mean[k]) + 16*r.spread[k])
}

// stats are the statistics as the device lays them out, padding included.
func (r *normReference) stats() bounded {
	stride := Stride(r.c)
	out := newBounded(r.groups * 2 * stride)
	for g := range r.groups {
		for c := range stride {
			at, k := g*2*stride+c, g*r.c+c
			mean, bound, rstd := 0.0, 0.0, 1/math.Sqrt(float64(r.Eps))
			if c < r.c {
				mean, bound, rstd = r.mean[k], r.meanBound(k), r.rstd[k]
			}
			out.set(at, mean, bound)
			out.set(at+stride, rstd, 16*U*rstd)
		}
	}
	return out
}

// scaled is what goes into the activation at element i.
func (r *normReference) scaled(i int) (v, bound float64) {
	xhat, e := r.xhat(i)
	c := i % r.c
	return r.gamma[c]*xhat + r.beta[c], math.Abs(r.gamma[c])*e + 16*U*(math.Abs(r.gamma[c]*xhat)+math.Abs(r.beta[c]))
}

// forward is y without a residual.
func (r *normReference) forward() bounded {
	out := newBounded(len(r.x))
	for i := range r.x {
		v, bound := r.scaled(i)
		y := r.Act.value(v)
		out.set(i, y, bound+16*U*math.Abs(y)) // no activation is steeper than 1; tanh itself is within 8 ulp
	}
	return out
}

// backward is the gradient of x, and the sums of g xhat and of g, [groups][c].
func (r *normReference) backward(dy []float64) (dx, gx, g bounded) {
	n := len(r.x)
	gv, gBound := make([]float64, n), make([]float64, n) // the gradient before the activation
	gTerms := make([]float64, n)
	for i := range gv {
		v, bound := r.scaled(i)
		y := r.Act.value(v)
		gv[i], gTerms[i] = dy[i]*r.Act.slope(y), math.Abs(dy[i])*r.Act.slopeTerms(y)
		if r.Act == Tanh {
			gBound[i] = math.Abs(dy[i]) * 2 * math.Abs(y) * (bound + 16*U*math.Abs(y))
		}
	}
	sum := func(value func(i int) (v, terms, bound float64)) (sum bounded, terms []float64) {
		sum, terms = newBounded(len(r.mean)), make([]float64, len(r.mean))
		for i := range n {
			v, term, bound := value(i)
			k := r.index(i)
			sum.want[k] += v
			terms[k] += term
			sum.bound[k] += 64*U*term + bound
		}
		return sum, terms
	}
	g, terms := sum(func(i int) (v, terms, bound float64) { return gv[i], gTerms[i], gBound[i] })
	gx, termsX := sum(func(i int) (v, terms, bound float64) {
		xhat, e := r.xhat(i)
		return gv[i] * xhat, gTerms[i] * math.Abs(xhat), gBound[i]*math.Abs(xhat) + gTerms[i]*e
	})
	dx = newBounded(n)
	p := float64(r.pixels)
	for i := range n {
		k, scale := r.index(i), r.rstd[r.index(i)]*math.Abs(r.gamma[i%r.c])
		xhat, e := r.xhat(i)
		meanG, meanGX := g.want[k]/p, gx.want[k]/p
		own := 64*U*(gTerms[i]+terms[k]/p+math.Abs(xhat)*termsX[k]/p) + gBound[i]
		mean := math.Abs(meanGX)*e + (g.bound[k]-64*U*terms[k])/p + math.Abs(xhat)*(gx.bound[k]-64*U*termsX[k])/p
		dx.set(i, r.rstd[k]*r.gamma[i%r.c]*(gv[i]-meanG-xhat*meanGX), scale*(own+mean))
	}
	return dx, gx, g
}

// normCase is one setting of the check.
type normCase struct {
	n, h, w, c, per int
	mean, sigma     float64
	act             Activation
	affine          bool
	residual        bool // and then no activation
	inPlace         bool // y over the residual or else x, dx over dy
	accumulate      bool // daffine
}

func (k normCase) String() string {
	s := fmt.Sprintf("[%d,%d,%d,%d] by %d mean %g sigma %g %s", k.n, k.h, k.w, k.c, k.per, k.mean, k.sigma, k.act)
	for _, o := range []struct {
		on   bool
		name string
	}{{k.affine, " affine"}, {k.residual, " residual"}, {k.inPlace, " in place"}, {k.accumulate, " accumulate"}} {
		if o.on {
			s += o.name
		}
	}
	return s
}

func normCases() (cases []Case) {
	sizes, channels := []int{1, 2, 3, 7, 17, 31, 33, 63, 65, 129}, []int{1, 3, 5, 31, 64, 65}
	means, sigmas := []float64{0.5, 100}, []float64{1, 1e-2, 1e-4, 0}
	add := func(k normCase) { cases = append(cases, Case{k.String(), k.run}) }
	for _, v := range pairwise(len(sizes), len(sizes), len(channels), 3, 2, len(means), len(sigmas), 5, 3, 2) {
		k := normCase{h: sizes[v[0]], w: sizes[v[1]], c: channels[v[2]], n: v[3] + 1, per: 1, mean: means[v[5]], sigma: sigmas[v[6]]}
		if k.h == k.w {
			k.w = sizes[(v[1]+1)%len(sizes)]
		}
		if v[4] == 1 {
			k.per = k.n
		}
		k.residual = v[7] == 4
		k.act = Activation(v[7] % 4)
		k.affine, k.accumulate = v[8] > 0, v[8] > 1
		k.inPlace = v[9] == 1
		add(k)
	}
	add(normCase{n: 4, h: 17, w: 7, c: 5, per: 2, mean: 0.5, sigma: 1, act: ReLU, affine: true, accumulate: true})
	add(normCase{n: 6, h: 33, w: 31, c: 31, per: 3, mean: 100, sigma: 1e-2, act: LeakyReLU, affine: true})
	add(normCase{n: 1, h: 257, w: 255, c: 3, per: 1, mean: 0.5, sigma: 1, act: ReLU})
	return append(cases, in16(append(every(3, cases), cases[len(cases)-2]))...)
}

// normSized is instance norm, with what the shader's name asks for.
func normSized(t *Trial, shader string, v []int) error {
	k := normCase{n: v[0], h: v[1], w: v[2], c: v[3], per: 1, mean: 0.5, sigma: 1, act: ReLU}
	k.affine, k.accumulate = strings.Contains(shader, "affine"), strings.HasSuffix(shader, "_add")
	if k.residual = strings.HasSuffix(shader, "_residual"); k.residual {
		k.act = None
	}
	return k.run(t)
}

func (k normCase) run(t *Trial) error {
	n := Norm{ImagesPerGroup: k.per, Eps: 1e-5, Act: k.act}
	groups, pixels, stride, total := k.n/k.per, k.per*k.h*k.w, Stride(k.c), k.n*k.h*k.w*k.c

	xv := t.Random(total, 0, k.sigma)
	for i := range xv { // groups and channels of their own means
		group, c := i/(pixels*k.c), i%k.c
		xv[i] += float32(k.mean * (1 + float64(c%7)/8 + float64(group)/16))
	}
	t.round(xv)
	gamma, beta := ones(k.c), make([]float64, k.c)
	affine := make([]float32, 2*stride)
	for c := range affine {
		affine[c] = 7 // in the padding, where nothing may come of it
	}
	if k.affine {
		for c := range k.c {
			affine[c], affine[stride+c] = t.Random(1, 1, 0.5)[0], t.Random(1, 0, 1)[0]
			gamma[c], beta[c] = float64(affine[c]), float64(affine[stride+c])
		}
	}
	ref := n.reference(groups, pixels, k.c, widen(xv), gamma, beta)
	dyv, residualv := t.Random(total, 0.1, 1), t.Random(total, 0, 1)
	for i := range dyv {
		if v, bound := ref.scaled(i); (k.act == ReLU || k.act == LeakyReLU) && v != 0 && math.Abs(v) <= bound {
			dyv[i] = 0 // too near the kink to tell its side
		}
	}
	runningv, old := t.Random(2*stride, 1, 0.1), t.Random(2*stride, 0, 1)

	in := func(name string, v []float32) Tensor { return t.In(name, k.n, k.h, k.w, k.c, v) }
	out := func(name string) Tensor { return t.Out(name, k.n, k.h, k.w, k.c) }
	inOut := func(name string, v []float32) Tensor { return t.InOut(name, k.n, k.h, k.w, k.c, v) }
	stats := t.Floats("stats", groups*2*stride, nil, true)
	eval, running := t.Floats("evaluation stats", groups*2*stride, nil, true), t.Floats("running", 2*stride, runningv, true)
	free, halted, kept := t.guard(2, -1), t.guard(2, 1), t.Floats("running statistics under a guard", 2*stride, runningv, true)
	var x, residual, y, dy, dx Tensor
	switch {
	case k.residual && k.inPlace:
		x, residual = in("x", xv), inOut("y", residualv)
		y = residual
	case k.residual:
		x, residual, y = in("x", xv), in("residual", residualv), out("y")
	case k.inPlace:
		x = inOut("y", xv)
		y = x
	default:
		x, y = in("x", xv), out("y")
	}
	if k.inPlace {
		dy = inOut("dx", dyv)
		dx = dy
	} else {
		dy, dx = in("dy", dyv), out("dx")
	}
	var gb, dgb vk.Range
	if k.affine {
		gb = t.Floats("affine", 2*stride, affine, false)
		if !k.accumulate {
			old = nil
		}
		dgb = t.Floats("daffine", 2*stride, old, true)
	}

	err := t.Run(func(p *vk.Program) {
		n.Stats(p, x, stats)
		n.Backward(p, x, stats, gb, dy, dx, dgb, k.accumulate)
		for g := range groups {
			if pixels > 1 {
				n.Running(p, x, stats, g, running, free, 0.1)
				n.Running(p, x, stats, g, kept, halted, 0.1)
			}
		}
		n.EvalStats(p, x, running, eval)
		n.Forward(p, x, stats, gb, residual, y)
	})
	if err != nil {
		return err
	}
	want := ref.stats()
	if err := t.CompareFloats(stats, want.want, want.bound); err != nil {
		return err
	}
	want = ref.forward()
	if k.residual {
		for i, v := range residualv {
			want.want[i] += float64(v)
			want.bound[i] += 16 * U * math.Abs(float64(v))
		}
	}
	if err := t.Compare(y, want.want, want.bound); err != nil {
		return err
	}
	want, gx, g := ref.backward(widen(dyv))
	if err := t.Compare(dx, want.want, want.bound); err != nil {
		return err
	}
	if k.affine {
		want = ref.affineGradient(gx, g, old)
		if err := t.CompareFloats(dgb, want.want, want.bound); err != nil {
			return err
		}
	}
	if err := equalWords(t, kept, bits(runningv)); err != nil {
		return err
	}
	return k.compareRunning(t, ref, runningv, running, eval)
}

// affineGradient is the gradient of gamma and beta, [2][Stride(c)], added to old where there is one.
func (r *normReference) affineGradient(gx, g bounded, old []float32) bounded {
	stride := Stride(r.c)
	out := newBounded(2 * stride)
	for i, v := range old {
		out.set(i, float64(v), 64*U*math.Abs(float64(v)))
	}
	for row, sums := range []bounded{gx, g} {
		for k := range sums.want {
			out.want[row*stride+k%r.c] += sums.want[k]
			out.bound[row*stride+k%r.c] += sums.bound[k]
		}
	}
	return out
}

// compareRunning holds the running statistics against the reference, and the evaluation's against what the device read.
func (k normCase) compareRunning(t *Trial, ref *normReference, old []float32, running, eval vk.Range) error {
	stride := Stride(k.c)
	want := newBounded(2 * stride)
	for c := range stride {
		mean, variance := float64(old[c]), float64(old[stride+c])
		meanBound, varianceBound := 0.0, 0.0
		for g := range ref.groups {
			groupMean, spread, groupVariance := 0.0, 0.0, 0.0
			if c < k.c {
				at := g*k.c + c
				groupMean, spread = ref.mean[at], ref.spread[at]
				groupVariance = 1/(ref.rstd[at]*ref.rstd[at]) - float64(ref.Eps)
			}
			unbiased := float64(ref.pixels) / float64(max(1, ref.pixels-1))
			if ref.pixels > 1 {
				meanBound += 16 * U * (math.Abs(mean) + 0.1*(math.Abs(groupMean)+spread))
				varianceBound += 16 * U * (math.Abs(variance) + 0.1*unbiased*(2*groupVariance+2*float64(ref.Eps)))
				mean += 0.1 * (groupMean - mean)
				variance += 0.1 * (groupVariance*unbiased - variance)
			}
		}
		want.set(c, mean, meanBound)
		want.set(stride+c, variance, varianceBound)
	}
	if err := t.CompareFloats(running, want.want, want.bound); err != nil {
		return err
	}
	got := t.Got(running)
	read := newBounded(ref.groups * 2 * stride)
	for i := range read.want {
		c := i % stride
		read.set(i, float64(math.Float32frombits(got[c])), 0)
		if i/stride%2 == 1 {
			rstd := 1 / math.Sqrt(float64(math.Float32frombits(got[stride+c]))+float64(ref.Eps))
			read.set(i, rstd, 16*U*rstd)
		}
	}
	return t.CompareFloats(eval, read.want, read.bound)
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

func widen(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}
