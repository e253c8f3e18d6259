package wire

import (
	"strings"
	"testing"
	"time"
)

func BenchmarkEvent(b *testing.B) {
	d := newDecoder(b, DefaultLimits())
	for _, size := range []struct {
		name string
		n    int
	}{{"payload=100B", 100}, {"payload=10KB", 10_000}} {
		ev := fullEvent()
		field := `{"command_text":"cat /etc/shadow","uid":0,"argv":["cat","/etc/shadow"],"pwd":"/root"}`
		ev.Payload = []byte(`{"list":[` + strings.TrimSuffix(strings.Repeat(field+",", max(1, size.n/len(field))), ",") + `]}`)
		for _, framing := range framings() {
			data, err := newEncoder(b, framing).Event(nil, &ev)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(string(framing)+"/"+size.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					if _, _, err := d.Event(data, time.Time{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkTag(b *testing.B) {
	tag := fullTag()
	for _, framing := range framings() {
		e := newEncoder(b, framing)
		b.Run(string(framing), func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				var err error
				if dst, err = e.Tag(dst[:0], &tag, tag.EventTime); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The hot path has a budget: an event is decoded and its tag encoded for every record of the input.
func TestAllocationBudget(t *testing.T) {
	if raceEnabled {
		t.Skip("pools do not keep what they are given")
	}
	d := newDecoder(t, DefaultLimits())
	ev, tag := fullEvent(), fullTag()
	for framing, want := range map[Framing]struct{ decode, encode float64 }{
		SingleObject: {decode: 1, encode: 2},
		Confluent:    {decode: 1, encode: 2},
		JSON:         {decode: 7, encode: 2},
	} {
		e := newEncoder(t, framing)
		data, err := e.Event(nil, &ev)
		if err != nil {
			t.Fatal(err)
		}
		if got := testing.AllocsPerRun(200, func() { _, _, _ = d.Event(data, time.Time{}) }); got > want.decode {
			t.Errorf("%s: Event allocates %v times, want at most %v", framing, got, want.decode)
		}
		dst := make([]byte, 0, 4096)
		if got := testing.AllocsPerRun(200, func() { _, _ = e.Tag(dst, &tag, tag.EventTime) }); got > want.encode {
			t.Errorf("%s: Tag allocates %v times, want at most %v", framing, got, want.encode)
		}
	}
}
