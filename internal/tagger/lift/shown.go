package lift

// shown are the keys that evidence may have in tags of lifters about events of a source kind: fields of the payload and
// what lifters add. Nothing else leaves, whatever a rule or a lifter says. No password, no text of a mail or a note, no
// address of a person.
func shown(kind string) []string {
	switch kind {
	case "auth_attempt":
		return []string{"fail_count", "password_count", "username", "service", "result", "prior_brute"}
	case "credential":
		return []string{"credential_hash", "reuse_count"}
	case "identity":
		return []string{"shared_password_hash", "account_count"}
	}
	return nil
}
