package wire

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"ttpworker/internal/tagger"
)

func newCowrie(tb testing.TB, limits Limits) *Decoder {
	tb.Helper()
	d, err := NewDecoderOf(Cowrie, limits)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// cowrieLine is an event of cowrie with what all have, and more members.
func cowrieLine(eventid, more string) string {
	line := `{"eventid":"` + eventid + `","session":"0123456789ab","src_ip":"198.51.100.7","sensor":"decoy-1","protocol":"ssh",` +
		`"message":"made up","timestamp":"2026-01-31T12:00:00.123456Z"`
	if more != "" {
		line += "," + more
	}
	return line + "}"
}

func TestCowrieEvents(t *testing.T) {
	for _, tt := range []struct {
		eventid, more string
		kind, payload string // the payload without eventid, src_ip and, unless it says otherwise, protocol
		skip          SkipReason
	}{
		{
			eventid: "cowrie.command.input", more: `"input":"cat /etc/shadow"`,
			kind: "command", payload: `"protocol":"ssh","src":"198.51.100.7","command_text":"cat /etc/shadow"`,
		},
		{
			eventid: "cowrie.command.failed", more: `"input":"masscan","username":"root"`,
			kind: "command", payload: `"user":"root","protocol":"ssh","src":"198.51.100.7","command_text":"masscan"`,
		},
		{
			eventid: "cowrie.command.success", more: `"input":"ls "`,
			kind: "command", payload: `"protocol":"ssh","src":"198.51.100.7","command_text":"ls "`,
		},
		{eventid: "cowrie.command.input", more: `"input":null`, skip: SkipEmpty},
		{eventid: "cowrie.command.input", more: `"input":""`, skip: SkipEmpty},
		{eventid: "cowrie.command.input", skip: SkipEmpty},
		{
			eventid: "cowrie.login.success", more: `"username":"root","password":""`,
			kind: "auth_attempt", payload: `"service":"ssh","username":"root","password":"","result":"success"`,
		},
		{
			eventid: "cowrie.login.failed", more: `"username":"pi","password":"raspberry"`,
			kind: "auth_attempt", payload: `"service":"ssh","username":"pi","password":"raspberry","result":"failure"`,
		},
		{eventid: "cowrie.login.failed", kind: "auth_attempt", payload: `"service":"ssh","result":"failure"`},
		{
			eventid: "cowrie.login.failed", more: `"username":"root","fingerprint":"00:11:22","key":"ssh-rsa AAAA","type":"ssh-rsa"`,
			kind: "auth_attempt", payload: `"service":"ssh","username":"root","fingerprint":"00:11:22","type":"ssh-rsa","key":"ssh-rsa AAAA","result":"failure"`,
		},
		{
			eventid: "cowrie.session.file_download", more: `"url":"http://203.0.113.9/a.sh","outfile":"dl/00ff","shasum":"00ff","duplicate":true`,
			kind: "session", payload: `"protocol":"ssh","url":"http://203.0.113.9/a.sh","outfile":"dl/00ff","shasum":"00ff","result":"success"`,
		},
		{
			eventid: "cowrie.session.file_download", more: `"destfile":"/tmp/x","outfile":"dl/00ff","shasum":"00ff"`,
			kind: "session", payload: `"protocol":"ssh","destfile":"/tmp/x","outfile":"dl/00ff","shasum":"00ff","result":"success"`,
		},
		{
			eventid: "cowrie.session.file_download.failed", more: `"url":"http://203.0.113.9/a.sh"`,
			kind: "session", payload: `"protocol":"ssh","url":"http://203.0.113.9/a.sh","result":"failure"`,
		},
		{
			eventid: "cowrie.session.file_upload", more: `"filename":"x","outfile":"dl/00ff","shasum":"00ff"`,
			kind: "session", payload: `"protocol":"ssh","filename":"x","outfile":"dl/00ff","shasum":"00ff","result":"success"`,
		},
		{
			eventid: "cowrie.session.input", more: `"realm":"dd","input":"abc"`,
			kind: "session", payload: `"protocol":"ssh","realm":"dd","input":"abc"`,
		},
		{eventid: "cowrie.client.version", more: `"version":"SSH-2.0-Go"`, kind: "session", payload: `"protocol":"ssh","version":"SSH-2.0-Go"`},
		{
			eventid: "cowrie.client.kex", more: `"hassh":"0011","hasshAlgorithms":"a,b;c","kexAlgs":["a", "b"]`,
			kind: "session", payload: `"protocol":"ssh","hassh":"0011","hasshAlgorithms":"a,b;c"`,
		},
		{
			eventid: "cowrie.client.fingerprint", more: `"username":"root","fingerprint":"00:11","type":"ssh-rsa","key":"ssh-rsa AAAA"`,
			kind: "session", payload: `"protocol":"ssh","username":"root","fingerprint":"00:11","type":"ssh-rsa","key":"ssh-rsa AAAA"`,
		},
		{eventid: "cowrie.client.fingerprint", more: `"username":"root"`, skip: SkipEmpty},
		{eventid: "cowrie.client.var", more: `"name":"LANG","value":"C"`, kind: "session", payload: `"protocol":"ssh","name":"LANG","value":"C"`},
		{
			eventid: "cowrie.direct-tcpip.request", more: `"dst_ip":"mail.example.net","dst_port":25,"src_port":40000`,
			kind: "session", payload: `"protocol":"ssh","target_host":"mail.example.net","target_port":25`,
		},
		{
			eventid: "cowrie.direct-tcpip.data", more: `"dst_ip":"mail.example.net","dst_port":25,"data":"b'EHLO x\\r\\n'"`,
			kind: "session", payload: `"protocol":"ssh","target_host":"mail.example.net","target_port":25,"body_text":"b'EHLO x\\r\\n'"`,
		},
		{eventid: "cowrie.direct-tcpip.data", more: `"dst_ip":"mail.example.net","dst_port":25`, skip: SkipEmpty},
		{
			eventid: "cowrie.direct-tcpip.ja4", more: `"dst_ip":"www.example.net","dst_port":443,"ja4":"t13d_a_b"`,
			kind: "session", payload: `"protocol":"ssh","target_host":"www.example.net","target_port":443,"ja4":"t13d_a_b"`,
		},
		{
			eventid: "cowrie.direct-tcpip.ja4h", more: `"dst_ip":"www.example.net","dst_port":80,"ja4h":"ge11nn0000_a_b_c"`,
			kind: "http_fingerprint",
			payload: `"client_ip":"198.51.100.7","seen_at":"2026-01-31T12:00:00.123456Z","target_host":"www.example.net","target_port":80,` +
				`"ja4h":"ge11nn0000_a_b_c"`,
		},
		{
			eventid: "cowrie.virustotal.scanfile", more: `"sha256":"00ff","is_new":"false","positives":40,"total":60,"scans":{"x":"y"}`,
			kind: "intel", payload: `"is_new":"false","shasum":"00ff","positives":40,"total":60`,
		},
		{
			eventid: "cowrie.virustotal.scanurl", more: `"url":"http://203.0.113.9/a.sh","positives":4,"total":60`,
			kind: "intel", payload: `"url":"http://203.0.113.9/a.sh","positives":4,"total":60`,
		},
		{eventid: "cowrie.session.connect", more: `"src_port":40000,"dst_ip":"192.0.2.1","dst_port":2222`, skip: SkipBookkeeping},
		{eventid: "cowrie.session.closed", more: `"duration":1.5`, skip: SkipBookkeeping},
		{eventid: "cowrie.session.params", more: `"arch":"linux-x64-lsb","message":[]`, skip: SkipBookkeeping},
		{eventid: "cowrie.client.size", more: `"width":80,"height":24`, skip: SkipBookkeeping},
		{eventid: "cowrie.log.open", more: `"ttylog":"x"`, skip: SkipBookkeeping},
		{eventid: "cowrie.log.closed", more: `"ttylog":"x","size":1,"shasum":"00"`, skip: SkipBookkeeping},
		{eventid: "cowrie.not.yet", more: `"input":"x"`, skip: SkipUnknown},
		{eventid: "another.honeypot", skip: SkipUnknown},
	} {
		t.Run(tt.eventid+" "+tt.more, func(t *testing.T) {
			line := strings.Replace(cowrieLine(tt.eventid, tt.more), `"message":"made up",`, "", 1)
			ev, repairs, err := newCowrie(t, DefaultLimits()).Event([]byte(line), at())
			if skip, _ := errors.AsType[SkipError](err); skip.Reason != tt.skip || err != nil && tt.skip == "" || repairs != 0 {
				t.Fatalf("Event = %d repairs, %v, want to skip as %q", repairs, err, tt.skip)
			}
			if tt.skip != "" {
				return
			}
			if ev.SourceID == "" {
				t.Error("no source_id")
			}
			ev.SourceID = ""
			want := tagger.TaggerEvent{
				SourceKind: tt.kind, AttackerUUID: "34ed22b8-102a-5669-bc15-0c9452d5fa38", SessionID: "0123456789ab", DeckyID: "decoy-1",
				EventTime: time.Date(2026, 1, 31, 12, 0, 0, 123456000, time.UTC),
				Payload:   []byte(`{"eventid":"` + tt.eventid + `","src_ip":"198.51.100.7",` + tt.payload + `}`),
			}
			if diff := cmp.Diff(want, ev); diff != "" {
				t.Errorf("Event (-want +got):\n%s\n%s", diff, ev.Payload)
			}
		})
	}
}

// Every eventid of the table has a row in the document, with its kind and the members of its payload.
func TestTheDocumentedTableOfCowrieIsTheDecoders(t *testing.T) {
	doc, err := os.ReadFile("../../docs/cowrie.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range cowrieTable() {
		var ids []string
		for id := range strings.FieldsSeq(row.eventids) {
			ids = append(ids, "`"+id+"`")
		}
		line := fmt.Sprintf("| %s | `%s` | %s |\n", strings.Join(ids, ", "), row.kind, documented(row))
		if row.skip != "" {
			line = fmt.Sprintf("| %s | skipped: `%s` | |\n", strings.Join(ids, ", "), row.skip)
		}
		if !strings.Contains(string(doc), line) {
			t.Errorf("docs/cowrie.md lacks the row\n%s", line)
		}
	}
}

// documented is the payload of a row as the document writes it: what the event is read for in bold.
func documented(row cowrieRow) string {
	var members []string
	content := false
	for m := range strings.FieldsSeq(row.payload) {
		name, from, renamed := strings.Cut(m, "=")
		switch {
		case name == "|":
			content = true
			continue
		case content:
			name = "**`" + name + "`**"
		default:
			name = "`" + name + "`"
		}
		if renamed {
			name += " (" + from + ")"
		}
		members = append(members, name)
	}
	if row.result != "" {
		members = append(members, "`result` = "+row.result)
	}
	return strings.Join(members, ", ")
}

// What releases of former years, and other time zones, write differently.
func TestCowrieOfOldReleases(t *testing.T) {
	d := newCowrie(t, DefaultLimits())
	for _, tt := range []struct {
		name, line string
		want       string // attacker, session, decky, time and payload
	}{
		{
			"2018: no protocol, but the part of the program",
			`{"eventid":"cowrie.login.failed","timestamp":"2018-06-13T00:11:38.105166Z","system":"SSHService 'ssh-userauth' on HoneyPotSSHTransport,7,198.51.100.7","isError":0}`,
			`   2018-06-13T00:11:38.105166Z {"eventid":"cowrie.login.failed","service":"ssh","result":"failure"}`,
		},
		{
			"2018: the same of Telnet",
			`{"eventid":"cowrie.login.failed","timestamp":"2018-06-13T00:11:38Z","system":"CowrieTelnetTransport,7,198.51.100.7"}`,
			`   2018-06-13T00:11:38Z {"eventid":"cowrie.login.failed","service":"telnet","result":"failure"}`,
		},
		{
			"a part that says nothing, no sensor but the number of the instance",
			`{"eventid":"cowrie.login.failed","timestamp":"2018-06-13T00:11:38Z","system":"-","sensor":"","uuid":"u-1"}`,
			`  u-1 2018-06-13T00:11:38Z {"eventid":"cowrie.login.failed","result":"failure"}`,
		},
		{
			"no zone", `{"eventid":"cowrie.login.failed","timestamp":"2016-10-16T13:16:06.9"}`,
			`   2016-10-16T13:16:06.9Z {"eventid":"cowrie.login.failed","result":"failure"}`,
		},
		{
			"a zone without colon", `{"eventid":"cowrie.login.failed","timestamp":"2016-10-16T13:16:06.900620+0200"}`,
			`   2016-10-16T11:16:06.90062Z {"eventid":"cowrie.login.failed","result":"failure"}`,
		},
		{
			"a zone with a colon", `{"eventid":"cowrie.login.failed","timestamp":"2016-10-16T13:16:06-01:30"}`,
			`   2016-10-16T14:46:06Z {"eventid":"cowrie.login.failed","result":"failure"}`,
		},
		{
			"members of other types are no reason to lose the event",
			`{"eventid":"cowrie.login.failed","timestamp":"2018-06-13T00:11:38Z","src_ip":7,"session":["x"],"sensor":{},"uuid":null,"protocol":null,"system":1,"username":null,"password":12}`,
			`   2018-06-13T00:11:38Z {"eventid":"cowrie.login.failed","src_ip":7,"password":12,"result":"failure"}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ev, _, err := d.Event([]byte(tt.line), at())
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join([]string{ev.AttackerUUID, ev.SessionID, ev.DeckyID, ev.EventTime.Format(time.RFC3339Nano), string(ev.Payload)}, " ")
			if got != tt.want {
				t.Errorf("Event =\n%s, want\n%s", got, tt.want)
			}
		})
	}
}

// An address is one attacker, however it is written.
func TestAttackersOfAddresses(t *testing.T) {
	v4, v6 := attackerOf("198.51.100.7"), attackerOf("2001:db8::1")
	if want := uuid.NewSHA1(attackers, []byte("198.51.100.7")).String(); v4 != want || v6 == v4 {
		t.Errorf("attackers %s and %s, want %s and another", v4, v6, want)
	}
	for address, want := range map[string]string{
		"::ffff:198.51.100.7": v4, "::FFFF:C633:6407": v4, "2001:0DB8:0:0::0001": v6, "2001:db8::1%eth0": v6,
		"": "", "a pseudonym": uuid.NewSHA1(attackers, []byte("a pseudonym")).String(),
	} {
		if got := attackerOf(address); got != want {
			t.Errorf("attackerOf(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestWhatIsNoEventOfCowrie(t *testing.T) {
	d := newCowrie(t, Limits{PayloadBytes: 300, Depth: 3, Fields: 20})
	for _, tt := range []struct {
		name, value string
		class       Class
		text        string
	}{
		{"nothing", "", Undecodable, "the event is empty, want a JSON object"},
		{"text", "2026-01-31T12:00:00 connection lost", Undecodable, `the event begins with "2", want a JSON object`},
		{"Avro", "\xc3\x01\xf1\x2c\xf6\x30\xc8\x52\xd0\x4f", Undecodable, `the event begins with "\xc3", want a JSON object`},
		{"a list", "[" + cowrieLine("cowrie.session.connect", "") + "]", Undecodable, `the event begins with "[", want a JSON object`},
		{"half of an event", `{"eventid":"cowrie.command.input","in`, Undecodable, "the event: invalid JSON at byte 37: unexpected EOF"},
		{"two events", `{"eventid":"a"} {"eventid":"b"}`, Undecodable, "the event: something follows the JSON object at byte 15"},
		{"no eventid", `{"timestamp":"2026-01-31T12:00:00Z","message":"x"}`, BadField, "eventid is missing or null, want a string"},
		{"an eventid that is empty", `{"eventid":"","timestamp":"2026-01-31T12:00:00Z"}`, BadField, "eventid is empty"},
		{"an eventid that is a number", `{"eventid":1,"timestamp":"2026-01-31T12:00:00Z"}`, BadField, "eventid: want a string, got a number"},
		{"an eventid given twice", `{"eventid":"a","timestamp":"x","eventid":"b"}`, BadField, `"eventid" is given twice`},
		{"no timestamp", `{"eventid":"cowrie.session.connect"}`, BadField, "timestamp is missing or null, want a string"},
		{"a timestamp that is a number", `{"eventid":"a","timestamp":1769860800}`, BadField, "timestamp: want a string, got a number"},
		{
			"a timestamp that is no time", `{"eventid":"a","timestamp":"31 Jan 2026 12:00:00"}`, BadField,
			`timestamp: "31 Jan 2026 12:00:00" is not a time such as 2026-01-31T12:00:00.123456Z`,
		},
		{
			"a time of no zone that there is", `{"eventid":"a","timestamp":"2026-01-31T12:00:00 CEST"}`, BadField,
			`timestamp: "2026-01-31T12:00:00 CEST" is not a time such as 2026-01-31T12:00:00.123456Z`,
		},
		{"an event too large", cowrieLine("cowrie.command.input", `"input":"`+strings.Repeat("x", 300)+`"`), TooLarge, "the event has 492 bytes, over the limit of 300 (limits.payload_bytes)"},
		{"an event too deep", `{"eventid":"a","timestamp":"x","input":{"a":[[]]}}`, TooDeep, "the event: nests too deep: over 3 levels at byte 46 (limits.depth)"},
		{"too many fields", "{" + strings.Repeat(`"a":1,`, 20) + `"a":1}`, TooLarge, "the event: has too many fields: over 20 at byte 124 (limits.fields)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := d.Event([]byte(tt.value), at())
			wantFault(t, err, tt.class, tt.text)
		})
	}
}

// One bad byte must not make an attacker invisible, wherever it stands.
func TestCowrieIsRepaired(t *testing.T) {
	line := strings.Replace(cowrieLine("cowrie.command.input", "\"input\":\"wget \xff\\ud800\""), "decoy-1", "decoy-\xfe", 1)
	ev, repairs, err := newCowrie(t, DefaultLimits()).Event([]byte(line), at())
	if err != nil || repairs != 3 || ev.DeckyID != "decoy-\ufffd" || !strings.Contains(string(ev.Payload), "\"wget \ufffd\\ufffd\"") {
		t.Errorf("Event = %s of %q, %d repairs, %v, want 3 repairs", ev.Payload, ev.DeckyID, repairs, err)
	}
}

func TestFormatValidateNamesWhatThereIs(t *testing.T) {
	for _, f := range Formats() {
		if err := f.Validate(); err != nil {
			t.Errorf("%s: Validate = %v", f, err)
		}
	}
	if _, err := NewDecoderOf("syslog", DefaultLimits()); err == nil || err.Error() != `unknown format "syslog"; known: tagger_event, cowrie` {
		t.Errorf("NewDecoderOf = %v, want the formats named", err)
	}
}
