package quality

import (
	"syscall"
	"time"
)

// rusageThread is RUSAGE_THREAD of <sys/resource.h>.
const rusageThread = 1

// clock is the processor time of this thread, which others on the machine take nothing of. The caller stays on it by
// runtime.LockOSThread.
func clock() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		return wall()
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
