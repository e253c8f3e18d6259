package demo

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ttpworker/rules"
)

// screen is a buffer that one can look at while it is written to.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the screen shows text.
func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(s.String(), text) {
		if time.Now().After(deadline) {
			t.Fatalf("no %q within 20 s in:\n%s", text, s)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func options(dir string, out *screen) Options {
	cfg := DefaultConfig()
	cfg.RuleStore.Dir = dir
	return Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Out: out}
}

func TestOnceGivesWhatIsExpectedAndHolds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out screen
	o := options(filepath.Join(t.TempDir(), "rules"), &out)
	o.Once, o.Hold = true, time.Hour
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	out.await(t, "stays up for 1h0m0s")
	cancel() // ends the hold, which is no error
	if err := <-ended; err != nil {
		t.Fatalf("Run = %v, want nil; output:\n%s", err, &out)
	}
	for _, want := range []string{
		"a copy of those in the binary", "state R0016 shadow", "(shadow) find /home -name id_rsa", "dead letter  undecodable",
		"TA0006 Credential Access     2     R0014  ",
		"\nas expected: every tag", "kcat -C -e -q -b 127.0.0.1:", "-t ttp_rule_state",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
}

func TestOnceFailsWhereARuleIsMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	if _, err := placeRules(dir, rules.Pack()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "R0014_etc_shadow_read.yaml")); err != nil {
		t.Fatal(err)
	}
	var out screen
	o := options(dir, &out)
	o.Once = true
	if err := Run(t.Context(), o); err == nil {
		t.Error("Run without R0014 = nil, want an error")
	}
	for _, want := range []string{
		"not as the script says: ssh-miner/198.51.100.23/1/11: got [], want [T1003.008]",
		"was there already: edited rules give other tags",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
}

func TestOnceInterruptedIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := options(filepath.Join(t.TempDir(), "rules"), &screen{})
	o.Once = true
	if err := Run(ctx, o); err == nil {
		t.Error("Run under a context that has ended = nil, want an error: nothing was compared")
	}
}

func TestLiveShowsTagsAndReloadsUntilItIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := filepath.Join(t.TempDir(), "rules")
	var out screen
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, options(dir, &out)) }()
	out.await(t, "T1190     Exploit Public-Facing Application")
	const name = "R0014_etc_shadow_read.yaml"
	file := filepath.Join(dir, name)
	if !strings.Contains(out.String(), "in "+file+" change `rule_version: 2` to 3") {
		t.Errorf("no hint what to edit in:\n%s", &out)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	text, err := root.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(to []byte, shown string) {
		if err := root.WriteFile(name, to, 0o600); err != nil {
			t.Fatal(err)
		}
		out.await(t, shown)
	}
	edit(bytes.Replace(text, []byte("rule_version: 2\n"), []byte("rule_version: 3\n"), 1), "reloaded R0014 version 3  "+file)
	edit(append(bytes.Clone(text), "nonsense: 1\n"...), `rule "R0014": unknown field "nonsense"`)
	if err := root.Remove(name); err != nil {
		t.Fatal(err)
	}
	out.await(t, "removed R0014")
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if !strings.Contains(out.String(), " tags/s\n") {
		t.Errorf("no summary at the end of:\n%s", &out)
	}
}
