// Prefetching: workers decode the samples of the next batches while the device trains
// on the present one, and the batches come out in order whatever the number of workers.

package data

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Loader delivers the batches of one epoch in order. Next, Waited and Close are for one
// goroutine.
type Loader struct {
	set    *Set
	ctx    context.Context
	cancel context.CancelFunc
	queue  chan *pending // in the order of delivery
	group  sync.WaitGroup
	waited time.Duration
	err    error // final: every later Next returns it
}

// pending is a batch that workers are filling.
type pending struct {
	batch   *Batch
	damaged [][]damage // by slot
	left    atomic.Int32
	ready   chan struct{} // closed once left is 0
}

// task is one sample for a worker.
type task struct {
	*pending
	slot int
}

// Load starts to prefetch an epoch from sample `first` on, in batches of `batch`, the
// last of which may be smaller. Cancelling ctx stops it as Close does. What is wrong
// with the arguments, or the sizes of the pictures, is returned by Next.
func (s *Set) Load(ctx context.Context, epoch, first, batch int) *Loader {
	ctx, cancel := context.WithCancel(ctx)
	l := &Loader{set: s, ctx: ctx, cancel: cancel}
	if first < 0 || batch < 1 {
		l.err = fmt.Errorf("data: first sample %d and batch size %d: want at least 0 and 1", first, batch)
		return l
	}
	if l.err = s.checkSizes(batch); l.err != nil {
		return l
	}
	workers := s.options.NumThreads
	l.queue = make(chan *pending, 1+(2*workers+batch-1)/batch) // each worker one sample ahead
	tasks := make(chan task)
	order := s.epochOrder(epoch)
	l.group.Go(func() { l.produce(tasks, epoch, first, batch, order) })
	for range workers {
		l.group.Go(func() {
			var w worker
			for t := range tasks {
				t.damaged[t.slot] = s.fill(t.batch, t.slot, order, &w)
				if t.left.Add(-1) == 0 {
					close(t.ready)
				}
			}
		})
	}
	return l
}

// produce queues every batch of the epoch and hands its samples to the workers.
func (l *Loader) produce(tasks chan<- task, epoch, first, batch int, order []int) {
	defer close(l.queue)
	defer close(tasks)
	for ; first < l.set.Len(); first += batch {
		n := min(batch, l.set.Len()-first)
		p := &pending{damaged: make([][]damage, n), ready: make(chan struct{})}
		p.batch = l.set.newBatch(epoch, first, n, order)
		p.left.Store(int32(n))
		select {
		case l.queue <- p:
		case <-l.ctx.Done():
			return
		}
		for slot := range n {
			select {
			case tasks <- task{p, slot}:
			case <-l.ctx.Done():
				return
			}
		}
	}
}

// Next returns the next batch, io.EOF after the epoch's last, the context's error once
// it is cancelled, or an error that names a picture.
func (l *Loader) Next() (*Batch, error) {
	if l.err != nil {
		return nil, l.err
	}
	start := time.Now()
	b, err := l.receive()
	l.waited += time.Since(start)
	if err != nil {
		l.err = err
		l.Close()
		return nil, err
	}
	return b, nil
}

// receive waits for the next batch to be filled.
func (l *Loader) receive() (*Batch, error) {
	select {
	case p, more := <-l.queue:
		if !more && l.ctx.Err() == nil {
			return nil, io.EOF
		}
		if !more {
			break
		}
		select {
		case <-p.ready:
			return p.batch, l.set.settle(p.batch, slices.Concat(p.damaged...))
		case <-l.ctx.Done():
		}
	case <-l.ctx.Done():
	}
	return nil, fmt.Errorf("data: loading stopped: %w", l.ctx.Err())
}

// Waited returns how long Next has blocked in all: where it is a large part of the
// epoch, decoding is the bottleneck.
func (l *Loader) Waited() time.Duration { return l.waited }

// Close stops the workers and waits for them. It may be called more than once.
func (l *Loader) Close() {
	l.cancel()
	l.group.Wait()
}
