package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// What bounds the opening of a connection, and the handshake that follows.
const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 5 * time.Second
)

// A handshakeError is a TLS handshake that did not come to its end.
type handshakeError struct {
	addr string
	err  error
}

func (e *handshakeError) Error() string {
	return fmt.Sprintf("TLS handshake with %s: %v", e.addr, e.err)
}
func (e *handshakeError) Unwrap() error { return e.err }

// dial opens a TLS connection with the certificates as they are now.
func (c *certificates) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	plain, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn := tls.Client(plain, c.config(host))
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close() // what it says is less than what the handshake said
		return nil, &handshakeError{addr, err}
	}
	return conn, nil
}
