package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"ttpworker/chaos/proxy"
)

// echo is a server that sends back every line.
func echo(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	return l.Addr().String()
}

// A client says lines and hears them again.
type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{conn, bufio.NewReader(conn)}
}

func (c *client) say(t *testing.T, line string) {
	t.Helper()
	if _, err := c.Write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
}

// hears waits for a line.
func (c *client) hears(t *testing.T, line string) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if got, err := c.in.ReadString('\n'); err != nil || got != line+"\n" {
		t.Errorf("heard %q, %v; want %q", got, err, line)
	}
}

// hearsNothing sees that no line comes for a while, and that the connection is open.
func (c *client) hearsNothing(t *testing.T) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if got, err := c.in.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("heard %q, %v; want nothing, and an open connection", got, err)
	}
}

// ends waits for the end of the connection.
func (c *client) ends(t *testing.T) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if got, err := c.in.ReadString('\n'); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("heard %q, %v; want the end of the connection", got, err)
	}
}

// refused sees that a new connection is reset, at once or when something is to be read.
func refused(t *testing.T, addr string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err == nil {
		defer func() { _ = conn.Close() }()
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = conn.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("connecting gives %v, want a reset", err)
	}
}

func start(t *testing.T, who func(int) int) *proxy.Net {
	t.Helper()
	n := proxy.New(who)
	t.Cleanup(n.Close)
	return n
}

func listen(t *testing.T, n *proxy.Net, server int, upstream string) string {
	t.Helper()
	addr, err := n.Listen(server, upstream)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func unknown(int) int { return proxy.Any }

func TestWhatAStallHoldsBackComesLate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault proxy.Fault
	}{
		{"both ways", proxy.Fault{Client: proxy.Any, Server: proxy.Any, Up: true, Down: true}},
		{"requests", proxy.Fault{Client: proxy.Any, Server: 1, Up: true}},
		{"answers", proxy.Fault{Client: proxy.Any, Server: 1, Down: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := start(t, unknown)
			c := dial(t, listen(t, n, 1, echo(t)))
			c.say(t, "before")
			c.hears(t, "before")
			end := n.Inflict(tt.fault)
			c.say(t, "meanwhile")
			c.hearsNothing(t)
			end()
			c.hears(t, "meanwhile")
		})
	}
}

func TestARefusalEndsWhatIsThereAndWhatComes(t *testing.T) {
	n := start(t, unknown)
	addr := listen(t, n, 1, echo(t))
	c := dial(t, addr)
	c.say(t, "before")
	c.hears(t, "before")
	end := n.Inflict(proxy.Fault{Client: proxy.Any, Server: 1, Refuse: true})
	c.ends(t)
	refused(t, addr)
	end()
	c = dial(t, addr)
	c.say(t, "after")
	c.hears(t, "after")
}

func TestAFaultLeavesOthersAlone(t *testing.T) {
	clients := make(chan int, 3) // one per connection that is opened
	n := start(t, func(int) int { return <-clients })
	server := echo(t)
	one, two := listen(t, n, 1, server), listen(t, n, 2, server)
	open := func(who int, addr string) *client {
		clients <- who
		c := dial(t, addr)
		c.say(t, "hello")
		c.hears(t, "hello")
		return c
	}
	struck, otherClient, otherServer := open(7, one), open(8, one), open(7, two)
	n.Inflict(proxy.Fault{Client: 7, Server: 1, Up: true})
	struck.say(t, "x")
	struck.hearsNothing(t)
	for _, c := range []*client{otherClient, otherServer} {
		c.say(t, "y")
		c.hears(t, "y")
	}
}

func TestAServerThatIsNotThereIsAConnectionThatIsReset(t *testing.T) {
	n := start(t, unknown)
	refused(t, listen(t, n, 1, "127.0.0.1:1"))
}
