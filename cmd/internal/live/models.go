// The models of a run, for a window that lets its user choose.

package live

import "cyclevk/cyclegan/live"

// Models are those of the run, in the order of the keys.
func (s *Session) Models() []live.Model { return s.models }
