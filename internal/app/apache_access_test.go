package app_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/kafkatest/apache"
	"ttpworker/internal/yamlx"
)

// startGuardedApache starts Apache Kafka, which keeps ACLs and passwords as brokers of production do. conf is laid over
// its settings.
func startGuardedApache(t *testing.T, ca *kafkatest.Authority, conf map[string]string) *guarded {
	t.Helper()
	kafkatest.NeedsApache(t)
	broker := ca.Issue(t, "broker")
	props := map[string]string{
		"listener.security.protocol.map": "CLIENT:SASL_SSL,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"authorizer.class.name":          "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                    "User:ANONYMOUS;User:admin", // the brokers among themselves are anonymous here

		"listener.name.client.ssl.keystore.type":              "PEM",
		"listener.name.client.ssl.keystore.certificate.chain": string(broker.Cert),
		"listener.name.client.ssl.keystore.key":               string(broker.Key),
		"listener.name.client.ssl.truststore.type":            "PEM",
		"listener.name.client.ssl.truststore.certificates":    string(ca.PEM),

		"listener.name.client.sasl.enabled.mechanisms":        "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
		"listener.name.client.plain.sasl.jaas.config":         `org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="` + passwordOf("admin") + `";`,
		"listener.name.client.scram-sha-256.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
		"listener.name.client.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
		"listener.name.client.oauthbearer.sasl.jaas.config":   `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="unused";`,
	}
	maps.Copy(props, conf)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := apache.Start(ctx, apache.Config{Fast: true, Properties: props})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &guarded{
		addrs: c.Brokers(), caFile: ca.Write(t, t.TempDir(), "ca"),
		admin: kafka.SASLConfig{Mechanism: "plain", Username: "admin", Password: yamlx.NewSecret(passwordOf("admin"))},
	}
}

func TestTheDocumentedACLsAreEnoughForEveryRoleOnApacheKafka(t *testing.T) {
	g := startGuardedApache(t, kafkatest.NewAuthority(t), nil)
	adm := kadm.NewClient(g.client(t, g.admin))
	var users []kadm.UpsertSCRAM
	for _, p := range principals {
		users = append(users, kadm.UpsertSCRAM{User: p, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: passwordOf(p)})
	}
	altered, err := adm.AlterUserSCRAMs(t.Context(), nil, users)
	if err == nil {
		err = altered.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the brokers to know the passwords", func() bool {
		conn, err := app.Reach(t.Context(), g.config(t, scramUser("ttp-reader")), slog.New(slog.DiscardHandler))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	err = app.Run(t.Context(), g.config(t, scramUser("ttp-worker")), slog.New(slog.DiscardHandler))
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || !containsText(err, "docs/security.md") {
		t.Errorf("Run without an ACL = %v, want a refusal that names the document", err)
	}
	allow(t, adm, documentedACLs(t))
	g.checkEnough(t)

	t.Run("what it says when it lets nobody in", func(t *testing.T) {
		other := kafkatest.NewAuthority(t).Write(t, t.TempDir(), "other")
		for _, tt := range []struct {
			name string
			edit func(*app.Config)
			want string
		}{
			{"a wrong password", func(c *app.Config) { c.Kafka.SASL.Password = yamlx.NewSecret("wrong") }, "(kafka.sasl.username ttp-worker or kafka.sasl.password)"},
			{"an unknown user", func(c *app.Config) { c.Kafka.SASL.Username = "nobody" }, "(kafka.sasl.username nobody or kafka.sasl.password)"},
			{"another mechanism", func(c *app.Config) { c.Kafka.SASL.Mechanism = "scram-sha-256" }, "(kafka.sasl.username ttp-worker or kafka.sasl.password)"},
			{"another CA", func(c *app.Config) { c.Kafka.TLS.CAFile = other }, "(kafka.tls.ca_file " + other + " does not have the CA of the broker's certificate)"},
			{"another name", func(c *app.Config) { c.Kafka.TLS.ServerName = "x" }, "kafka.tls.server_name must say it"},
			{"no TLS", func(c *app.Config) { c.Kafka.TLS = kafka.TLSConfig{} }, "(does that port want TLS (kafka.tls.enabled), or is kafka.sasl not right for it?)"},
			{"no SASL", func(c *app.Config) { c.Kafka.SASL = kafka.SASLConfig{} }, "(does that port want SASL (kafka.sasl.mechanism) or a client certificate (kafka.tls.cert_file)?)"},
			{"nothing", func(c *app.Config) { c.Kafka.SASL, c.Kafka.TLS = kafka.SASLConfig{}, kafka.TLSConfig{} }, "(does that port want TLS (kafka.tls.enabled) or SASL (kafka.sasl.mechanism)?)"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				cfg := g.config(t, scramUser("ttp-worker"))
				tt.edit(&cfg)
				err := app.Run(t.Context(), cfg, slog.New(slog.DiscardHandler))
				if !containsText(err, tt.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("Run = %v, want one line with %s", err, tt.want)
				}
			})
		}
	})
	t.Run("tokens", func(t *testing.T) {
		for _, tt := range []struct {
			name string
			ends time.Time
			want string // "" = let in
		}{
			{name: "one that holds", ends: time.Now().Add(time.Hour)},
			{"one that has expired", time.Now().Add(-time.Hour), "the broker refuses the token: "},
		} {
			t.Run(tt.name, func(t *testing.T) {
				file := kafkatest.WriteFile(t, t.TempDir(), "token", []byte(unsignedToken(t, "ttp-setup", tt.ends)))
				conn, err := app.Reach(t.Context(), g.config(t, kafka.SASLConfig{Mechanism: "oauthbearer", TokenFile: file}), slog.New(slog.DiscardHandler))
				if err == nil {
					_, err = app.CheckTopics(t.Context(), g.config(t, g.admin), conn.Cluster) // the principal of the token may
					conn.Close()
				}
				switch {
				case tt.want == "" && err != nil:
					t.Errorf("Reach and CheckTopics = %v, want nil", err)
				case tt.want != "" && !containsText(err, tt.want):
					t.Errorf("Reach = %v, want %s", err, tt.want)
				}
			})
		}
	})
}

// A broker ends a connection with the token that it was opened with, unless the client brings a new one in time.
func TestATokenIsReplacedWhileAClientRunsOnApacheKafka(t *testing.T) {
	g, dir := startGuardedApache(t, kafkatest.NewAuthority(t), nil), t.TempDir()
	write := func(life time.Duration) string {
		return kafkatest.WriteFile(t, dir, "token", []byte(unsignedToken(t, "admin", time.Now().Add(life))))
	}
	const life = 3 * time.Second
	cl := g.client(t, kafka.SASLConfig{Mechanism: "oauthbearer", TokenFile: write(life)})
	for began := time.Now(); time.Since(began) < 4*life; time.Sleep(life / 10) {
		write(life)
		if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, 1, nil, fmt.Sprint("after-", time.Since(began).Milliseconds())); err != nil {
			t.Fatalf("%s after the start: %v", time.Since(began), err)
		}
	}
	write(-life)
	time.Sleep(2 * life)
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, 1, nil, "too-late"); err == nil {
		t.Error("a client works on with a token that has expired")
	}
}

func TestClientCertificatesOnApacheKafka(t *testing.T) {
	ca, dir := kafkatest.NewAuthority(t), t.TempDir()
	g := startGuardedApache(t, ca, map[string]string{
		"listener.security.protocol.map":       "CLIENT:SSL,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"listener.name.client.ssl.client.auth": "required",
		"super.users":                          "User:ANONYMOUS;User:CN=ttp-setup",
	})
	certFile, keyFile := ca.Issue(t, "ttp-setup").Write(t, dir, "setup")
	otherFile, otherKey := kafkatest.NewAuthority(t).Issue(t, "ttp-setup").Write(t, dir, "other")
	oldFile, oldKey := ca.Issue(t, "ttp-setup", kafkatest.Expired).Write(t, dir, "old")
	plain := kafkatest.Start(t).Brokers()
	for _, tt := range []struct {
		name string
		edit func(*kafka.Config)
		want string // "" = let in
	}{
		{"a good one", func(c *kafka.Config) { c.TLS.CertFile, c.TLS.KeyFile = certFile, keyFile }, ""},
		{"none", func(*kafka.Config) {}, "(the broker wants a client certificate: kafka.tls.cert_file and kafka.tls.key_file)"},
		{
			"one of another CA", func(c *kafka.Config) { c.TLS.CertFile, c.TLS.KeyFile = otherFile, otherKey },
			"(the broker refuses the certificate in kafka.tls.cert_file " + otherFile + ")",
		},
		{
			"one that has expired", func(c *kafka.Config) { c.TLS.CertFile, c.TLS.KeyFile = oldFile, oldKey },
			"(the certificate in kafka.tls.cert_file " + oldFile + " has expired at ",
		},
		{
			"a port without TLS", func(c *kafka.Config) { c.Brokers = plain },
			"(that port does not seem to speak TLS: kafka.tls.enabled, or another port in kafka.brokers)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := g.config(t, kafka.SASLConfig{})
			tt.edit(&cfg.Kafka)
			conn, err := app.Reach(t.Context(), cfg, slog.New(slog.DiscardHandler))
			if err == nil {
				_, err = app.EnsureTopics(t.Context(), cfg, conn.Cluster)
				conn.Close()
			}
			if tt.want == "" && err != nil || tt.want != "" && !containsText(err, tt.want) {
				t.Errorf("Reach and EnsureTopics = %v, want %q", err, tt.want)
			}
		})
	}
}

// unsignedToken is a token as Kafka takes it where no validator is set up.
func unsignedToken(t *testing.T, principal string, ends time.Time) string {
	t.Helper()
	part := func(claims map[string]any) string {
		data, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	return fmt.Sprintf("%s.%s.", part(map[string]any{"alg": "none"}),
		part(map[string]any{"sub": principal, "iat": ends.Add(-2 * time.Hour).Unix(), "exp": ends.Unix()}))
}
