package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Explain adds to the error of a client which setting to look at, where that can be told.
func (c *Cluster) Explain(err error) error {
	if err == nil {
		return nil
	}
	return advised(err, cmp.Or(c.adviceOnBroker(err), c.adviceOnUs(err), c.adviceOnAccess(err)))
}

// explainFirst is Explain for the first contact with a broker, when the port may be the wrong one, too.
func (c *Cluster) explainFirst(err error) error {
	return advised(err, cmp.Or(c.adviceOnBroker(err), c.adviceOnUs(err), c.adviceOnAccess(err), c.adviceOnListener(err)))
}

func advised(err error, advice string) error {
	if advice == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, advice)
}

// adviceOnBroker is about certificates of brokers that we do not take.
func (c *Cluster) adviceOnBroker(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("kafka.tls.ca_file %s does not have the CA of the broker's certificate", cmp.Or(c.tls.CAFile, `"", the system's CAs,`))
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the broker's certificate is for another name: the brokers' advertised.listeners and kafka.brokers must use that one, " +
			"or kafka.tls.server_name must say it"
	}
	if bad, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if bad.Reason == x509.Expired {
			return "the broker's certificate or its CA's is out of date, or this machine's clock is wrong"
		}
		return "the broker's certificate cannot be used"
	}
	return ""
}

// adviceOnUs is about certificates and credentials of ours that brokers do not take.
func (c *Cluster) adviceOnUs(err error) string {
	if _, refused := errors.AsType[*tokenRefusedError](err); refused || errors.Is(err, kerr.SaslAuthenticationFailed) {
		return c.sasl.advice()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // a TLS alert
		return c.adviceOnClientCertificate()
	}
	return ""
}

func (c *Cluster) adviceOnClientCertificate() string {
	if c.certificates == nil || c.tls.CertFile == "" {
		return "the broker wants a client certificate: kafka.tls.cert_file and kafka.tls.key_file"
	}
	if expiry, _ := c.certificates.standing(); time.Now().After(expiry) {
		return fmt.Sprintf("the certificate in kafka.tls.cert_file %s has expired at %s", c.tls.CertFile, expiry.UTC().Format(time.RFC3339))
	}
	return "the broker refuses the certificate in kafka.tls.cert_file " + c.tls.CertFile
}

// advice is about credentials that are refused.
func (c SASLConfig) advice() string {
	switch {
	case c.Mechanism == saslAWS:
		return "the broker refuses the AWS credentials, or their IAM policy lacks kafka-cluster:Connect"
	case c.TokenFile != "":
		return "the token in kafka.sasl.token_file " + c.TokenFile
	case c.Mechanism == saslOAuthBearer:
		return "the token for kafka.sasl.client_id " + c.ClientID + " from kafka.sasl.token_url"
	case c.PasswordFile != "":
		return "kafka.sasl.username " + c.Username + " or the password in kafka.sasl.password_file " + c.PasswordFile
	}
	return "kafka.sasl.username " + c.Username + " or kafka.sasl.password"
}

// adviceOnAccess is about what the principal may not do.
func (c *Cluster) adviceOnAccess(err error) string {
	for _, a := range []struct {
		is     error
		advice string
	}{
		{kerr.TopicAuthorizationFailed, "the principal lacks an ACL on that topic"},
		{kerr.GroupAuthorizationFailed, "the principal lacks an ACL on that group"},
		{kerr.TransactionalIDAuthorizationFailed, "the principal lacks an ACL on the transactional ids that begin with kafka.group"},
		{kerr.ClusterAuthorizationFailed, "the principal lacks an ACL on the cluster, or one on the topics in its place"},
	} {
		if errors.Is(err, a.is) {
			return a.advice + ": see docs/security.md"
		}
	}
	return ""
}

// adviceOnListener is about ports that speak something else than what the configuration says.
func (c *Cluster) adviceOnListener(err error) string {
	if errors.Is(err, kerr.UnsupportedSaslMechanism) {
		return "that listener does not offer kafka.sasl.mechanism " + c.sasl.Mechanism
	}
	if errors.Is(err, kerr.IllegalSaslState) {
		return "that listener takes no SASL: leave kafka.sasl.mechanism out, or name another port in kafka.brokers"
	}
	if _, handshake := errors.AsType[*handshakeError](err); handshake {
		hungUp := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
		_, nonsense := errors.AsType[tls.RecordHeaderError](err)
		if nonsense || hungUp || errors.Is(err, context.DeadlineExceeded) {
			return "that port does not seem to speak TLS: kafka.tls.enabled, or another port in kafka.brokers"
		}
		return ""
	}
	_, ours := errors.AsType[*credentialError](err)
	switch {
	case ours || unreachable(err):
		return ""
	case !c.tls.Enabled && c.sasl.Mechanism == "":
		return "does that port want TLS (kafka.tls.enabled) or SASL (kafka.sasl.mechanism)?"
	case !c.tls.Enabled:
		return "does that port want TLS (kafka.tls.enabled), or is kafka.sasl not right for it?"
	case c.sasl.Mechanism == "":
		return "does that port want SASL (kafka.sasl.mechanism) or a client certificate (kafka.tls.cert_file)?"
	}
	return "is kafka.sasl right for that port?"
}

// unreachable reports whether nobody was spoken to.
func unreachable(err error) bool {
	if _, handshake := errors.AsType[*handshakeError](err); handshake {
		return false
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
