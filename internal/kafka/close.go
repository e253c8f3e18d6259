package kafka

import "time"

// closePatience is how long a client may take to close: it asks every broker it reads from to forget its session, and
// a silent broker does not answer.
const closePatience = time.Second

// Close calls a client's close and returns when that does, or after a second. What is then left behind ends by
// itself when its requests time out; waiting for that would keep a worker that is asked to stop for 15 s.
func Close(closeClient func()) {
	done := make(chan struct{})
	go func() {
		closeClient()
		close(done)
	}()
	t := time.NewTimer(closePatience)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}
