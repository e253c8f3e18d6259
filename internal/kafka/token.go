package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	// tokenTimeout bounds the request for a token.
	tokenTimeout = 10 * time.Second
	// tokenUse is the share of a token's life that it is used in. Brokers end a connection when its token does, and
	// the client authenticates anew at 95 to 98 percent of that time: then the token must be another one.
	tokenUse = 0.8
)

// newTokenSource makes the source that cfg names. It fails if a file cannot be read now; token_url is not asked.
func newTokenSource(cfg SASLConfig) (tokenSource, error) {
	if cfg.TokenFile != "" {
		f := tokenFile{secretSource{file: cfg.TokenFile, key: "kafka.sasl.token_file"}}
		_, err := f.read()
		return f, err
	}
	c := &clientTokens{
		caFile: cfg.TokenCAFile,
		secret: secretSource{cfg.ClientSecret, cfg.ClientSecretFile, "kafka.sasl.client_secret_file"},
		conf:   clientcredentials.Config{ClientID: cfg.ClientID, TokenURL: cfg.TokenURL, Scopes: cfg.Scopes},
	}
	_, err := c.client()
	if err == nil {
		_, err = c.secret.read()
	}
	return c, err
}

// A tokenFile is a file in which somebody else keeps a valid token.
type tokenFile struct{ secretSource }

func (f tokenFile) token(context.Context) (string, error) { return f.read() }

func (tokenFile) forget() {}

// clientTokens are the tokens that client credentials get. One is used for most of its life, by all connections.
type clientTokens struct {
	secret secretSource
	caFile string

	mu    sync.Mutex
	conf  clientcredentials.Config // with the secret as last read
	held  string
	until time.Time // of its use; the zero time = for ever
}

func (c *clientTokens) token(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.held != "" && (c.until.IsZero() || now.Before(c.until)) {
		return c.held, nil
	}
	var err error
	if c.conf.ClientSecret, err = c.secret.read(); err != nil {
		return "", err
	}
	client, err := c.client()
	if err != nil {
		return "", err
	}
	got, err := c.conf.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return "", fmt.Errorf("getting a token at kafka.sasl.token_url %s: %w", c.conf.TokenURL, err)
	}
	c.held, c.until = got.AccessToken, time.Time{}
	if !got.Expiry.IsZero() {
		c.until = now.Add(time.Duration(float64(got.Expiry.Sub(now)) * tokenUse))
	}
	return c.held, nil
}

func (c *clientTokens) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = ""
}

// client is for one request. It follows no redirection, which could lead the secret astray.
func (c *clientTokens) client() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // a token lasts for minutes
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.caFile != "" {
		text, err := readSmall(c.caFile)
		if err != nil {
			return nil, fmt.Errorf("reading kafka.sasl.token_ca_file: %w", err)
		}
		if transport.TLSClientConfig.RootCAs, err = pool(text); err != nil {
			return nil, fmt.Errorf("kafka.sasl.token_ca_file %s: %w", c.caFile, err)
		}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, Timeout: tokenTimeout, CheckRedirect: stay}, nil
}
