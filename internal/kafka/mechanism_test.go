package kafka

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"ttpworker/internal/yamlx"
)

// A tokenService gives the token "token-1", then "token-2", and so on to who knows the secret.
type tokenService struct {
	*httptest.Server
	caFile  string
	asked   atomic.Int64
	secret  atomic.Pointer[string]
	answer  atomic.Pointer[string] // in place of a token
	expires int                    // seconds
}

func startTokenService(t *testing.T, expires int) *tokenService {
	t.Helper()
	s := &tokenService{expires: expires}
	s.secret.Store(new("s3cret"))
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	s.caFile = filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, s.caFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	return s
}

func (s *tokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	id, secret, _ := r.BasicAuth()
	switch answer := s.answer.Load(); {
	case answer != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, *answer)
	case id != "worker" || secret != *s.secret.Load() || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("scope") != "kafka audit":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
	default:
		fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"bearer","expires_in":%d}`, s.asked.Add(1), s.expires)
	}
}

func (s *tokenService) config() SASLConfig {
	return SASLConfig{
		Mechanism: saslOAuthBearer, TokenURL: s.URL, TokenCAFile: s.caFile, ClientID: "worker", ClientSecret: yamlx.NewSecret("s3cret"),
		Scopes: yamlx.Strings{"kafka", "audit"},
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mechanism(t *testing.T, cfg SASLConfig) sasl.Mechanism {
	t.Helper()
	m, err := newMechanism(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// first is the first message of a client, and its session.
func first(t *testing.T, m sasl.Mechanism) (string, sasl.Session) {
	t.Helper()
	s, message, err := m.Authenticate(t.Context(), "b-1.x.kafka.eu-west-1.amazonaws.com:9098")
	if err != nil {
		t.Fatalf("Authenticate = %v", err)
	}
	return string(message), s
}

func TestATokenFileIsReadForEveryAuthentication(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "abc\n")
	m := mechanism(t, SASLConfig{Mechanism: saslOAuthBearer, TokenFile: file})
	if m.Name() != "OAUTHBEARER" {
		t.Errorf("Name = %s, want OAUTHBEARER", m.Name())
	}
	for _, token := range []string{"abc", "def"} {
		writeFile(t, file, token+"\n")
		got, s := first(t, m)
		if want := "n,,\x01auth=Bearer " + token + "\x01\x01"; got != want {
			t.Errorf("first message = %q, want %q", got, want)
		}
		if done, more, err := s.Challenge(nil); !done || more != nil || err != nil {
			t.Errorf("Challenge of an empty answer = %v, %q, %v, want the end", done, more, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, _, err := m.Authenticate(t.Context(), "h:1")
	if !kgo.IsRetryableBrokerErr(err) || !strings.Contains(err.Error(), "reading kafka.sasl.token_file: ") {
		t.Errorf("Authenticate without the file = %v, want one that names it and that the client tries again after", err)
	}
}

func TestATokenOfClientCredentialsIsUsedForMostOfItsLife(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		expires int
		want    []string
	}{
		{"one of an hour", 3600, []string{"token-1", "token-1", "token-1"}},
		{"one of no time", -1, []string{"token-1", "token-2", "token-3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := mechanism(t, startTokenService(t, tt.expires).config())
			var got []string
			for range tt.want {
				message, _ := first(t, m)
				got = append(got, strings.TrimSuffix(strings.TrimPrefix(message, "n,,\x01auth=Bearer "), "\x01\x01"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("tokens (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATokenThatTheBrokerRefusesIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	m := mechanism(t, startTokenService(t, 3600).config())
	_, s := first(t, m)
	done, _, err := s.Challenge([]byte(`{"status":"invalid_token"}`))
	if _, refused := errors.AsType[*tokenRefusedError](err); done || !refused || !strings.Contains(err.Error(), "invalid_token") {
		t.Errorf("Challenge of a refusal = %v, %v, want what the broker says", done, err)
	}
	if message, _ := first(t, m); !strings.Contains(message, "token-2") {
		t.Errorf("first message after a refusal = %q, want another token", message)
	}
	c := Cluster{sasl: SASLConfig{Mechanism: saslOAuthBearer, TokenURL: "https://id", ClientID: "worker"}} //nolint:gosec // no credentials
	if want := "(the token for kafka.sasl.client_id worker from kafka.sasl.token_url)"; !strings.HasSuffix(c.Explain(err).Error(), want) {
		t.Errorf("Explain = %v, want %s", c.Explain(err), want)
	}
}

func TestAClientSecretFileIsReadForEveryToken(t *testing.T) {
	t.Parallel()
	service, file := startTokenService(t, -1), filepath.Join(t.TempDir(), "secret")
	cfg := service.config()
	cfg.ClientSecret, cfg.ClientSecretFile = yamlx.Secret{}, file
	writeFile(t, file, "s3cret\n")
	m := mechanism(t, cfg)
	first(t, m)
	service.secret.Store(new("an0ther"))
	_, _, err := m.Authenticate(t.Context(), "h:1")
	if !kgo.IsRetryableBrokerErr(err) || !strings.Contains(err.Error(), "kafka.sasl.token_url "+service.URL) || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("Authenticate with an old secret = %v, want the service's answer, and that the client tries again", err)
	}
	writeFile(t, file, "an0ther")
	if message, _ := first(t, m); !strings.Contains(message, "token-2") {
		t.Errorf("first message with the new secret = %q, want a token", message)
	}
}

func TestATokenServiceThatIsDownIsNamedAndAskedAgain(t *testing.T) {
	t.Parallel()
	service := startTokenService(t, 3600)
	m := mechanism(t, service.config())
	service.answer.Store(new("busy"))
	if _, _, err := m.Authenticate(t.Context(), "h:1"); !kgo.IsRetryableBrokerErr(err) || !strings.Contains(err.Error(), "kafka.sasl.token_url") {
		t.Errorf("Authenticate while the service is down = %v, want its key, and that the client tries again", err)
	}
	service.answer.Store(nil)
	first(t, m)

	cfg := service.config()
	cfg.TokenCAFile = ""
	_, _, err := mechanism(t, cfg).Authenticate(t.Context(), "h:1")
	if err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("Authenticate with a service of an unknown CA = %v, want that said", err)
	}
	elsewhere := httptest.NewServer(http.RedirectHandler(service.URL, http.StatusTemporaryRedirect))
	t.Cleanup(elsewhere.Close)
	cfg = service.config()
	cfg.TokenURL = elsewhere.URL
	before := service.asked.Load()
	if _, _, err := mechanism(t, cfg).Authenticate(t.Context(), "h:1"); err == nil || service.asked.Load() != before {
		t.Errorf("Authenticate with a service that redirects = %v, want an error and no secret sent on", err)
	}
}

// No t.Parallel: the chain of AWS credentials looks at the environment.
func TestAWSCredentialsComeFromTheUsualChain(t *testing.T) {
	dir := t.TempDir()
	shared := filepath.Join(dir, "credentials")
	writeFile(t, shared, "[default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key = x\n[audit]\naws_access_key_id = AKAUDIT\naws_secret_access_key = x\n")
	writeFile(t, filepath.Join(dir, "token"), "jwt")
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("Action") != "AssumeRoleWithWebIdentity" || r.PostFormValue("WebIdentityToken") != "jwt" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>`+
			`<AccessKeyId>AKWEB</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>st</SessionToken>`+
			`<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
	}))
	t.Cleanup(sts.Close)
	for _, tt := range []struct {
		name, profile string
		env           map[string]string
		wantKey       string
		wantToken     string
	}{
		{
			name: "the environment", env: map[string]string{"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "t"},
			wantKey: "AKENV", wantToken: "t",
		},
		{name: "the shared file", wantKey: "AKDEFAULT"},
		{name: "a profile of it", profile: "audit", wantKey: "AKAUDIT"},
		{
			name: "a web identity", env: map[string]string{
				"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
				"AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(dir, "token"), "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_STS": sts.URL,
			},
			wantKey: "AKWEB", wantToken: "st",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"} {
				t.Setenv(name, "")
			}
			t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "none"))
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", shared)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			m := mechanism(t, SASLConfig{Mechanism: saslAWS, AWSProfile: tt.profile})
			text, _ := first(t, m)
			var message map[string]string
			if err := json.Unmarshal([]byte(text), &message); err != nil {
				t.Fatalf("first message %q: %v", text, err)
			}
			if key, scope, _ := strings.Cut(message["x-amz-credential"], "/"); key != tt.wantKey || !strings.HasSuffix(scope, "/eu-west-1/kafka-cluster/aws4_request") {
				t.Errorf("x-amz-credential = %s, want %s in the region of the broker's name", message["x-amz-credential"], tt.wantKey)
			}
			if got := message["x-amz-security-token"]; got != tt.wantToken {
				t.Errorf("x-amz-security-token = %q, want %q", got, tt.wantToken)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "none"))
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "none"))
		_, _, err := mechanism(t, SASLConfig{Mechanism: saslAWS}).Authenticate(context.Background(), "h.kafka.eu-west-1.amazonaws.com:1")
		if err == nil || !strings.Contains(err.Error(), "getting AWS credentials: ") {
			t.Errorf("Authenticate without credentials = %v, want that said", err)
		}
		if _, err := newMechanism(SASLConfig{Mechanism: saslAWS, AWSProfile: "nobody"}); err == nil || !strings.Contains(err.Error(), `(kafka.sasl.aws_profile "nobody")`) {
			t.Errorf("newMechanism with an unknown profile = %v, want its key", err)
		}
	})
}
