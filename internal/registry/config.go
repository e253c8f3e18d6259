package registry

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"ttpworker/internal/yamlx"
)

// Config says how to reach the registry.
type Config struct {
	URLs         yamlx.Strings `yaml:"urls"          env:"URLS"`          // of one registry, http or https; asked in turn, from the one that answered last; empty = there is none
	Timeout      time.Duration `yaml:"timeout"       env:"TIMEOUT"`       // of one request to one address
	Username     string        `yaml:"username"      env:"USERNAME"`      // of basic authentication; "" = none
	Password     yamlx.Secret  `yaml:"password"      env:"PASSWORD"`      // its password
	PasswordFile string        `yaml:"password_file" env:"PASSWORD_FILE"` // file that has the password, read at start, without the end of its line; "" = password
	TLS          TLSConfig     `yaml:"tls"           envPrefix:"TLS_"`
}

// TLSConfig is for addresses of https. Files are PEM and read at start.
type TLSConfig struct {
	CAFile   string `yaml:"ca_file"   env:"CA_FILE"`   // whom to trust; "" = whom the system trusts
	CertFile string `yaml:"cert_file" env:"CERT_FILE"` // our certificate, for a registry that wants one; "" = none
	KeyFile  string `yaml:"key_file"  env:"KEY_FILE"`  // its key
}

// DefaultConfig is no registry.
func DefaultConfig() Config { return Config{Timeout: 5 * time.Second} }

// Configured reports whether there is a registry.
func (c Config) Configured() bool { return len(c.URLs) > 0 }

// Validate reports everything that is wrong, joined. Files are looked at by NewClient.
func (c Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("schema_registry."+format, args...))
	}
	for _, text := range c.URLs {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
			fault("urls: an address is not like https://host:8081") // not shown: it may have a password in it
		case u.User != nil:
			fault("urls: %s has a name or password in it: give schema_registry.username and password_file", u.Redacted())
		case u.RawQuery != "" || u.Fragment != "":
			fault("urls: %q has something behind its path", text)
		}
	}
	if c.Timeout <= 0 {
		fault("timeout %s is not positive", c.Timeout)
	}
	if !c.Password.IsZero() && c.PasswordFile != "" {
		fault("password and password_file are both given")
	}
	if c.Username == "" && (!c.Password.IsZero() || c.PasswordFile != "") {
		fault("username is empty, but there is a password")
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		fault("tls.cert_file and tls.key_file go together: one of them is empty")
	}
	return errors.Join(errs...)
}
