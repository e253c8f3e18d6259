package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// errTooLarge is a body over maxBody.
var errTooLarge = errors.New("the answer is too large")

// maxBody bounds an answer, in bytes: a schema as a JSON string may be twice as long, and there is more around it.
const maxBody = 4 * maxSchema

// A bounded transport gives up answers that are too large, which the library would read to their end.
type bounded struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.Transport.RoundTrip(req)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxBody}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

func newTransport(cfg TLSConfig) (http.RoundTripper, error) {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("http.DefaultTransport is not that of net/http")
	}
	t = t.Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("schema_registry.tls.ca_file: %w", err)
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("schema_registry.tls.ca_file: %s has no certificate in PEM", cfg.CAFile)
		}
	}
	if cfg.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("schema_registry.tls.cert_file and key_file: %w", err)
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{cert}
	}
	return bounded{t}, nil
}

// maxPassword bounds a password file, in bytes.
const maxPassword = 4096

func readPassword(cfg Config) (string, error) {
	if cfg.PasswordFile == "" {
		return cfg.Password.Reveal(), nil
	}
	f, err := os.Open(cfg.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("schema_registry.password_file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("schema_registry.password_file: %w", err)
	}
	password := strings.TrimRight(string(data), "\r\n")
	if password == "" || len(data) > maxPassword {
		return "", fmt.Errorf("schema_registry.password_file: %s is empty or has more than %d bytes", cfg.PasswordFile, maxPassword)
	}
	return password, nil
}
