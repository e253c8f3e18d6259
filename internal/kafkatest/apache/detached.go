package apache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// StopDetached stops the detached brokers whose data is in dir, in good order, and returns how many there were. Their
// data stays.
func StopDetached(dir string) (stopped int, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "node-*", pidFile))
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, file := range files {
		process, err := recorded(file)
		if err == nil {
			err = terminate(process)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("stopping the broker of %s: %w", file, err))
			continue
		}
		stopped++
		errs = append(errs, os.Remove(file))
	}
	return stopped, errors.Join(errs...)
}

func recorded(file string) (*os.Process, error) {
	text, err := os.ReadFile(file) //nolint:gosec // ours, in a directory that the caller names
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	return os.FindProcess(pid)
}

// terminate asks a process that is no child of ours to end, and waits until it is gone.
func terminate(p *os.Process) error {
	deadline := time.Now().Add(stopTimeout)
	for sig := os.Signal(syscall.SIGTERM); ; sig = syscall.Signal(0) {
		switch err := p.Signal(sig); {
		case errors.Is(err, os.ErrProcessDone), errors.Is(err, syscall.ESRCH):
			return nil
		case err != nil:
			return err
		case time.Now().After(deadline):
			return p.Kill()
		}
		time.Sleep(askAgain) //nolint:forbidigo // nothing tells of the end of another's child
	}
}
