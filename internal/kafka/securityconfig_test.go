package kafka_test

import (
	"strings"
	"testing"

	"ttpworker/internal/kafka"
	"ttpworker/internal/yamlx"
)

func TestSecurityValidateNamesTheKeysThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	secret := yamlx.NewSecret("hunter2")
	client := func(edit func(*kafka.SASLConfig)) kafka.SASLConfig {
		c := kafka.SASLConfig{Mechanism: "oauthbearer", TokenURL: "https://id.example.org/token", ClientID: "worker", ClientSecret: secret} //nolint:gosec // no credentials
		edit(&c)
		return c
	}
	for _, tt := range []struct {
		name string
		tls  kafka.TLSConfig
		sasl kafka.SASLConfig
		want string // "" = valid
	}{
		{name: "neither"},
		{name: "TLS", tls: kafka.TLSConfig{Enabled: true}},
		{name: "mutual TLS", tls: kafka.TLSConfig{Enabled: true, CAFile: "a", CertFile: "b", KeyFile: "c", ServerName: "d"}},
		{
			name: "files without TLS", tls: kafka.TLSConfig{CAFile: "a", KeyFile: "b"},
			want: "kafka.tls.ca_file is given, but kafka.tls.enabled is false\nkafka.tls.key_file is given, but kafka.tls.enabled is false",
		},
		{
			name: "a certificate alone", tls: kafka.TLSConfig{Enabled: true, CertFile: "a"},
			want: "kafka.tls.cert_file is given without kafka.tls.key_file: a certificate and its key go together",
		},
		{
			name: "a key alone", tls: kafka.TLSConfig{Enabled: true, KeyFile: "a"},
			want: "kafka.tls.key_file is given without kafka.tls.cert_file: a certificate and its key go together",
		},
		{
			name: "a mechanism that nobody knows", sasl: kafka.SASLConfig{Mechanism: "SCRAM"},
			want: `kafka.sasl.mechanism: unknown "SCRAM"; known: plain, scram-sha-256, scram-sha-512, oauthbearer, aws-msk-iam`,
		},
		{
			name: "no mechanism", sasl: kafka.SASLConfig{Username: "u", Password: secret},
			want: "kafka.sasl.username is given, but kafka.sasl.mechanism is not\nkafka.sasl.password is given, but kafka.sasl.mechanism is not",
		},
		{name: "plain", sasl: kafka.SASLConfig{Mechanism: "plain", Username: "u", Password: secret}},
		{name: "scram with a file", sasl: kafka.SASLConfig{Mechanism: "scram-sha-512", Username: "u", PasswordFile: "f"}},
		{
			name: "scram without anything", sasl: kafka.SASLConfig{Mechanism: "scram-sha-256"},
			want: "kafka.sasl.mechanism scram-sha-256 needs kafka.sasl.username\n" +
				"kafka.sasl.mechanism scram-sha-256 needs kafka.sasl.password or kafka.sasl.password_file",
		},
		{
			name: "two passwords", sasl: kafka.SASLConfig{Mechanism: "plain", Username: "u", Password: secret, PasswordFile: "f"},
			want: "kafka.sasl.password and kafka.sasl.password_file are two ways to say one thing: give one",
		},
		{
			name: "a token for plain", sasl: kafka.SASLConfig{Mechanism: "plain", Username: "u", Password: secret, TokenFile: "f"},
			want: "kafka.sasl.token_file means nothing with kafka.sasl.mechanism plain",
		},
		{name: "a token file", sasl: kafka.SASLConfig{Mechanism: "oauthbearer", TokenFile: "f"}},
		{name: "client credentials", sasl: client(func(c *kafka.SASLConfig) { c.Scopes, c.TokenCAFile = yamlx.Strings{"s"}, "ca" })},
		{
			name: "no token", sasl: kafka.SASLConfig{Mechanism: "oauthbearer"},
			want: "kafka.sasl.mechanism oauthbearer needs kafka.sasl.token_file or kafka.sasl.token_url",
		},
		{
			name: "two tokens", sasl: client(func(c *kafka.SASLConfig) { c.TokenFile = "f" }),
			want: "kafka.sasl.token_file and kafka.sasl.token_url are two ways to say one thing: give one",
		},
		{
			name: "client credentials for nobody", sasl: kafka.SASLConfig{Mechanism: "oauthbearer", TokenFile: "f", ClientID: "c", Scopes: yamlx.Strings{"s"}},
			want: "kafka.sasl.client_id means nothing without kafka.sasl.token_url\nkafka.sasl.scopes means nothing without kafka.sasl.token_url",
		},
		{
			name: "no client", sasl: client(func(c *kafka.SASLConfig) { c.ClientID, c.ClientSecret = "", yamlx.Secret{} }),
			want: "kafka.sasl.token_url needs kafka.sasl.client_id\nkafka.sasl.token_url needs kafka.sasl.client_secret or kafka.sasl.client_secret_file",
		},
		{
			name: "a service without TLS", sasl: client(func(c *kafka.SASLConfig) { c.TokenURL = "http://id.example.org/token" }),
			want: "kafka.sasl.token_url http://id.example.org/token: want https, as the client secret is sent there (http goes for loopback only)",
		},
		{name: "a service on this machine", sasl: client(func(c *kafka.SASLConfig) { c.TokenURL = "http://127.0.0.1:8080/token" })},
		{
			name: "a secret in the address of the service", sasl: client(func(c *kafka.SASLConfig) { c.TokenURL = "https://worker:hunter2@id" }),
			want: "kafka.sasl.token_url has a user in it: give kafka.sasl.client_id and kafka.sasl.client_secret_file",
		},
		{
			name: "a service that is no URL", sasl: client(func(c *kafka.SASLConfig) { c.TokenURL = "id.example.org" }),
			want: "kafka.sasl.token_url is no URL such as https://id.example.org/token",
		},
		{name: "AWS", tls: kafka.TLSConfig{Enabled: true}, sasl: kafka.SASLConfig{Mechanism: "aws-msk-iam", AWSProfile: "p"}},
		{
			name: "AWS without TLS", sasl: kafka.SASLConfig{Mechanism: "aws-msk-iam"},
			want: "kafka.sasl.mechanism aws-msk-iam needs kafka.tls.enabled: its listeners speak TLS only",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := kafka.DefaultConfig()
			cfg.TLS, cfg.SASL = tt.tls, tt.sasl
			got := ""
			if err := cfg.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("Validate =\n%s\nwant\n%s", got, tt.want)
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("Validate = %s, want no secret in it", got)
			}
		})
	}
	cfg := kafka.DefaultConfig()
	cfg.Brokers, cfg.TLS.Enabled = yamlx.Strings{kafka.EmbeddedBroker}, true
	want := "kafka.brokers is embedded, and the embedded broker has neither TLS nor SASL: leave kafka.tls and kafka.sasl out"
	if err := cfg.Validate(); err == nil || err.Error() != want {
		t.Errorf("Validate of the embedded broker with TLS = %v, want %s", err, want)
	}
}
