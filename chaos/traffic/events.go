package traffic

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

const (
	// attackers is how many there are; all events of one are in one partition.
	attackers = 60
	// attackShare of the events are examples of the rules' own tests.
	attackShare = 0.2
	// poisonShare of the records are no events.
	poisonShare = 0.002
)

// An Event is what is written.
type Event struct {
	Attacker string // the key
	Number   int    // of the attacker
	Value    []byte
	Poison   bool // Value is no event
}

// An example is a kind and a payload without its last brace.
type example struct {
	kind    string
	payload []byte
}

// A Generator makes events, the same for the same seed but for their times. It is not safe for concurrent use.
type Generator struct {
	random  *rand.Rand
	attacks []example
	encoder *wire.Encoder
	made    int
	ids     [attackers]string
}

// kinds are those of the events: each has a rule that matches every event of it.
var kinds = []string{"command", "http_request", "auth_attempt"}

// NewGenerator makes one whose attacks are the examples in the tests of rules.
func NewGenerator(seed uint64, rules []*rule.Rule) (*Generator, error) {
	g := &Generator{random: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // the same events for the same seed
	for _, r := range rules {
		for _, t := range r.Tests {
			if len(t.Expect) > 0 && slices.Contains(kinds, t.Kind) {
				g.attacks = append(g.attacks, example{t.Kind, t.Payload})
			}
		}
	}
	if len(g.attacks) == 0 {
		return nil, fmt.Errorf("none of %d rules has an example of an attack", len(rules))
	}
	for i := range g.ids {
		g.ids[i] = uuid.NewSHA1(uuid.Nil, fmt.Append(nil, seed, i)).String()
	}
	var err error
	g.encoder, err = wire.NewEncoder(wire.SingleObject)
	return g, err
}

// Next makes the next event, of time now.
func (g *Generator) Next(now time.Time) (Event, error) {
	g.made++
	n := g.random.IntN(attackers)
	e := Event{Attacker: g.ids[n], Number: n}
	if g.random.Float64() < poisonShare {
		e.Poison, e.Value = true, g.poison()
		return e, nil
	}
	x := g.quiet()
	if g.random.Float64() < attackShare {
		x = g.attacks[g.random.IntN(len(g.attacks))]
	}
	ev := tagger.TaggerEvent{
		SourceKind: x.kind, SourceID: fmt.Sprint("chaos-", g.made), AttackerUUID: e.Attacker, DeckyID: fmt.Sprint("decky-", n%7),
		EventTime: now.UTC().Truncate(time.Microsecond), Payload: x.payload,
	}
	var err error
	e.Value, err = g.encoder.Event(nil, &ev)
	return e, err
}

// quiet is an event of an ordinary day: the rules of the pack have nothing to say about it. The number at its end is what
// the rules that are edited in the course of a run look for.
func (g *Generator) quiet() example {
	n := g.random.IntN(1000)
	kind, fields := "command", map[string]string{"command_text": fmt.Sprintf("echo backup n=%d", n), "user": "ops"}
	switch g.random.IntN(4) {
	case 0:
		kind, fields = "http_request", map[string]string{"raw_url": fmt.Sprintf("/shop?item=3&n=%d", n), "user_agent": "Mozilla/5.0"}
	case 1:
		kind, fields = "auth_attempt", map[string]string{"username": fmt.Sprintf("maria n=%d", n), "service": "ssh"}
	}
	payload, err := json.Marshal(fields)
	if err != nil {
		panic("traffic: texts are always JSON: " + err.Error())
	}
	return example{kind, payload}
}

// poison is a value that is no event, one of several kinds, each with a number that makes it unique.
func (g *Generator) poison() []byte {
	switch g.random.IntN(4) {
	case 0:
		return fmt.Appendf(nil, "poison %d", g.made)
	case 1:
		return fmt.Appendf(nil, `{"source_kind":"command","source_id":"p-%d","payload":[1]}`, g.made)
	case 2:
		return fmt.Appendf(nil, "{\"source_kind\":\"command\",\"source_id\":\"p-%d\xff\",\"payload\":{}}", g.made)
	}
	return fmt.Appendf([]byte{0xc3, 1, 0, 0, 0, 0, 0, 0, 0, 0}, "%d", g.made) // a schema that nobody knows
}
