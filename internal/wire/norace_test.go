//go:build !race

package wire

// raceEnabled says whether the race detector is on. It makes pools forget things at random.
const raceEnabled = false
