package kafka

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"ttpworker/internal/yamlx"
)

// The SASL mechanisms.
const (
	saslPlain       = "plain"
	saslScram256    = "scram-sha-256"
	saslScram512    = "scram-sha-512"
	saslOAuthBearer = "oauthbearer"
	saslAWS         = "aws-msk-iam"
)

// SASLConfig says how the worker proves to the brokers who it is. A secret is given in place or, better, by a file,
// which is read whenever it is needed, so that a new one needs no restart.
type SASLConfig struct {
	Mechanism        string        `yaml:"mechanism"          env:"MECHANISM"`          // plain, scram-sha-256, scram-sha-512, oauthbearer, aws-msk-iam; "" = no SASL (sasl.mechanism)
	Username         string        `yaml:"username"           env:"USERNAME"`           // plain and scram
	Password         yamlx.Secret  `yaml:"password"           env:"PASSWORD"`           // plain and scram
	PasswordFile     string        `yaml:"password_file"      env:"PASSWORD_FILE"`      // in place of password
	TokenFile        string        `yaml:"token_file"         env:"TOKEN_FILE"`         // oauthbearer: somebody keeps a token in this file
	TokenURL         string        `yaml:"token_url"          env:"TOKEN_URL"`          // oauthbearer: a token for client credentials comes from here
	TokenCAFile      string        `yaml:"token_ca_file"      env:"TOKEN_CA_FILE"`      // PEM: whose certificates token_url may have; "" = those the system trusts
	ClientID         string        `yaml:"client_id"          env:"CLIENT_ID"`          // for token_url
	ClientSecret     yamlx.Secret  `yaml:"client_secret"      env:"CLIENT_SECRET"`      // for token_url
	ClientSecretFile string        `yaml:"client_secret_file" env:"CLIENT_SECRET_FILE"` // in place of client_secret
	Scopes           yamlx.Strings `yaml:"scopes"             env:"SCOPES"`             // for token_url
	AWSProfile       string        `yaml:"aws_profile"        env:"AWS_PROFILE"`        // aws-msk-iam: of the shared AWS configuration; "" = the usual chain
}

// A saslKey is a key of kafka.sasl beside mechanism.
type saslKey struct {
	name   string
	given  bool
	users  []string // mechanisms
	client bool     // is about client credentials, which token_url is for
}

// keys are all of them, in the order of the documentation.
func (c SASLConfig) keys() []saslKey {
	password, token := []string{saslPlain, saslScram256, saslScram512}, []string{saslOAuthBearer}
	return []saslKey{
		{"username", c.Username != "", password, false},
		{"password", !c.Password.IsZero(), password, false},
		{"password_file", c.PasswordFile != "", password, false},
		{"token_file", c.TokenFile != "", token, false},
		{"token_url", c.TokenURL != "", token, false},
		{"token_ca_file", c.TokenCAFile != "", token, true},
		{"client_id", c.ClientID != "", token, true},
		{"client_secret", !c.ClientSecret.IsZero(), token, true},
		{"client_secret_file", c.ClientSecretFile != "", token, true},
		{"scopes", len(c.Scopes) > 0, token, true},
		{"aws_profile", c.AWSProfile != "", []string{saslAWS}, false},
	}
}

// validate reports everything that is wrong. It does not look at the files: see NewCluster.
func (c SASLConfig) validate(tls bool) []error {
	if mechanisms := []string{saslPlain, saslScram256, saslScram512, saslOAuthBearer, saslAWS}; c.Mechanism != "" &&
		!slices.Contains(mechanisms, c.Mechanism) {
		return []error{fmt.Errorf("kafka.sasl.mechanism: unknown %q; known: %s", c.Mechanism, strings.Join(mechanisms, ", "))}
	}
	var errs []error
	for _, k := range c.keys() {
		switch {
		case !k.given:
		case c.Mechanism == "":
			errs = append(errs, fmt.Errorf("kafka.sasl.%s is given, but kafka.sasl.mechanism is not", k.name))
		case !slices.Contains(k.users, c.Mechanism):
			errs = append(errs, fmt.Errorf("kafka.sasl.%s means nothing with kafka.sasl.mechanism %s", k.name, c.Mechanism))
		case k.client && c.TokenURL == "":
			errs = append(errs, fmt.Errorf("kafka.sasl.%s means nothing without kafka.sasl.token_url", k.name))
		}
	}
	switch who := "kafka.sasl.mechanism " + c.Mechanism; c.Mechanism {
	case saslPlain, saslScram256, saslScram512:
		if c.Username == "" {
			errs = append(errs, errors.New(who+" needs kafka.sasl.username"))
		}
		errs = append(errs, oneOf(who, "password", !c.Password.IsZero(), "password_file", c.PasswordFile != ""))
	case saslOAuthBearer:
		errs = append(errs, oneOf(who, "token_file", c.TokenFile != "", "token_url", c.TokenURL != ""), c.validateClient())
	case saslAWS:
		if !tls {
			errs = append(errs, errors.New(who+" needs kafka.tls.enabled: its listeners speak TLS only"))
		}
	}
	return errs
}

// validateClient reports what is wrong with the client credentials for token_url, if that is given.
func (c SASLConfig) validateClient() error {
	if c.TokenURL == "" {
		return nil
	}
	errs := []error{checkTokenURL(c.TokenURL)}
	if c.ClientID == "" {
		errs = append(errs, errors.New("kafka.sasl.token_url needs kafka.sasl.client_id"))
	}
	return errors.Join(append(errs,
		oneOf("kafka.sasl.token_url", "client_secret", !c.ClientSecret.IsZero(), "client_secret_file", c.ClientSecretFile != ""))...)
}

// checkTokenURL wants TLS, as the client secret goes there; a proxy on the same machine may do without. The text is not
// shown if it has a password in it.
func checkTokenURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return errors.New("kafka.sasl.token_url is no URL such as https://id.example.org/token")
	case u.User != nil:
		return errors.New("kafka.sasl.token_url has a user in it: give kafka.sasl.client_id and kafka.sasl.client_secret_file")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("kafka.sasl.token_url %s: want https, as the client secret is sent there (http goes for loopback only)", text)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// oneOf wants exactly one of two keys of kafka.sasl.
func oneOf(who, a string, hasA bool, b string, hasB bool) error {
	switch {
	case hasA && hasB:
		return fmt.Errorf("kafka.sasl.%s and kafka.sasl.%s are two ways to say one thing: give one", a, b)
	case !hasA && !hasB:
		return fmt.Errorf("%s needs kafka.sasl.%s or kafka.sasl.%s", who, a, b)
	}
	return nil
}
