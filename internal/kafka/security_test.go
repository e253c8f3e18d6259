package kafka_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/yamlx"
)

// secured is a broker with TLS and users whose password is "right", one per mechanism.
func secured(t *testing.T, conf *tls.Config) string {
	t.Helper()
	opts := []kfake.Opt{
		kfake.EnableSASL(), kfake.Superuser("PLAIN", "plain", "right"),
		kfake.Superuser("SCRAM-SHA-256", "scram256", "right"), kfake.Superuser("SCRAM-SHA-512", "scram512", "right"),
	}
	if conf != nil {
		opts = append(opts, kfake.TLS(conf))
	}
	return kafkatest.Embedded(t, opts...).Brokers()[0]
}

// ping says what the configuration is good for.
func ping(t *testing.T, cfg kafka.Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
	defer cancel()
	return cluster(t, cfg).Ping(ctx)
}

func TestEveryWayToProveOneselfOpensTheDoor(t *testing.T) {
	t.Parallel()
	dir, ca := t.TempDir(), kafkatest.NewAuthority(t)
	caFile := ca.Write(t, dir, "ca")
	addr := secured(t, ca.Issue(t, "broker").Server(t, nil))
	mutual := kafkatest.Embedded(t, kfake.TLS(ca.Issue(t, "broker").Server(t, ca))).Brokers()[0]
	named := kafkatest.Embedded(t, kfake.TLS(ca.Issue(t, "broker", func(c *x509.Certificate) { c.IPAddresses = nil }).Server(t, nil))).Brokers()[0]
	certFile, keyFile := ca.Issue(t, "worker").Write(t, dir, "worker")
	passwordFile := kafkatest.WriteFile(t, dir, "password", []byte("right\n"))
	trust := kafka.TLSConfig{Enabled: true, CAFile: caFile}
	for _, tt := range []struct {
		name string
		cfg  kafka.Config
	}{
		{"plain", kafka.Config{
			Brokers: []string{addr}, TLS: trust,
			SASL: kafka.SASLConfig{Mechanism: "plain", Username: "plain", Password: yamlx.NewSecret("right")},
		}},
		{"scram-sha-256", kafka.Config{
			Brokers: []string{addr}, TLS: trust,
			SASL: kafka.SASLConfig{Mechanism: "scram-sha-256", Username: "scram256", Password: yamlx.NewSecret("right")},
		}},
		{"scram-sha-512, its password in a file that ends in a line end", kafka.Config{
			Brokers: []string{addr}, TLS: trust,
			SASL: kafka.SASLConfig{Mechanism: "scram-sha-512", Username: "scram512", PasswordFile: passwordFile},
		}},
		{"a client certificate", kafka.Config{
			Brokers: []string{mutual}, TLS: kafka.TLSConfig{Enabled: true, CAFile: caFile, CertFile: certFile, KeyFile: keyFile},
		}},
		{"a server name", kafka.Config{
			Brokers: []string{named}, TLS: kafka.TLSConfig{Enabled: true, CAFile: caFile, ServerName: "broker"},
		}},
		{"scram without TLS", kafka.Config{
			Brokers: []string{secured(t, nil)},
			SASL:    kafka.SASLConfig{Mechanism: "scram-sha-512", Username: "scram512", Password: yamlx.NewSecret("right")},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := ping(t, tt.cfg); err != nil {
				t.Errorf("Ping = %v, want nil", err)
			}
		})
	}
}

// listen is an address where each connection is met by serve and then closed.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestWhoIsNotLetInIsToldWhichSettingToLookAt(t *testing.T) {
	t.Parallel()
	dir, ca, other := t.TempDir(), kafkatest.NewAuthority(t), kafkatest.NewAuthority(t)
	caFile, otherFile := ca.Write(t, dir, "ca"), other.Write(t, dir, "other")
	good := ca.Issue(t, "broker")
	saslTLS, open := secured(t, good.Server(t, nil)), listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4)) })
	tlsOnly := kafkatest.Embedded(t, kfake.TLS(good.Server(t, nil))).Brokers()[0]
	mutual := kafkatest.Embedded(t, kfake.TLS(good.Server(t, ca))).Brokers()[0]
	expired := kafkatest.Embedded(t, kfake.TLS(ca.Issue(t, "broker", kafkatest.Expired).Server(t, nil))).Brokers()[0]
	workerFile, workerKey := ca.Issue(t, "worker").Write(t, dir, "worker")
	strangerFile, strangerKey := other.Issue(t, "worker").Write(t, dir, "stranger")
	oldFile, oldKey := ca.Issue(t, "worker", kafkatest.Expired).Write(t, dir, "old")
	trust := kafka.TLSConfig{Enabled: true, CAFile: caFile}
	with := func(edit func(*kafka.TLSConfig)) kafka.TLSConfig {
		c := trust
		edit(&c)
		return c
	}
	user := func(mechanism, name, password string) kafka.SASLConfig {
		return kafka.SASLConfig{Mechanism: mechanism, Username: name, Password: yamlx.NewSecret(password)}
	}
	for _, tt := range []struct {
		name string
		addr string
		tls  kafka.TLSConfig
		sasl kafka.SASLConfig
		want string
	}{
		{
			name: "TLS where there is none", addr: open, tls: trust,
			want: "(that port does not seem to speak TLS: kafka.tls.enabled, or another port in kafka.brokers)",
		},
		{name: "no TLS where there is some", addr: tlsOnly, want: "(does that port want TLS (kafka.tls.enabled) or SASL (kafka.sasl.mechanism)?)"},
		{
			name: "no TLS and SASL where both are", addr: saslTLS, sasl: user("plain", "plain", "right"),
			want: "(does that port want TLS (kafka.tls.enabled), or is kafka.sasl not right for it?)",
		},
		{
			name: "a CA that nobody trusts", addr: tlsOnly, tls: kafka.TLSConfig{Enabled: true},
			want: `(kafka.tls.ca_file "", the system's CAs, does not have the CA of the broker's certificate)`,
		},
		{
			name: "another CA", addr: tlsOnly, tls: with(func(c *kafka.TLSConfig) { c.CAFile = otherFile }),
			want: "(kafka.tls.ca_file " + otherFile + " does not have the CA of the broker's certificate)",
		},
		{name: "a broker's certificate that has expired", addr: expired, tls: trust, want: "(the broker's certificate or its CA's is out of date, or this machine's clock is wrong)"},
		{
			name: "another name", addr: tlsOnly, tls: with(func(c *kafka.TLSConfig) { c.ServerName = "elsewhere" }),
			want: "kafka.brokers must use that one, or kafka.tls.server_name must say it)",
		},
		{
			name: "no client certificate", addr: mutual, tls: trust,
			want: "(the broker wants a client certificate: kafka.tls.cert_file and kafka.tls.key_file)",
		},
		{
			name: "a client certificate of another CA", addr: mutual,
			tls:  with(func(c *kafka.TLSConfig) { c.CertFile, c.KeyFile = strangerFile, strangerKey }),
			want: "(the broker refuses the certificate in kafka.tls.cert_file " + strangerFile + ")",
		},
		{
			name: "a client certificate that has expired", addr: mutual,
			tls:  with(func(c *kafka.TLSConfig) { c.CertFile, c.KeyFile = oldFile, oldKey }),
			want: "(the certificate in kafka.tls.cert_file " + oldFile + " has expired at ",
		},
		{
			name: "a good client certificate, and SASL is missing", addr: saslTLS,
			tls:  with(func(c *kafka.TLSConfig) { c.CertFile, c.KeyFile = workerFile, workerKey }),
			want: "(does that port want SASL (kafka.sasl.mechanism) or a client certificate (kafka.tls.cert_file)?)",
		},
		{
			name: "SASL where there is none", addr: tlsOnly, tls: trust, sasl: user("plain", "plain", "right"),
			want: "is kafka.sasl right for that port?",
		},
		{name: "a wrong password", addr: saslTLS, tls: trust, sasl: user("plain", "plain", "wrong"), want: "(is kafka.sasl right for that port?)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			err := ping(t, kafka.Config{Brokers: []string{tt.addr}, TLS: tt.tls, SASL: tt.sasl})
			if err == nil || !strings.HasPrefix(err.Error(), "connecting to Kafka at "+tt.addr+" (kafka.brokers): ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Ping = %v\nwant %s in it", err, tt.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("Ping = %v, want one line", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("Ping took %s, want an answer at once", took)
			}
		})
	}
}

// kfake hangs up on a wrong password; brokers say what they have against it.
func TestARefusalNamesTheCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	passwordFile := kafkatest.WriteFile(t, dir, "password", []byte("wrong"))
	for _, tt := range []struct {
		name string
		sasl kafka.SASLConfig
		want string
	}{
		{"a password", kafka.SASLConfig{Mechanism: "plain", Username: "u", Password: yamlx.NewSecret("wrong")}, "(kafka.sasl.username u or kafka.sasl.password)"},
		{
			"a password file",
			kafka.SASLConfig{Mechanism: "scram-sha-512", Username: "u", PasswordFile: passwordFile},
			"(kafka.sasl.username u or the password in kafka.sasl.password_file " + passwordFile + ")",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := kafkatest.Embedded(t, kfake.EnableSASL())
			refuseCredentials(c)
			err := ping(t, kafka.Config{Brokers: c.Brokers(), SASL: tt.sasl})
			if !errors.Is(err, kerr.SaslAuthenticationFailed) || !strings.Contains(err.Error(), "invalid credentials") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Ping = %v, want what the broker said and %s", err, tt.want)
			}
		})
	}
	c := kafkatest.Embedded(t, kfake.EnableSASL())
	err := ping(t, kafka.Config{Brokers: c.Brokers(), SASL: kafka.SASLConfig{
		Mechanism: "oauthbearer", TokenFile: kafkatest.WriteFile(t, dir, "token", []byte("x")),
	}})
	if want := "(that listener does not offer kafka.sasl.mechanism oauthbearer)"; !errors.Is(err, kerr.UnsupportedSaslMechanism) || !strings.Contains(err.Error(), want) {
		t.Errorf("Ping = %v, want %s", err, want)
	}
}

// refuseCredentials has the broker answer as Kafka does when a password is wrong, from now on.
func refuseCredentials(c *kafkatest.Cluster) {
	c.Broker.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.Broker.KeepControl()
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		resp.ErrorMessage = new("Authentication failed: invalid credentials")
		return resp, nil, true
	})
}

// Kafka hangs up at once on what it takes for a request of 369 MB; others wait for the rest.
func TestAPortThatWaitsForMoreThanAHandshakeIsSaidNotToSpeakTLS(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for the end of two handshakes")
	}
	ca := kafkatest.NewAuthority(t)
	err := ping(t, kafka.Config{
		Brokers: kafkatest.Embedded(t).Brokers(), TLS: kafka.TLSConfig{Enabled: true, CAFile: ca.Write(t, t.TempDir(), "ca")},
	})
	if err == nil || !strings.Contains(err.Error(), "(that port does not seem to speak TLS: ") {
		t.Errorf("Ping = %v, want it to say that the port does not speak TLS", err)
	}
}
