package main

import (
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

// barPause is how long a progress bar stands still at the least: drawing it for every event would take longer than the event.
const barPause = 100 * time.Millisecond

// newProgress shows on standard error how far long work is; nil where that is no terminal. total is what it comes to, in what the
// caller counts; -1 = not known. Call Finish when it is over.
func newProgress(total int64, what string, more ...progressbar.Option) *progressbar.ProgressBar {
	if !isatty.IsTerminal(os.Stderr.Fd()) {
		return nil
	}
	return newBar(os.Stderr, total, what, more...)
}

// newBar is a progress bar for somebody who watches w. It is gone when it is finished.
func newBar(w io.Writer, total int64, what string, more ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, append(more, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(barPause), progressbar.OptionClearOnFinish())...)
}
