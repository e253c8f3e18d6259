//go:build !linux

package fleet

import "syscall"

// Pauses are for Linux: elsewhere sending these is an error.
const (
	pauseSignal  = syscall.Signal(-1)
	resumeSignal = syscall.Signal(-1)
	dumpSignal   = syscall.Signal(-1)
)

// leash does nothing here: a worker outlives a process that is killed.
func leash() *syscall.SysProcAttr { return nil }
