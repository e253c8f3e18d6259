// Package attack is the ATT&CK Enterprise matrix of one release: its tactics, its techniques, and what became of
// the techniques that earlier releases had. The rule parser checks what a rule emits against it, and tags take
// the address of their technique from it.
//
// The two tables are embedded and parsed once, on first use. Nothing here changes afterwards, so everything is
// safe for concurrent use. The package imports nothing of ours.
//
// The release as a STIX bundle was not at hand when the tables were made, and 17 replacements are therefore not
// MITRE's own statement: ids of v18.1 that v19.1 no longer has (T1562 and below it, T1070.001, T1070.002, T1656,
// T1672) are listed as revoked, and matched to their successor by name (8) or by reading both (9).
package attack
