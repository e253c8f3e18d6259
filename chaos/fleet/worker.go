package fleet

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// restartDelay is how long a process that ended by itself stays down.
const restartDelay = 300 * time.Millisecond

// A Worker is one replica: a name, and the processes that run under it one after the other. Its methods may be called
// from several goroutines, those that start and end a process from one at a time.
type Worker struct {
	ID    int
	Admin string // host:port

	command []string
	env     []string
	logFile string
	http    *http.Client

	mu      sync.Mutex
	process *os.Process
	done    chan struct{} // closed when the process has ended
	wanted  bool          // it is to run: if it ends by itself, it is started again
	paused  time.Time     // since when; zero = it is not
	awake   time.Time     // when a start or a pause was over
	exits   []string      // how it ended by itself

	past, now Figures  // of processes that are gone, and of the one that runs
	hung      []string // what was hung
	late      int      // probes without an answer, one after the other
	unread    string   // why the metrics could not be read
}

// New makes a replica that runs command with env, and logs to logFile.
func New(id int, admin, logFile string, env []string, command ...string) *Worker {
	return &Worker{
		ID: id, Admin: admin, command: command, env: env, logFile: logFile,
		http: &http.Client{Timeout: probeTimeout, Transport: &http.Transport{DisableKeepAlives: true}},
	}
}

// Start starts a process and keeps one running until Kill or Stop.
func (w *Worker) Start() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted = true
	return w.start()
}

// start is Start with mu held.
func (w *Worker) start() error {
	if w.process != nil {
		return fmt.Errorf("starting worker %d: it runs", w.ID)
	}
	log, err := os.OpenFile(w.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("starting worker %d: %w", w.ID, err)
	}
	defer func() { _ = log.Close() }()                  // the process has its own
	cmd := exec.Command(w.command[0], w.command[1:]...) //nolint:gosec,noctx // a command of ours; Kill ends it
	cmd.Env = append(os.Environ(), w.env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = leash()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting worker %d: %w", w.ID, err)
	}
	done := make(chan struct{})
	w.process, w.done, w.awake, w.late = cmd.Process, done, time.Now(), 0
	go func() { // ends with the process, which Kill and Stop await
		err := cmd.Wait()
		w.ended(err)
		close(done)
	}()
	return nil
}

// ended notes the end of a process, and starts another one if it ended by itself.
func (w *Worker) ended(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.process, w.paused = nil, time.Time{}
	w.past.add(w.now)
	w.now = Figures{}
	if !w.wanted {
		return
	}
	w.exits = append(w.exits, fmt.Sprintf("worker %d: %v: %s", w.ID, err, w.lastLine()))
	time.AfterFunc(restartDelay, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.wanted || w.process != nil {
			return
		}
		if err := w.start(); err != nil {
			w.exits = append(w.exits, err.Error())
		}
	})
}

// tailBytes is how much of a log is looked at for its last line.
const tailBytes = 4096

// lastLine is the last line that the worker logged.
func (w *Worker) lastLine() string {
	f, err := os.Open(w.logFile) //nolint:gosec // a file of ours
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		_, _ = f.Seek(-tailBytes, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	return last(string(text))
}

// Kill ends the process at once (SIGKILL), paused or not; nothing starts another one until Start.
func (w *Worker) Kill() error {
	_, err := w.end(syscall.SIGKILL)
	return err
}

// Stop ends the process in good order (SIGTERM) and returns how long that took. One that takes longer than stopLimit
// is hung, and is killed.
func (w *Worker) Stop() (time.Duration, error) { return w.end(syscall.SIGTERM) }

// stopLimit is what a stop may take, by the promise of worker run.
const stopLimit = 14 * time.Second

// end ends the process, if there is one.
func (w *Worker) end(sig syscall.Signal) (time.Duration, error) {
	w.mu.Lock()
	w.wanted = false
	process, done := w.process, w.done
	w.mu.Unlock()
	if process == nil {
		return 0, nil
	}
	start := time.Now()
	if err := w.signal(process, sig); err != nil {
		return 0, err
	}
	select {
	case <-done:
		return time.Since(start), nil
	case <-time.After(stopLimit + time.Second):
	}
	w.mu.Lock()
	w.hung = append(w.hung, fmt.Sprintf("worker %d: no end %s after %s", w.ID, stopLimit+time.Second, sig))
	w.mu.Unlock()
	_ = w.signal(process, dumpSignal) // its log then says where it hangs
	if err := w.signal(process, syscall.SIGKILL); err != nil {
		return 0, err
	}
	<-done
	return time.Since(start), nil
}

func (w *Worker) signal(p *os.Process, sig syscall.Signal) error {
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to worker %d: %w", sig, w.ID, err)
	}
	return nil
}

// Pause stops the process in its tracks (SIGSTOP) until Resume.
func (w *Worker) Pause() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process == nil {
		return fmt.Errorf("pausing worker %d: it does not run", w.ID)
	}
	w.paused = time.Now()
	return w.signal(w.process, pauseSignal)
}

// Resume ends a pause (SIGCONT).
func (w *Worker) Resume() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused, w.awake = time.Time{}, time.Now()
	if w.process == nil {
		return nil // something killed it
	}
	return w.signal(w.process, resumeSignal)
}

// Dump has the process write down what its goroutines do, and end (SIGQUIT).
func (w *Worker) Dump() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process != nil {
		_ = w.signal(w.process, dumpSignal)
	}
}

// PID is the id of the process that runs; 0 if there is none.
func (w *Worker) PID() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process == nil {
		return 0
	}
	return w.process.Pid
}

// Exits lists how processes ended by themselves.
func (w *Worker) Exits() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.exits...)
}

// Hung lists what was hung.
func (w *Worker) Hung() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.hung...)
}
