package wire

import "strings"

// A cowrieRow says what becomes of cowrie's events of some eventids.
type cowrieRow struct {
	eventids string     // separated by spaces
	skip     SkipReason // the reason if they are no events of ours; "" = they are
	kind     string     // their source kind
	result   string     // what the eventid says of the outcome: a member of the payload; "" = nothing
	payload  string     // the other members of the payload, see cowrieTable
}

// cowrieTable names the members of each payload: those behind the bar are what the event is read for, so that one without
// any of them says nothing, unless it has a result. Where cowrie has another name for a member, it stands behind an
// equals sign. Members are named as rules of the kind know them, and otherwise as cowrie does. Every payload has the
// eventid and the address besides.
//
// docs/cowrie.md shows the table to people; a test holds the two together.
func cowrieTable() []cowrieRow {
	const (
		login   = "service=protocol username password fingerprint type key"
		file    = "protocol url filename destfile outfile shasum"
		forward = "protocol target_host=dst_ip target_port=dst_port"
	)
	return []cowrieRow{
		{eventids: "cowrie.command.input cowrie.command.success cowrie.command.failed", kind: "command", payload: "user=username protocol src=src_ip | command_text=input"},
		{eventids: "cowrie.login.success", kind: "auth_attempt", result: "success", payload: login},
		{eventids: "cowrie.login.failed", kind: "auth_attempt", result: "failure", payload: login},
		{eventids: "cowrie.session.file_download cowrie.session.file_upload", kind: "session", result: "success", payload: file},
		{eventids: "cowrie.session.file_download.failed", kind: "session", result: "failure", payload: file},
		{eventids: "cowrie.session.input", kind: "session", payload: "protocol realm | input"},
		{eventids: "cowrie.client.version", kind: "session", payload: "protocol | version"},
		{eventids: "cowrie.client.kex", kind: "session", payload: "protocol | hassh hasshAlgorithms"},
		{eventids: "cowrie.client.fingerprint", kind: "session", payload: "protocol username | fingerprint type key"},
		{eventids: "cowrie.client.var", kind: "session", payload: "protocol | name value"},
		{eventids: "cowrie.direct-tcpip.request", kind: "session", payload: "protocol | target_host=dst_ip target_port=dst_port"},
		{eventids: "cowrie.direct-tcpip.data", kind: "session", payload: forward + " | body_text=data"},
		{eventids: "cowrie.direct-tcpip.ja4", kind: "session", payload: forward + " | ja4"},
		// Its protocol would be a version of HTTP, and cowrie's is that of the tunnel.
		{eventids: "cowrie.direct-tcpip.ja4h", kind: "http_fingerprint", payload: "client_ip=src_ip seen_at=timestamp target_host=dst_ip target_port=dst_port | ja4h"},
		{eventids: "cowrie.virustotal.scanfile cowrie.virustotal.scanurl", kind: "intel", payload: "is_new | shasum=sha256 url positives total"},
		{eventids: "cowrie.session.connect cowrie.session.closed cowrie.session.params", skip: SkipBookkeeping},
		{eventids: "cowrie.client.size cowrie.log.open cowrie.log.closed", skip: SkipBookkeeping},
	}
}

// What is read of cowrie's events whatever their eventid: the first of the fields of a cowrieReader.
const (
	cowrieEventID = iota
	cowrieTimestamp
	cowrieAddress
	cowrieSession
	cowrieSensor
	cowrieInstance
	cowrieProtocol
	cowrieSystem
)

// A cowrieReader is the table, made ready. It never changes.
type cowrieReader struct {
	fields []string       // the members of cowrie's events that are read
	index  map[string]int // where they stand among fields
	events map[string]*cowrieEvent
}

// A cowrieEvent is what becomes of one eventid.
type cowrieEvent struct {
	cowrieRow
	members []cowrieMember
}

// A cowrieMember is a member of a payload.
type cowrieMember struct {
	name    string // as JSON, with the colon
	field   int    // among the reader's
	content bool   // the event is read for it
}

func newCowrieReader() *cowrieReader {
	r := &cowrieReader{
		fields: []string{"eventid", "timestamp", "src_ip", "session", "sensor", "uuid", "protocol", "system"},
		index:  map[string]int{},
		events: map[string]*cowrieEvent{},
	}
	for i, f := range r.fields {
		r.index[f] = i
	}
	for _, row := range cowrieTable() {
		ev := &cowrieEvent{cowrieRow: row}
		context, content, _ := strings.Cut("eventid src_ip "+row.payload, "|")
		for m := range strings.FieldsSeq(context) {
			ev.members = append(ev.members, r.member(m, false))
		}
		for m := range strings.FieldsSeq(content) {
			ev.members = append(ev.members, r.member(m, true))
		}
		for id := range strings.FieldsSeq(row.eventids) {
			r.events[id] = ev
		}
	}
	return r
}

// member makes the member of a payload that the table describes, and a field for it if there is none yet.
func (r *cowrieReader) member(text string, content bool) cowrieMember {
	name, from, renamed := strings.Cut(text, "=")
	if !renamed {
		from = name
	}
	field, known := r.index[from]
	if !known {
		field = len(r.fields)
		r.fields, r.index[from] = append(r.fields, from), field
	}
	return cowrieMember{name: `"` + name + `":`, field: field, content: content}
}
