// Package matchtest makes payloads to test and measure matching with: the same ones for the same seed, on every
// machine and with every Go release. It depends on nothing, and its texts are its own; what the rules of a run look
// for is passed in as a Vocabulary. It also reads the archive of public Sigma rules, where there is one.
package matchtest
