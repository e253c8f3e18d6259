package main

import (
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

// progressEvery is how often progress is drawn at the most: drawing it for every event would take longer than the event.
const progressEvery = 100 * time.Millisecond

// newProgress shows on standard error how far long work is; nil where that is no terminal. total is what it comes to, in what the
// caller counts; -1 = not known. Call Finish when it is over.
func newProgress(total int64, what string, opts ...progressbar.Option) *progressbar.ProgressBar {
	if !isatty.IsTerminal(os.Stderr.Fd()) {
		return nil
	}
	return progressbar.NewOptions64(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(progressEvery), progressbar.OptionClearOnFinish(),
	}, opts...)...)
}
