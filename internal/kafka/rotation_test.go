package kafka_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// lines is a log that tests look into. It is safe for concurrent use.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// A door is a broker whose TLS can be changed while it runs, and its connections cut.
type door struct {
	kafkatest.Connections
	addr string
	conf atomic.Pointer[tls.Config]
}

func openDoor(t *testing.T, conf *tls.Config) *door {
	t.Helper()
	d := &door{}
	d.conf.Store(conf)
	get := func(*tls.ClientHelloInfo) (*tls.Config, error) { return d.conf.Load(), nil }
	d.addr = kafkatest.Embedded(t, kfake.ListenFn(d.Listen), kfake.TLS(&tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: get})).Brokers()[0]
	return d
}

// knock opens a new connection.
func knock(t *testing.T, c *kafka.Cluster) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
	defer cancel()
	return c.Ping(ctx)
}

func TestCertificatesAndCAsAreReplacedWhileClientsRun(t *testing.T) {
	t.Parallel()
	dir, first, second := t.TempDir(), kafkatest.NewAuthority(t), kafkatest.NewAuthority(t)
	caFile := first.Write(t, dir, "ca")
	certFile, keyFile := first.Issue(t, "worker").Write(t, dir, "worker")
	d := openDoor(t, first.Issue(t, "broker").Server(t, first))
	log := &lines{}
	c, err := kafka.NewCluster(kafka.Config{
		Brokers: []string{d.addr}, TLS: kafka.TLSConfig{Enabled: true, CAFile: caFile, CertFile: certFile, KeyFile: keyFile},
	}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	cl, err := c.Client("test") // lives through all of it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	again := func() error {
		d.Cut()
		ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
		defer cancel()
		_, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, cl)
		return err
	}
	if err := again(); err != nil {
		t.Fatalf("with the first certificates: %v", err)
	}

	second.Issue(t, "worker").Write(t, dir, "worker")
	d.conf.Store(first.Issue(t, "broker").Server(t, second))
	if err := again(); err != nil {
		t.Errorf("with a client certificate of the second CA: %v", err)
	}
	d.conf.Store(second.Issue(t, "broker").Server(t, second))
	if err := again(); err == nil {
		t.Error("a broker's certificate of the second CA is taken while the file has the first")
	}
	second.Write(t, dir, "ca")
	if err := again(); err != nil {
		t.Errorf("with the second CA: %v", err)
	}
	if got := log.count("certificates reloaded"); got != 2 {
		t.Errorf("%d lines of certificates reloaded, want 2", got)
	}
	if got := log.count("cannot be reloaded"); got != 0 {
		t.Errorf("%d lines of certificates that cannot be reloaded, want none", got)
	}
}

func TestABrokenFileKeepsWhatWasInUseAndIsToldOnce(t *testing.T) {
	t.Parallel()
	ca := kafkatest.NewAuthority(t)
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  string
	}{
		{"a certificate that is none", func(t *testing.T, dir string) {
			t.Helper()
			kafkatest.WriteFile(t, dir, "worker.pem", []byte("nonsense"))
		}, "kafka.tls.cert_file"},
		{"a key of another certificate", func(t *testing.T, dir string) {
			t.Helper()
			kafkatest.WriteFile(t, dir, "worker.key", ca.Issue(t, "other").Key)
		}, "private key does not match public key"},
		{"a file that is gone", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Remove(filepath.Join(dir, "worker.pem")); err != nil {
				t.Fatal(err)
			}
		}, "reading kafka.tls.cert_file"},
		{"an empty CA file", func(t *testing.T, dir string) {
			t.Helper()
			kafkatest.WriteFile(t, dir, "ca.pem", nil)
		}, "no certificate in it (want PEM)"},
		{"a CA file that is half written", func(t *testing.T, dir string) {
			t.Helper()
			kafkatest.WriteFile(t, dir, "ca.pem", append(ca.PEM, kafkatest.NewAuthority(t).PEM[:100]...))
		}, "it ends within a certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, end := t.TempDir(), time.Now().Add(30*time.Minute).Truncate(time.Second)
			caFile := ca.Write(t, dir, "ca")
			certFile, keyFile := ca.Issue(t, "worker", func(c *x509.Certificate) { c.NotAfter = end }).Write(t, dir, "worker")
			d := openDoor(t, ca.Issue(t, "broker").Server(t, ca))
			log := &lines{}
			c, err := kafka.NewCluster(kafka.Config{
				Brokers: []string{d.addr}, TLS: kafka.TLSConfig{Enabled: true, CAFile: caFile, CertFile: certFile, KeyFile: keyFile},
			}, slog.New(slog.NewTextHandler(log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			checkCertificateMetrics(t, c, end, 1)

			tt.spoil(t, dir)
			for range 3 {
				if err := knock(t, c); err != nil {
					t.Errorf("with the certificates that were in use: %v", err)
				}
			}
			checkCertificateMetrics(t, c, end, 0)
			if got := log.count("certificates cannot be reloaded, those in use stay"); got != 1 {
				t.Errorf("%d lines tell of the broken file, want 1", got)
			}
			if log.count(tt.want) != 1 {
				t.Errorf("log = %s, want %s in it", log.buf.String(), tt.want)
			}

			ca.Write(t, dir, "ca")
			ca.Issue(t, "worker", func(c *x509.Certificate) { c.NotAfter = end.Add(time.Minute) }).Write(t, dir, "worker")
			checkCertificateMetrics(t, c, end.Add(time.Minute), 1)
			if err := knock(t, c); err != nil {
				t.Errorf("with mended files: %v", err)
			}
		})
	}
}

var certificateMetrics = []string{"ttp_kafka_certificate_expiry_timestamp_seconds", "ttp_kafka_certificate_last_reload_successful"}

func checkCertificateMetrics(t *testing.T, c *kafka.Cluster, expiry time.Time, good int) {
	t.Helper()
	want := fmt.Sprintf(`# HELP ttp_kafka_certificate_expiry_timestamp_seconds When the client certificate in use expires.
# TYPE ttp_kafka_certificate_expiry_timestamp_seconds gauge
ttp_kafka_certificate_expiry_timestamp_seconds %d
# HELP ttp_kafka_certificate_last_reload_successful 1 if the certificate files are those in use, 0 if they are broken and older ones are.
# TYPE ttp_kafka_certificate_last_reload_successful gauge
ttp_kafka_certificate_last_reload_successful %d
`, expiry.Unix(), good)
	if err := testutil.CollectAndCompare(c.Metrics(), strings.NewReader(want), certificateMetrics...); err != nil {
		t.Error(err)
	}
}

func TestWithoutTLSThereIsNothingToTellOfCertificates(t *testing.T) {
	t.Parallel()
	if n := testutil.CollectAndCount(kafkatest.Start(t).Metrics(), certificateMetrics...); n != 0 {
		t.Errorf("%d series, want none", n)
	}
}

func TestFilesThatCannotBeUsedAtStartAreAllNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := func(name string) string { return filepath.Join(dir, name) }
	empty := kafkatest.WriteFile(t, dir, "empty", []byte("\n"))
	certFile, _ := kafkatest.NewAuthority(t).Issue(t, "a").Write(t, dir, "a")
	_, keyFile := kafkatest.NewAuthority(t).Issue(t, "b").Write(t, dir, "b")
	for _, tt := range []struct {
		name string
		cfg  kafka.Config
		want []string
	}{
		{"everything is missing", kafka.Config{
			TLS:  kafka.TLSConfig{Enabled: true, CAFile: missing("ca"), CertFile: missing("cert"), KeyFile: missing("key")},
			SASL: kafka.SASLConfig{Mechanism: "plain", Username: "u", PasswordFile: missing("password")},
		}, []string{
			"reading kafka.tls.ca_file: open " + missing("ca"), "reading kafka.tls.cert_file: open " + missing("cert"),
			"reading kafka.tls.key_file: open " + missing("key"), "reading kafka.sasl.password_file: open " + missing("password"),
		}},
		{
			"a key of another certificate",
			kafka.Config{TLS: kafka.TLSConfig{Enabled: true, CertFile: certFile, KeyFile: keyFile}},
			[]string{"kafka.tls.cert_file " + certFile + " with kafka.tls.key_file " + keyFile + ": tls: private key does not match public key"},
		},
		{
			"a CA file without a certificate",
			kafka.Config{TLS: kafka.TLSConfig{Enabled: true, CAFile: empty}},
			[]string{"kafka.tls.ca_file " + empty + ": no certificate in it (want PEM)"},
		},
		{
			"an empty password file",
			kafka.Config{SASL: kafka.SASLConfig{Mechanism: "scram-sha-256", Username: "u", PasswordFile: empty}},
			[]string{"reading kafka.sasl.password_file: " + empty + " is empty"},
		},
		{
			"no token",
			kafka.Config{SASL: kafka.SASLConfig{Mechanism: "oauthbearer", TokenFile: missing("token")}},
			[]string{"reading kafka.sasl.token_file: open " + missing("token")},
		},
		{
			"no client secret",
			kafka.Config{SASL: kafka.SASLConfig{Mechanism: "oauthbearer", TokenURL: "https://x", ClientID: "c", ClientSecretFile: missing("secret")}}, //nolint:gosec // no credentials
			[]string{"reading kafka.sasl.client_secret_file: open " + missing("secret")},
		},
		{
			"a CA of the token service without a certificate",
			kafka.Config{SASL: kafka.SASLConfig{Mechanism: "oauthbearer", TokenURL: "https://x", TokenCAFile: empty}}, //nolint:gosec // no credentials
			[]string{"kafka.sasl.token_ca_file " + empty + ": no certificate in it"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := kafka.NewCluster(tt.cfg, slog.New(slog.DiscardHandler))
			for _, part := range tt.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("NewCluster = %v, want %q in it", err, part)
				}
			}
		})
	}
}

func TestAPasswordFileIsReadForEveryConnection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := cluster(t, kafka.Config{
		Brokers: []string{secured(t, nil)},
		SASL: kafka.SASLConfig{
			Mechanism: "scram-sha-256", Username: "scram256", PasswordFile: kafkatest.WriteFile(t, dir, "password", []byte("wrong\n")),
		},
	})
	if err := knock(t, c); err == nil {
		t.Fatal("Ping with a wrong password = nil, want an error")
	}
	kafkatest.WriteFile(t, dir, "password", []byte("right\r\n"))
	if err := knock(t, c); err != nil {
		t.Errorf("Ping when the file has the right password = %v, want nil", err)
	}
}
