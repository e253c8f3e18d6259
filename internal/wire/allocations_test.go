//go:build !race

// The race detector has pools forget at random: what an event costs is counted without it, by make allocations.

package wire

import (
	"testing"
	"time"
)

// The hot path has a budget: an event is decoded and its tag encoded for every record of the input.
func TestAllocations(t *testing.T) {
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

func TestAllocationsOfCowrie(t *testing.T) {
	d := newCowrie(t, DefaultLimits())
	for line, want := range map[string]float64{
		cowrieLine("cowrie.command.input", `"input":"cat /etc/shadow"`):               9,
		cowrieLine("cowrie.client.kex", `"hassh":"0011","kexAlgs":["a", "b"]`):        9,
		cowrieLine("cowrie.session.connect", `"src_port":40000,"dst_ip":"192.0.2.1"`): 3,
	} {
		if got := testing.AllocsPerRun(200, func() { _, _, _ = d.Event([]byte(line), time.Time{}) }) - 1; got > want { // one is the copy of line
			t.Errorf("Event allocates %v times for %s, want at most %v", got, line, want)
		}
	}
}
