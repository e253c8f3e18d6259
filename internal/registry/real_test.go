package registry

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"

	"ttpworker/internal/wire"
)

// What srfake cannot show: which codes a real one answers with, and that it compares schemas.
func TestAgainstARealRegistry(t *testing.T) {
	url := os.Getenv("TTP_TEST_REGISTRY")
	if url == "" {
		t.Skip("TTP_TEST_REGISTRY names no registry: see make test-registry")
	}
	cfg := DefaultConfig()
	cfg.URLs, cfg.Timeout = []string{url}, 20*time.Second // the first requests warm it up
	c, _ := newClient(t, cfg)
	subject := fmt.Sprintf("real-%d-value", time.Now().UnixNano())
	text := wire.SchemaText(wire.EventRecord)

	for name, f := range map[string]func() error{
		"an id":                  func() error { _, err := c.ByID(t.Context(), math.MaxInt32); return err },
		"a subject":              func() error { _, err := c.Versions(t.Context(), subject); return err },
		"a schema of no subject": func() error { _, err := c.Lookup(t.Context(), subject, text); return err },
	} {
		if err := f(); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s that there is not = %v, want ErrNotFound", name, err)
		}
	}
	id, err := c.Register(t.Context(), subject, text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Lookup(t.Context(), subject, text)
	if diff := cmp.Diff(Registered{ID: id, Version: 1}, got); err != nil || diff != "" {
		t.Errorf("Lookup: %v (-want +got):\n%s", err, diff)
	}
	if _, err := c.Lookup(t.Context(), subject, wire.SchemaText(wire.TagRecord)); !errors.Is(err, ErrNotFound) {
		t.Errorf("Lookup of a schema that is not there = %v, want ErrNotFound", err)
	}
	if _, err := c.ByVersion(t.Context(), Version{subject, 9}); !errors.Is(err, ErrNotFound) {
		t.Errorf("ByVersion of a version that is not there = %v, want ErrNotFound", err)
	}
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() (Schema, error){
		"ByID":      func() (Schema, error) { return c.ByID(t.Context(), id) },
		"ByVersion": func() (Schema, error) { return c.ByVersion(t.Context(), Version{subject, 1}) },
	} {
		s, err := f()
		if err != nil || s.ReadableAs(dec, wire.EventRecord) != nil {
			t.Errorf("%s = %+v, %v, want the schema of events", name, s, err)
		}
	}
	places, err := c.VersionsOf(t.Context(), id)
	if err != nil || len(places) == 0 {
		t.Errorf("VersionsOf = %v, %v, want where the id is", places, err)
	}

	demandCompatibility(t, url, subject)
	const worse = `{"type":"record","name":"TaggerEvent","namespace":"ttp","fields":[{"name":"new","type":"string"}]}`
	if why, err := c.Compatible(t.Context(), subject, worse); err != nil || len(why) == 0 {
		t.Errorf("Compatible of a schema that is not = %q, %v, want why", why, err)
	}
	_, err = c.Register(t.Context(), subject, worse)
	if _, out := errors.AsType[*OutageError](err); err == nil || out || errors.Is(err, ErrNotFound) {
		t.Errorf("Register of a schema that is not compatible = %v, want a refusal", err)
	}
	if why, err := c.Compatible(t.Context(), subject, text); err != nil || why != nil {
		t.Errorf("Compatible of what is there = %q, %v, want nothing against it", why, err)
	}
}

func demandCompatibility(t *testing.T, url, subject string) {
	t.Helper()
	client, err := sr.NewClient(sr.URLs(url), sr.HTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range client.SetCompatibility(t.Context(), sr.SetCompatibility{Level: sr.CompatBackward}, subject) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}
