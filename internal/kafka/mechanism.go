package kafka

import (
	"context"
	"fmt"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/twmb/franz-go/pkg/sasl"
	saslaws "github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// A credentialError is one on our own side of authentication: no password, token or key could be had. The client takes
// it for temporary and tries again by itself, as files are replaced and token services have outages.
type credentialError struct{ err error }

func (e *credentialError) Error() string { return e.err.Error() }
func (e *credentialError) Unwrap() error { return e.err }

// Temporary makes kgo try again.
func (e *credentialError) Temporary() bool { return true }

// A tokenRefusedError is a broker that does not take an OAUTHBEARER token.
type tokenRefusedError struct{ said string }

func (e *tokenRefusedError) Error() string {
	return fmt.Sprintf("the broker refuses the token: %q", e.said)
}

// newMechanism makes the mechanism that cfg names. Every connection and every new authentication of an old one asks
// for the credentials again. It fails if they cannot be had now.
func newMechanism(cfg SASLConfig) (sasl.Mechanism, error) {
	switch cfg.Mechanism {
	case saslOAuthBearer:
		return newBearer(cfg)
	case saslAWS:
		return newAWS(cfg)
	}
	password := cfg.password()
	if _, err := password.read(); err != nil {
		return nil, err
	}
	if cfg.Mechanism == saslPlain {
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			pass, err := password.read()
			return plain.Auth{User: cfg.Username, Pass: pass}, temporary(err)
		}), nil
	}
	auth := func(context.Context) (scram.Auth, error) {
		pass, err := password.read()
		return scram.Auth{User: cfg.Username, Pass: pass}, temporary(err)
	}
	if cfg.Mechanism == saslScram256 {
		return scram.Sha256(auth), nil
	}
	return scram.Sha512(auth), nil
}

func (c SASLConfig) password() secretSource {
	return secretSource{c.Password, c.PasswordFile, "kafka.sasl.password_file"}
}

func temporary(err error) error {
	if err == nil {
		return nil
	}
	return &credentialError{err}
}

// newAWS takes the credentials that AWS's own tools would take: environment, shared files, web identity, container,
// instance.
func newAWS(cfg SASLConfig) (sasl.Mechanism, error) {
	loaded, err := awsconfig.LoadDefaultConfig(context.Background(), awsconfig.WithSharedConfigProfile(cfg.AWSProfile))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration (kafka.sasl.aws_profile %q): %w", cfg.AWSProfile, err)
	}
	return saslaws.ManagedStreamingIAM(func(ctx context.Context) (saslaws.Auth, error) {
		keys, err := loaded.Credentials.Retrieve(ctx)
		if err != nil {
			return saslaws.Auth{}, temporary(fmt.Errorf("getting AWS credentials: %w", err))
		}
		return saslaws.Auth{AccessKey: keys.AccessKeyID, SecretKey: keys.SecretAccessKey, SessionToken: keys.SessionToken}, nil
	}), nil
}

// A bearer is OAUTHBEARER with a source of tokens. Its sessions say what the broker has against a token, which kgo's
// own do not, and have the source get another one.
type bearer struct {
	sasl.Mechanism
	tokens tokenSource
}

// A tokenSource gives tokens. It is safe for concurrent use.
type tokenSource interface {
	token(ctx context.Context) (string, error)
	// forget has the next token be a new one.
	forget()
}

func newBearer(cfg SASLConfig) (sasl.Mechanism, error) {
	tokens, err := newTokenSource(cfg)
	if err != nil {
		return nil, err
	}
	return &bearer{tokens: tokens, Mechanism: oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := tokens.token(ctx)
		return oauth.Auth{Token: token}, temporary(err)
	})}, nil
}

// Authenticate implements sasl.Mechanism.
func (b *bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	_, first, err := b.Mechanism.Authenticate(ctx, host)
	return &bearerSession{tokens: b.tokens}, first, err
}

type bearerSession struct{ tokens tokenSource }

// Challenge implements sasl.Session. An answer with a text in it is a refusal (RFC 7628, section 3.2.3).
func (s *bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) == 0 {
		return true, nil, nil
	}
	s.tokens.forget()
	return false, nil, &tokenRefusedError{string(answer)}
}
