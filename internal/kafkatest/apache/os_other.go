//go:build !linux

package apache

import "syscall"

// Pauses are for Linux: elsewhere sending these is an error.
const (
	pauseSignal  = syscall.Signal(-1)
	resumeSignal = syscall.Signal(-1)
)

// leash does nothing here: a broker outlives a process that is killed.
func leash(bool) *syscall.SysProcAttr { return nil }
