package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// A Fault is what happens to connections while it is in force. Which ones: those of Client to Server, Any for all.
type Fault struct {
	Client, Server int
	Up, Down       bool // hold back what clients send, and what servers send
	Refuse         bool // close what is there and what comes
}

// Any stands for all clients or all servers.
const Any = -1

func (f Fault) on(l *link) bool {
	return (f.Client == Any || f.Client == l.client) && (f.Server == Any || f.Server == l.server)
}

// A Net is a proxy in front of several servers. It is safe for concurrent use.
type Net struct {
	// client tells who connects from a local port; nobody known is Any. It may be called from several goroutines.
	client func(port int) int

	mu        sync.Mutex
	faults    map[*Fault]bool
	changed   chan struct{} // closed and replaced when a fault begins or ends
	links     map[*link]bool
	listeners []net.Listener
	closed    bool
	running   sync.WaitGroup
}

// New makes a proxy in front of no server yet. client tells who connects from a port of this machine, Any if that is
// not known. Close it when done.
func New(client func(port int) int) *Net {
	return &Net{client: client, faults: map[*Fault]bool{}, changed: make(chan struct{}), links: map[*link]bool{}}
}

// Listen puts the proxy in front of a server, host:port, and returns the address to give to clients instead. The server
// need not be there yet.
func (n *Net) Listen(server int, upstream string) (addr string, err error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("opening a proxy: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		_ = l.Close()
		return "", net.ErrClosed
	}
	n.listeners = append(n.listeners, l)
	n.running.Go(func() { n.accept(l, server, upstream) })
	return l.Addr().String(), nil
}

// Inflict puts a fault in force until end is called.
func (n *Net) Inflict(f Fault) (end func()) {
	n.mu.Lock()
	n.faults[&f] = true
	n.tell()
	if f.Refuse {
		for l := range n.links {
			if f.on(l) {
				l.close()
			}
		}
	}
	n.mu.Unlock()
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.faults, &f)
		n.tell()
	}
}

// tell wakes up whoever waits for the end of a stall. mu is held.
func (n *Net) tell() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// Close ends all connections and waits until nothing runs any more.
func (n *Net) Close() {
	n.mu.Lock()
	n.closed = true
	for _, l := range n.listeners {
		_ = l.Close()
	}
	for l := range n.links {
		l.close()
	}
	n.mu.Unlock()
	n.running.Wait()
}

// A link is one connection of a client to a server: two connections and what is copied between them.
type link struct {
	client, server int
	conns          [2]net.Conn
	once           sync.Once
	done           chan struct{}
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.done)
		_ = l.conns[0].Close()
		_ = l.conns[1].Close()
	})
}

func (n *Net) accept(listener net.Listener, server int, upstream string) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			n.running.Go(func() { n.serve(conn, server, upstream) })
		}
	}
}

// serve takes one connection from its beginning to its end. A server that is not there is a connection that
// is reset.
func (n *Net) serve(conn net.Conn, server int, upstream string) {
	defer func() { _ = conn.Close() }()
	addr, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return
	}
	up, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", upstream)
	if err != nil {
		refuse(conn)
		return
	}
	l := &link{client: n.client(addr.Port), server: server, conns: [2]net.Conn{conn, up}, done: make(chan struct{})}
	defer l.close()
	if !n.add(l) {
		refuse(conn)
		return
	}
	defer n.remove(l)
	var both sync.WaitGroup
	both.Go(func() { n.pump(l, up, conn, func(f *Fault) bool { return f.Up }) })
	both.Go(func() { n.pump(l, conn, up, func(f *Fault) bool { return f.Down }) })
	both.Wait()
}

// refuse ends a connection as a host does that nobody listens on, by a reset: an end in good order means something else
// to a client, such as a server that wants TLS.
func refuse(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// add reports whether the link may live.
func (n *Net) add(l *link) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for f := range n.faults {
		if f.Refuse && f.on(l) {
			return false
		}
	}
	n.links[l] = !n.closed
	return !n.closed
}

func (n *Net) remove(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.links, l)
}

// pumpBytes is how much is read before it is held back; what follows stays with the sender and in the kernel.
const pumpBytes = 32 << 10

// pump copies one direction of a link until either end is over, and ends the other direction with it.
func (n *Net) pump(l *link, to io.Writer, from io.Reader, stalls func(*Fault) bool) {
	defer l.close()
	buf := make([]byte, pumpBytes)
	for {
		read, err := from.Read(buf)
		if read > 0 {
			if !n.wait(l, stalls) {
				return
			}
			if _, err := to.Write(buf[:read]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait returns when nothing stalls the direction, and whether the link is still there.
func (n *Net) wait(l *link, stalls func(*Fault) bool) bool {
	for {
		n.mu.Lock()
		stalled, changed := false, n.changed
		for f := range n.faults {
			stalled = stalled || stalls(f) && f.on(l)
		}
		n.mu.Unlock()
		if !stalled {
			return true
		}
		select {
		case <-changed:
		case <-l.done:
			return false
		}
	}
}
