package fleet

import "syscall"

// The signals of a pause and of its end.
const (
	pauseSignal  = syscall.SIGSTOP
	resumeSignal = syscall.SIGCONT
	dumpSignal   = syscall.SIGQUIT
)

// leash has the kernel end a worker with the process that started it, however that ends.
func leash() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
