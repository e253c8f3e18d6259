package tagger

import "time"

// A TaggerEvent is one observation of a sensor. The name is the Avro record's.
type TaggerEvent struct { //nolint:revive // it stutters, and is the record's name
	SourceKind   string    // what was observed: "command", "http_request", ...; never empty
	SourceID     string    // the observation's own id, unique within its kind; never empty
	AttackerUUID string    // "" = null, here and below
	IdentityUUID string    //
	SessionID    string    //
	DeckyID      string    // the decoy that saw it
	EventTime    time.Time // microseconds, UTC; the zero time = null
	Payload      []byte    // a JSON object, valid UTF-8: opaque to everything but taggers
}

// Anchor is the identity that an event belongs to: the first that is not empty of attacker, identity, session
// and source id.
func (e *TaggerEvent) Anchor() string {
	for _, id := range [...]string{e.AttackerUUID, e.IdentityUUID, e.SessionID} {
		if id != "" {
			return id
		}
	}
	return e.SourceID
}

// BuiltinKinds lists the source kinds that the worker knows without any rule, in the order of the documentation.
// A Sigma mapping may add kinds of its own.
func BuiltinKinds() []string {
	return []string{
		"command", "intel", "email", "canary_fingerprint", "identity", "credential", "auth_attempt", "payload",
		"session", "http_request", "http_fingerprint", "ipv6_leak",
	}
}
