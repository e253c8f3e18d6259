package wire

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/tagger"
)

// -update writes the files of a release that are missing. It never writes over one: those bytes are in other
// people's topics.
var update = flag.Bool("update", false, "write missing files of testdata/released")

// A sample is one value of a release: its bytes in Avro and the JSON form of what they mean.
type sample struct {
	name   string
	encode func(*Encoder) ([]byte, error)
	recode func(d *Decoder, e *Encoder, value []byte) ([]byte, error)
}

func samples() []sample {
	tag := func(name string, t tagger.Tag) sample {
		return sample{
			"tag_" + name, func(e *Encoder) ([]byte, error) { return e.Tag(nil, &t, at().Add(time.Second)) },
			recodeTag,
		}
	}
	event := func(name string, ev tagger.TaggerEvent) sample {
		return sample{
			"tagger_event_" + name, func(e *Encoder) ([]byte, error) { return e.Event(nil, &ev) },
			recodeEvent,
		}
	}
	rule := func(name string, r RuleReloaded) sample {
		return sample{
			"rule_reloaded_" + name, func(e *Encoder) ([]byte, error) { return e.RuleReloaded(nil, &r) },
			recodeRule,
		}
	}
	state := func(name string, r RuleState) sample {
		return sample{
			"rule_state_" + name, func(e *Encoder) ([]byte, error) { return e.RuleState(nil, &r) },
			recodeState,
		}
	}
	archive := func(name string, r RuleArchive) sample {
		return sample{
			"rule_archive_" + name, func(e *Encoder) ([]byte, error) { return e.RuleArchive(nil, &r) },
			recodeArchive,
		}
	}
	return []sample{
		event("full", fullEvent()), event("bare", bareEvent()), tag("full", fullTag()), tag("bare", bareTag()),
		rule("full", fullReloaded()), rule("bare", bareReloaded()), state("full", fullState()), state("bare", bareState()),
		archive("full", fullArchive()), archive("bare", bareArchive()),
	}
}

func recodeEvent(d *Decoder, e *Encoder, value []byte) ([]byte, error) {
	ev, _, err := d.Event(value, time.Time{})
	if err != nil {
		return nil, err
	}
	return e.Event(nil, &ev)
}

func recodeTag(d *Decoder, e *Encoder, value []byte) ([]byte, error) {
	t, taggedAt, err := d.Tag(value)
	if err != nil {
		return nil, err
	}
	return e.Tag(nil, &t, taggedAt)
}

func recodeRule(d *Decoder, e *Encoder, value []byte) ([]byte, error) {
	r, err := d.RuleReloaded(value)
	if err != nil {
		return nil, err
	}
	return e.RuleReloaded(nil, &r)
}

func recodeArchive(d *Decoder, e *Encoder, value []byte) ([]byte, error) {
	r, err := d.RuleArchive(value)
	if err != nil {
		return nil, err
	}
	return e.RuleArchive(nil, &r)
}

func recodeState(d *Decoder, e *Encoder, value []byte) ([]byte, error) {
	r, err := d.RuleState(value)
	if err != nil {
		return nil, err
	}
	return e.RuleState(nil, &r)
}

// TestReleasedBytesDecode reads what was written under released schemas. A difference here means that topics which
// exist cannot be read any more: change the code, not the file.
func TestReleasedBytesDecode(t *testing.T) {
	d, text := newDecoder(t, DefaultLimits()), newEncoder(t, JSON)
	for _, s := range samples() {
		t.Run("v1/"+s.name, func(t *testing.T) {
			base := filepath.Join("testdata", "released", "v1", s.name)
			if *update {
				writeMissing(t, base, s)
			}
			value, want := readFile(t, base+".avro"), readFile(t, base+".json")
			got, err := s.recode(d, text, value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("%s.avro as JSON (-want +got):\n%s", base, diff)
			}
			if got, err = s.recode(d, text, want); err != nil || string(got)+"\n" != string(want) {
				t.Errorf("%s.json reads back as %s, %v", base, got, err)
			}
		})
	}
}

// TestWrittenBytesAreThoseOfTheRelease holds what is written now against the newest release, which it is; with a
// new version of a schema this compares with that version's folder.
func TestWrittenBytesAreThoseOfTheRelease(t *testing.T) {
	e := newEncoder(t, SingleObject)
	for _, s := range samples() {
		got, err := s.encode(e)
		if err != nil {
			t.Fatal(err)
		}
		want := readFile(t, filepath.Join("testdata", "released", "v1", s.name+".avro"))
		if !bytes.Equal(got, want) {
			t.Errorf("%s is written as\n%x, released as\n%x", s.name, got, want)
		}
	}
}

func writeMissing(t *testing.T, base string, s sample) {
	t.Helper()
	for suffix, framing := range map[string]Framing{".avro": SingleObject, ".json": JSON} {
		data, err := s.encode(newEncoder(t, framing))
		if err != nil {
			t.Fatal(err)
		}
		if framing == JSON {
			data = append(data, '\n')
		}
		switch _, err = os.Stat(base + suffix); {
		case err == nil:
			continue
		case !errors.Is(err, fs.ErrNotExist):
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(base), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(base+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
