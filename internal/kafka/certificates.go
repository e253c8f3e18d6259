package kafka

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// certificates are what the files of a TLSConfig hold. The files are looked at before each handshake, by content: so a
// new certificate or CA is in use from the next connection on, however it was put there. Files that cannot be used
// change nothing but a metric and one log line. Safe for concurrent use.
type certificates struct {
	cfg TLSConfig
	log *slog.Logger

	mu      sync.Mutex
	files   certFiles        // what roots and pair were made of
	roots   *x509.CertPool   // nil = those of the system
	pair    *tls.Certificate // nil = none
	trouble string           // what is wrong with the files now; "" = nothing
}

// certFiles is what the files hold; nil where there is none.
type certFiles struct{ ca, cert, key []byte }

func (f certFiles) equal(g certFiles) bool {
	return bytes.Equal(f.ca, g.ca) && bytes.Equal(f.cert, g.cert) && bytes.Equal(f.key, g.key)
}

// newCertificates reads the files for the first time. The error joins what is wrong with them.
func newCertificates(cfg TLSConfig, log *slog.Logger) (*certificates, error) {
	c := &certificates{cfg: cfg, log: log}
	files, err := c.read()
	if err == nil {
		err = c.use(files)
	}
	if err != nil {
		return nil, err
	}
	if c.pair != nil && time.Now().After(c.pair.Leaf.NotAfter) {
		log.Warn("the client certificate has expired", "file", cfg.CertFile, "not_after", c.pair.Leaf.NotAfter.UTC())
	}
	return c, nil
}

// config is for a handshake with host, made of the files as they are now.
func (c *certificates) config(host string) *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	conf := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.roots, ServerName: host}
	if c.cfg.ServerName != "" {
		conf.ServerName = c.cfg.ServerName
	}
	if pair := c.pair; pair != nil {
		// Given whatever CAs the broker says it trusts: that it refuses this one is clearer than that it got none.
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	}
	return conf
}

// standing tells when the client certificate in force expires, the zero time without one, and whether the files are
// as they must be.
func (c *certificates) standing() (expiry time.Time, good bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	if c.pair != nil {
		expiry = c.pair.Leaf.NotAfter
	}
	return expiry, c.trouble == ""
}

// look takes the files in if they are others. Certificate and key are two files: read while somebody replaces them,
// they may be one of each kind, so what does not fit is read again before anything is said. The lock is held.
func (c *certificates) look() {
	var err error
	for range 2 {
		var files certFiles
		if files, err = c.read(); err != nil {
			continue
		}
		if files.equal(c.files) {
			break
		}
		if err = c.use(files); err == nil {
			c.log.Info("certificates reloaded", "ca_file", c.cfg.CAFile, "cert_file", c.cfg.CertFile)
			break
		}
	}
	switch {
	case err == nil:
		c.trouble = ""
	case err.Error() != c.trouble:
		c.trouble = err.Error()
		c.log.Warn("certificates cannot be reloaded, those in use stay", "err", err)
	}
}

// read reads the files that are named.
func (c *certificates) read() (f certFiles, err error) {
	var errs []error
	for _, file := range []struct {
		key, name string
		data      *[]byte
	}{
		{"ca_file", c.cfg.CAFile, &f.ca},
		{"cert_file", c.cfg.CertFile, &f.cert},
		{"key_file", c.cfg.KeyFile, &f.key},
	} {
		if file.name == "" {
			continue
		}
		if *file.data, err = readSmall(file.name); err != nil {
			errs = append(errs, fmt.Errorf("reading kafka.tls.%s: %w", file.key, err))
		}
	}
	return f, errors.Join(errs...)
}

// use puts files into force if all of them can be used.
func (c *certificates) use(f certFiles) error {
	var roots *x509.CertPool
	if f.ca != nil {
		var err error
		if roots, err = pool(f.ca); err != nil {
			return fmt.Errorf("kafka.tls.ca_file %s: %w", c.cfg.CAFile, err)
		}
	}
	var pair *tls.Certificate
	if f.cert != nil {
		p, err := tls.X509KeyPair(f.cert, f.key)
		if err != nil {
			return fmt.Errorf("kafka.tls.cert_file %s with kafka.tls.key_file %s: %w", c.cfg.CertFile, c.cfg.KeyFile, err)
		}
		pair = &p
	}
	c.files, c.roots, c.pair = f, roots, pair
	return nil
}

// pool is the certificates in a PEM text. One that ends within a certificate is refused: it is still being written.
func pool(text []byte) (*x509.CertPool, error) {
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in it (want PEM)")
	}
	rest := text
	for block := new(pem.Block); block != nil; {
		block, rest = pem.Decode(rest)
	}
	if bytes.Contains(rest, []byte("-----BEGIN")) {
		return nil, errors.New("it ends within a certificate")
	}
	return p, nil
}
