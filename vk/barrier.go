// Barriers, derived from the byte ranges that dispatches touch.

package vk

// span is a byte range of a real buffer. Hazards are looked for here and not between virtual buffers, since temporaries
// share bytes.
type span struct {
	at       any // the block, or the Mem of a host buffer
	from, to int
	write    bool
}

// hazards knows which spans were touched since the last barrier.
type hazards struct{ since []span }

// needsBarrier says whether a dispatch that touches next must wait for one before it, and takes note of the dispatch.
// A barrier orders everything before it, so all that is known is forgotten with it.
func (h *hazards) needsBarrier(next []span) bool {
	need := false
search:
	for _, n := range next {
		for _, s := range h.since {
			if s.at == n.at && (s.write || n.write) && s.from < n.to && n.from < s.to {
				need = true
				break search
			}
		}
	}
	if need {
		h.since = h.since[:0]
	}
	h.since = append(h.since, next...)
	return need
}

// spans are the byte ranges that a planned dispatch touches. Each slot has host buffers of its own, used alike.
func (o *op) spans() []span {
	out := make([]span, len(o.args))
	for i, r := range o.args {
		out[i] = span{write: o.pipeline.bindings[i]&writes != 0}
		if r.kind == hostSlot {
			out[i].at, out[i].from = r.Mem, r.Offset
		} else {
			out[i].at, out[i].from = r.block, r.offset+r.Offset
		}
		out[i].to = out[i].from + r.Bytes
	}
	return out
}
