package apache

import "syscall"

// The signals of a pause and of its end.
const (
	pauseSignal  = syscall.SIGSTOP
	resumeSignal = syscall.SIGCONT
)

// leash has the kernel end a broker with the process that started it, however that ends; or not, if it is detached.
func leash(detached bool) *syscall.SysProcAttr {
	if detached {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
