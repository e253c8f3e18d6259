//go:build !linux

package quality

import "time"

// clock is the time of the machine, whoever uses it.
func clock() time.Duration { return wall() }
