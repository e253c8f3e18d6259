package apache

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// stopTimeout bounds a stop in good order.
const stopTimeout = 30 * time.Second

// pidFile in a node's directory holds the id of its process.
const pidFile = "pid"

// A Node is one broker, running or not.
type Node struct {
	ID         int
	Addr       string // where it listens, host:port
	Advertised string // where clients are sent

	broker string // where the other brokers find it
	dir    string
	java   string
	args   []string
	log    io.Writer

	detached bool

	process *os.Process
	done    chan struct{} // closed when the process has ended
	running atomic.Bool
}

func (n *Node) settings() string { return filepath.Join(n.dir, "server.properties") }
func (n *Node) logFile() string  { return filepath.Join(n.dir, "broker.log") }

// Running reports whether the process is there, paused or not.
func (n *Node) Running() bool { return n.running.Load() }

// Direct is the address at which the other brokers find this one, host:port: past any proxy and without security, for
// clients that look on.
func (n *Node) Direct() string { return n.broker }

// PID is the process id of the broker that runs or ran last; 0 before the first start.
func (n *Node) PID() int {
	if n.process == nil {
		return 0
	}
	return n.process.Pid
}

// Start starts the broker's process; it answers some seconds later, see Cluster.Await.
func (n *Node) Start() error {
	if n.Running() {
		return fmt.Errorf("starting broker %d: it runs", n.ID)
	}
	cmd := exec.Command(n.java, append(n.args, "kafka.Kafka", n.settings())...) //nolint:gosec,noctx // it outlives any context; Close ends it
	cmd.SysProcAttr = leash(n.detached)
	out := n.log
	if out == nil {
		file, err := os.OpenFile(n.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("starting broker %d: %w", n.ID, err)
		}
		defer func() { _ = file.Close() }() // the process has its own
		out = file
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting broker %d: %w", n.ID, err)
	}
	if err := os.WriteFile(filepath.Join(n.dir, pidFile), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("starting broker %d: %w", n.ID, err)
	}
	done := make(chan struct{})
	n.process, n.done = cmd.Process, done
	n.running.Store(true)
	go func() { // ends with the process, which Kill and Stop await
		_ = cmd.Wait()
		n.running.Store(false)
		close(done)
	}()
	return nil
}

// Kill ends the broker at once, as a crash does (SIGKILL).
func (n *Node) Kill() error { return n.end(syscall.SIGKILL, stopTimeout) }

// Stop ends the broker in good order (SIGTERM) and kills it if that takes too long.
func (n *Node) Stop() error {
	if err := n.end(syscall.SIGTERM, stopTimeout); err != nil {
		return errors.Join(err, n.Kill())
	}
	return nil
}

// Pause stops the broker in its tracks (SIGSTOP) until Resume: its connections stay open and nobody answers.
func (n *Node) Pause() error { return n.signal(pauseSignal) }

// Resume ends a pause (SIGCONT).
func (n *Node) Resume() error { return n.signal(resumeSignal) }

func (n *Node) end(sig syscall.Signal, patience time.Duration) error {
	if !n.Running() {
		return nil
	}
	if err := n.signal(sig); err != nil {
		return err
	}
	select {
	case <-n.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("broker %d has not ended within %s", n.ID, patience)
	}
}

func (n *Node) signal(sig syscall.Signal) error {
	if err := n.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to broker %d: %w", sig, n.ID, err)
	}
	return nil
}

// tailBytes is how much of a broker's log an error quotes.
const tailBytes = 4096

// tail is the end of what the broker logged.
func (n *Node) tail() string {
	text, err := os.ReadFile(n.logFile())
	if err != nil {
		return ""
	}
	return string(text[max(len(text)-tailBytes, 0):])
}
