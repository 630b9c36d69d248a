// Learning-rate policies: PyTorch's schedulers as the official code sets them up, stepped at the end of every epoch.

package cyclegan

import "math"

// What the official code does not let one choose.
const (
	stepGamma = 0.1

	plateauFactor    = 0.2
	plateauThreshold = 0.01 // of the best: a smaller gain is none
	plateauPatience  = 5    // epochs without a gain that are borne
	plateauLeast     = 1e-8 // PyTorch's eps: smaller changes of the rate are left out
)

// Schedule is the learning rate of a run from epoch to epoch. The first epoch, Config.EpochCount, has t = 0.
//
//	linear   lr (1 - max(0, t + epoch_count - n_epochs) / (n_epochs_decay + 1))
//	step     a tenth of the one before wherever lr_decay_iters divides t
//	cosine   lr (1 + cos(π t / n_epochs)) / 2, computed as PyTorch does, from one epoch to the next; after n_epochs it rises again
//	plateau  a fifth, after 6 epochs that each failed to bring the mean of the generators' losses 1 % under the best one
//
// Official training hands its plateau a metric of 0 for ever and so takes a fifth in epochs 8, 14, 20 and so on.
type Schedule struct {
	config Config
	at     Plateau // for the other policies only its Epoch and Rate
}

// Plateau is what the policy of this name remembers: it is part of a checkpoint, since it follows from no number of an epoch.
type Plateau struct {
	Epoch int     `json:"epoch"`
	Rate  float64 `json:"rate"` // in this epoch

	Sum   float64 `json:"sum"` // of the generators' losses in the steps of this epoch so far
	Steps int     `json:"steps"`

	Judged int     `json:"judged"` // epochs that ended
	Best   float64 `json:"best"`   // of their means; none where Judged is 0
	Bad    int     `json:"bad"`    // epochs since without a gain
}

// NewSchedule starts the schedule of a run, or goes on with what a checkpoint of it remembers.
func NewSchedule(c Config, from *Plateau) *Schedule {
	s := &Schedule{config: c}
	if from != nil && c.LRPolicy == "plateau" {
		s.at = *from
	} else {
		s.restart()
	}
	return s
}

// Plateau is what a checkpoint has to remember; nil where everything follows from the epoch.
func (s *Schedule) Plateau() *Plateau {
	if s.config.LRPolicy != "plateau" {
		return nil
	}
	at := s.at
	return &at
}

// Observe takes the losses of a step of the present epoch. With plateau, all steps of an epoch must have been observed before
// the next one asks for its rate.
func (s *Schedule) Observe(l Losses) {
	s.at.Sum += l.Generators()
	s.at.Steps++
}

// Rate is the learning rate of an epoch. Earlier ones than the last that was asked for are forgotten by plateau alone, which
// gives its present rate for them.
func (s *Schedule) Rate(epoch int) float64 {
	if epoch < s.at.Epoch && s.config.LRPolicy != "plateau" {
		s.restart()
	}
	for s.at.Epoch < epoch {
		s.next()
	}
	return s.at.Rate
}

func (s *Schedule) restart() {
	s.at = Plateau{Epoch: s.config.EpochCount, Rate: s.config.LR}
	if s.config.LRPolicy == "linear" {
		s.at.Rate = s.config.LR * s.linear(0)
	}
}

// next goes one epoch on. The order of operations is PyTorch's.
func (s *Schedule) next() {
	s.at.Epoch++
	t, c := s.at.Epoch-s.config.EpochCount, &s.config
	switch c.LRPolicy {
	case "linear":
		s.at.Rate = c.LR * s.linear(t)
	case "step":
		if t%c.LRDecayIters == 0 {
			s.at.Rate *= stepGamma
		}
	case "cosine":
		period := float64(c.Epochs)
		if (t-1-c.Epochs)%(2*c.Epochs) == 0 { // up from 0, of which there is no multiple
			s.at.Rate += c.LR * (1 - math.Cos(math.Pi/period)) / 2
		} else {
			s.at.Rate *= (1 + math.Cos(math.Pi*float64(t)/period)) / (1 + math.Cos(math.Pi*float64(t-1)/period))
		}
	case "plateau":
		s.judge()
	}
}

// linear: with 100 + 100 epochs 1 up to epoch 100, 100/101 in epoch 101, 1/101 in epoch 200.
func (s *Schedule) linear(t int) float64 {
	c := &s.config
	return max(0, 1-float64(max(0, t+c.EpochCount-c.Epochs))/float64(c.EpochsDecay+1))
}

// judge ends an epoch for plateau.
func (s *Schedule) judge() {
	p := &s.at
	mean := p.Sum / float64(max(1, p.Steps))
	if p.Judged == 0 || mean < p.Best*(1-plateauThreshold) {
		p.Best, p.Bad = mean, 0
	} else {
		p.Bad++
	}
	if p.Bad > plateauPatience {
		p.Bad = 0
		if lower := p.Rate * plateauFactor; p.Rate-lower > plateauLeast {
			p.Rate = lower
		}
	}
	p.Judged++
	p.Sum, p.Steps = 0, 0
}
