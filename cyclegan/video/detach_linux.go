// A process that dies with this program, however that ends: the kernel sees to it on Linux. It takes the thread that started the
// process for its parent, so that thread has to last as long.

package video

import (
	"os/exec"
	"runtime"
	"syscall"
)

func bind(c *exec.Cmd) (release func(), err error) {
	c.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started, over := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		started <- c.Start()
		<-over
	}()
	return func() { close(over) }, <-started
}
