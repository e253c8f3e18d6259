package kafkatest

import (
	"context"
	"net"
	"sync"
)

// Connections are those that clients have open to a broker in the process, made with kfake.ListenFn(c.Listen). The zero
// value has none.
type Connections struct {
	mu   sync.Mutex
	open []net.Conn
	away bool
}

// Listen is net.Listen.
func (c *Connections) Listen(network, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), network, address)
	return watched{l, c}, err
}

// Cut ends all of them.
func (c *Connections) Cut() { c.cut(false) }

// Refuse ends all of them, and new ones as they come, until allow is called: the broker is gone.
func (c *Connections) Refuse() (allow func()) {
	c.cut(true)
	return func() { c.cut(false) }
}

func (c *Connections) cut(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}

type watched struct {
	net.Listener
	connections *Connections
}

func (w watched) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	w.connections.mu.Lock()
	defer w.connections.mu.Unlock()
	switch {
	case err != nil:
	case w.connections.away:
		_ = conn.Close()
	default:
		w.connections.open = append(w.connections.open, conn)
	}
	return conn, err
}
