package demo

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
	"ttpworker/internal/yamlx"
)

//go:embed script.yaml
var scriptYAML []byte

// maxScriptBytes bounds the script.
const maxScriptBytes = 1 << 20

// source in a payload stands for the attacker's address.
const source = "$SRC"

// A script is what the sensors see: see script.yaml.
type script struct {
	Shadow    string    `yaml:"shadow"`    // rule in state shadow while the script is played once
	Attackers []string  `yaml:"attackers"` // their addresses
	Sessions  []session `yaml:"sessions"`
}

// A session is what one visitor does at one decoy.
type session struct {
	Name      string `yaml:"name"` // first part of the source ids
	Decky     string `yaml:"decky"`
	Anonymous bool   `yaml:"anonymous"` // no attacker: the session is the anchor
	Steps     []step `yaml:"steps"`
}

// A step is an event, or bytes that are none.
type step struct {
	Pause   time.Duration `yaml:"pause"` // before it, in the live demo
	Kind    string        `yaml:"kind"`
	Payload yamlx.JSON    `yaml:"payload"`
	Expect  []string      `yaml:"expect"` // techniques that the shipped rules find, the most specific ids
	Raw     string        `yaml:"raw"`    // in place of kind and payload
	Class   wire.Class    `yaml:"class"`  // of the dead letter that raw becomes
}

// readScript reads a script and reports everything that is wrong with it, joined.
func readScript(data []byte) (*script, error) {
	doc, err := yamlx.Parse(data, maxScriptBytes)
	if err != nil {
		return nil, fmt.Errorf("script:%w", err)
	}
	s := &script{}
	if err := doc.Decode(s); err != nil {
		return nil, fmt.Errorf("script:%w", err)
	}
	var errs []error
	if len(s.Attackers) == 0 || len(s.Sessions) == 0 {
		errs = append(errs, errors.New("script: no attackers or no sessions"))
	}
	for i := range s.Sessions {
		for k := range s.Sessions[i].Steps {
			if st := &s.Sessions[i].Steps[k]; (st.Kind != "") == (st.Raw != "") {
				at := doc.At("sessions", i, "steps", k)
				errs = append(errs, fmt.Errorf("script:%d:%d: a step has either kind and payload, or raw", at.Line, at.Col))
			}
		}
	}
	return s, errors.Join(errs...)
}

// An attacker is somebody who plays sessions, the same whenever the demo runs.
type attacker struct {
	uuid, address string
	rng           *rand.ChaCha8 // of session ids, and of the order of things in the live demo
	sessions      int           // played
}

// cast makes the attackers.
func (s *script) cast() ([]*attacker, error) {
	all := make([]*attacker, len(s.Attackers))
	for i, address := range s.Attackers {
		a := &attacker{address: address, rng: rand.NewChaCha8([32]byte{byte(i), 1})}
		id, err := uuid.NewRandomFromReader(a.rng)
		if err != nil {
			return nil, err
		}
		a.uuid = id.String()
		all[i] = a
	}
	return all, nil
}

// A happening is a step as it happens: what a sensor writes and what must come of it.
type happening struct {
	pause  time.Duration
	key    string
	event  tagger.TaggerEvent // unless raw
	expect []string           // sorted
	raw    []byte
	class  wire.Class
}

// isRaw reports whether h is no event.
func (h *happening) isRaw() bool { return len(h.raw) > 0 }

// happenings are what a sensor sees when a plays s from begin on. slowness stretches the pauses.
func (s *session) happenings(a *attacker, begin time.Time, slowness float64) ([]happening, error) {
	id, err := uuid.NewRandomFromReader(a.rng)
	if err != nil {
		return nil, err
	}
	a.sessions++
	all := make([]happening, len(s.Steps))
	at := begin
	for i := range s.Steps {
		st := &s.Steps[i]
		pause := time.Duration(float64(st.Pause) * slowness)
		at = at.Add(pause)
		h := happening{pause: pause, raw: []byte(st.Raw), class: st.Class, expect: slices.Sorted(slices.Values(st.Expect))}
		h.event = tagger.TaggerEvent{
			SourceKind: st.Kind, SourceID: fmt.Sprintf("%s/%s/%d/%d", s.Name, a.address, a.sessions, i+1),
			AttackerUUID: a.uuid, SessionID: id.String(), DeckyID: s.Decky,
			EventTime: at.UTC().Truncate(time.Microsecond),
			Payload:   bytes.ReplaceAll(st.Payload, []byte(source), []byte(a.address)),
		}
		if s.Anonymous {
			h.event.AttackerUUID = ""
		}
		h.key = h.event.Anchor()
		all[i] = h
	}
	return all, nil
}

// once is the whole script, every session one time, each by the next attacker. It ends at end.
func (s *script) once(end time.Time) ([]happening, error) {
	attackers, err := s.cast()
	if err != nil {
		return nil, err
	}
	var length time.Duration
	for i := range s.Sessions {
		length += s.Sessions[i].length()
	}
	var all []happening
	begin := end.Add(-length)
	for i := range s.Sessions {
		session, err := s.Sessions[i].happenings(attackers[i%len(attackers)], begin, 1)
		if err != nil {
			return nil, err
		}
		all = append(all, session...)
		begin = begin.Add(s.Sessions[i].length())
	}
	return all, nil
}

func (s *session) length() time.Duration {
	var sum time.Duration
	for i := range s.Steps {
		sum += s.Steps[i].Pause
	}
	return sum
}
