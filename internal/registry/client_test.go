package registry

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"ttpworker/internal/wire"
	"ttpworker/internal/yamlx"
)

func TestConfigValidateNamesTheKeyAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		edit func(*Config)
		want string
	}{
		{"no scheme", func(c *Config) { c.URLs = yamlx.Strings{"localhost:8081"} }, "schema_registry.urls: an address is not like https://host:8081"},
		{"another scheme", func(c *Config) { c.URLs = yamlx.Strings{"ftp://a"} }, "schema_registry.urls: an address is not like https://host:8081"},
		{"no host", func(c *Config) { c.URLs = yamlx.Strings{"http://"} }, "schema_registry.urls: an address is not like https://host:8081"},
		{
			"a password in the address", func(c *Config) { c.URLs = yamlx.Strings{"http://u:hunter2@a:1"} },
			"schema_registry.urls: http://u:xxxxx@a:1 has a name or password in it: give schema_registry.username and password_file",
		},
		{"a query", func(c *Config) { c.URLs = yamlx.Strings{"http://a/?b=c"} }, `schema_registry.urls: "http://a/?b=c" has something behind its path`},
		{"no timeout", func(c *Config) { c.Timeout = 0 }, "schema_registry.timeout 0s is not positive"},
		{"a password of nobody", func(c *Config) { c.Password = yamlx.NewSecret("x") }, "schema_registry.username is empty, but there is a password"},
		{
			"two passwords", func(c *Config) { c.Username, c.Password, c.PasswordFile = "u", yamlx.NewSecret("x"), "f" },
			"schema_registry.password and password_file are both given",
		},
		{
			"half a certificate", func(c *Config) { c.TLS.CertFile = "c" },
			"schema_registry.tls.cert_file and tls.key_file go together: one of them is empty",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			tt.edit(&cfg)
			if err := cfg.Validate(); err == nil || err.Error() != tt.want {
				t.Errorf("Validate =\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
	if err := DefaultConfig().Validate(); err != nil || DefaultConfig().Configured() {
		t.Errorf("Validate of the default = %v, configured %t, want nil and no registry", err, DefaultConfig().Configured())
	}
}

func TestAnAnswerIsToldFromTrouble(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault srfake.Interceptor
		want  string
	}{
		{"the registry does not have it", reply(404, `{"error_code":40403,"message":"Schema not found"}`), notFound},
		{"no such subject", reply(404, `{"error_code":40401,"message":"Subject not found"}`), notFound},
		{"incompatible", reply(409, `{"error_code":409,"message":"incompatible"}`), refused},
		{"invalid", reply(422, `{"error_code":42201,"message":"invalid"}`), refused},
		{"endless", reply(200, `{"schema":"`+strings.Repeat("x", 2*maxBody)+`"}`), refused},
		{"a page of a proxy", reply(404, "<html>not found</html>"), unreachable},
		{"a path that is no registry's", reply(404, `{"error_code":404,"message":"HTTP 404 Not Found"}`), unreachable},
		{"a conflict of somebody else", reply(409, `no`), unreachable},
		{"a wrong password", reply(401, `{"error_code":401,"message":"Unauthorized"}`), unreachable},
		{"no permission", reply(403, `{"error_code":40301,"message":"Forbidden"}`), unreachable},
		{"too many requests", reply(429, `{"error_code":429,"message":"slow down"}`), unreachable},
		{"an error of the registry", reply(500, `{"error_code":50001,"message":"Error in the backend data store"}`), unreachable},
		{"a gateway", reply(502, ""), unreachable},
		{"no JSON", reply(200, "<html>log in</html>"), unreachable},
		{"silence", hang, unreachable},
		{"an end in the middle", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"sch`))
			return true
		}, unreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.fail(tt.fault)
			cfg := quickConfig(f.URL())
			if tt.name == "silence" {
				cfg.Timeout = 300 * time.Millisecond
			}
			c, reg := newClient(t, cfg)
			_, err := c.ByID(t.Context(), 1)
			got := refused
			_, out := errors.AsType[*OutageError](err)
			switch {
			case errors.Is(err, ErrNotFound):
				got = notFound
			case out:
				got = unreachable
			}
			if err == nil || got != tt.want {
				t.Errorf("ByID = %v, which is %s, want %s", err, got, tt.want)
			}
			if n := value(t, reg, "ttp_registry_requests_total", tt.want); n != 1 {
				t.Errorf("requests counted as %s = %v, want 1", tt.want, n)
			}
			if up := value(t, reg, "ttp_registry_reachable", ""); (up == 0) != (tt.want == unreachable) {
				t.Errorf("ttp_registry_reachable = %v after an outcome of %s", up, tt.want)
			}
		})
	}
}

func TestOneAddressStandsInForAnother(t *testing.T) {
	t.Parallel()
	first, second := newFake(t), newFake(t)
	id := second.register(t, "s-value", wire.SchemaText(wire.EventRecord))
	first.fail(reply(500, ""))
	c, _ := newClient(t, quickConfig("http://127.0.0.1:1", first.URL(), second.URL()))
	for range 3 {
		s, err := c.ByID(t.Context(), id)
		if err != nil || s.Type != typeAvro || s.References != 0 {
			t.Fatalf("ByID = %+v, %v, want what the third address has", s, err)
		}
	}
	if n := first.asked.Load(); n != 1 {
		t.Errorf("the address in trouble was asked %d times, want once: the one that answered comes first", n)
	}
	second.fail(reply(500, ""))
	_, err := c.ByID(t.Context(), id)
	for _, part := range []string{"the schema registry does not answer", "127.0.0.1:1", first.URL(), second.URL()} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("ByID without any address = %v, want %q in it", err, part)
		}
	}
	first.fail(nil)
	if _, err := c.ByID(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("ByID = %v, want the word of the address that is back", err)
	}
}

func TestAClientsEndOfPatienceIsNoOutage(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.fail(hang)
	c, reg := newClient(t, quickConfig(f.URL()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.ByID(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("ByID = %v, want context.Canceled", err)
	}
	if n := value(t, reg, "ttp_registry_requests_total", unreachable); n != 0 {
		t.Errorf("%v requests count as unreachable, want none", n)
	}
}

func TestARegistryThatWantsAPasswordAndHasACertificateOfItsOwn(t *testing.T) {
	t.Parallel()
	const password = "hunter2"
	fakeOne := srfake.New(srfake.WithAuth("Basic dXNlcjpodW50ZXIy"))
	t.Cleanup(fakeOne.Close)
	server := httptest.NewTLSServer(fakeOne.Handler())
	t.Cleanup(server.Close)
	dir := t.TempDir()
	ca, secret := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "password")
	writeFile(t, ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	writeFile(t, secret, []byte(password+"\n"))

	cfg := quickConfig(server.URL)
	cfg.Username, cfg.PasswordFile, cfg.TLS.CAFile = "user", secret, ca
	c, _ := newClient(t, cfg)
	if _, err := c.ByID(t.Context(), 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("ByID = %v, want the registry's word", err)
	}
	cfg.PasswordFile, cfg.Password = "", yamlx.NewSecret("wrong-one")
	c, _ = newClient(t, cfg)
	_, err := c.ByID(t.Context(), 1)
	if _, out := errors.AsType[*OutageError](err); !out || strings.Contains(fmt.Sprintf("%v %+v %#v", err, cfg, cfg), "wrong-one") {
		t.Errorf("ByID with a wrong password = %v, want an outage and no word of it", err)
	}
	cfg.TLS.CAFile = ""
	c, _ = newClient(t, cfg)
	if _, err := c.ByID(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("ByID of a registry that nobody vouches for = %v, want an error about its certificate", err)
	}
	for _, tt := range []struct {
		edit func(*Config)
		want string
	}{
		{func(c *Config) { c.TLS.CAFile = secret }, "schema_registry.tls.ca_file: " + secret + " has no certificate in PEM"},
		{func(c *Config) { c.TLS.CAFile = dir + "/x" }, "schema_registry.tls.ca_file: open "},
		{func(c *Config) { c.TLS.CertFile, c.TLS.KeyFile = ca, secret }, "schema_registry.tls.cert_file and key_file: "},
		{func(c *Config) { c.PasswordFile = dir + "/x" }, "schema_registry.password_file: open "},
		{func(c *Config) { c.PasswordFile = os.DevNull }, "schema_registry.password_file: /dev/null is empty"},
	} {
		broken := quickConfig(server.URL)
		tt.edit(&broken)
		if _, err := NewClient(broken, c.metrics); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("NewClient = %v, want %s", err, tt.want)
		}
	}
}

func writeFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRegisterAndLookUp(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c, _ := newClient(t, quickConfig(f.URL()))
	text := wire.SchemaText(wire.TagRecord)
	if _, err := c.Lookup(t.Context(), "s-value", text); !errors.Is(err, ErrNotFound) {
		t.Errorf("Lookup = %v, want ErrNotFound", err)
	}
	id, err := c.Register(t.Context(), "s-value", text)
	if err != nil || id == 0 {
		t.Fatalf("Register = %d, %v", id, err)
	}
	got, err := c.Lookup(t.Context(), "s-value", text)
	if err != nil || got != (Registered{ID: id, Version: 1}) {
		t.Errorf("Lookup = %+v, %v, want id %d, version 1", got, err, id)
	}
	if again, err := c.Register(t.Context(), "s-value", text); err != nil || again != id {
		t.Errorf("Register once more = %d, %v, want %d", again, err, id)
	}
	if why, err := c.Compatible(t.Context(), "s-value", text); why != nil || err != nil {
		t.Errorf("Compatible = %q, %v, want nothing against it", why, err)
	}
	f.fail(reply(200, `{"is_compatible":false,"messages":["reader lacks x"]}`))
	if why, err := c.Compatible(t.Context(), "s-value", text); len(why) != 1 || why[0] != "reader lacks x" || err != nil {
		t.Errorf("Compatible = %q, %v, want what the registry has against it", why, err)
	}
	f.fail(reply(409, `{"error_code":409,"message":"incompatible"}`))
	if _, err := c.Register(t.Context(), "s-value", text); err == nil || err.Error() != "incompatible" {
		t.Errorf("Register = %v, want what the registry says", err)
	}
}
