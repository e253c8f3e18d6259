package telemetry

import (
	"cmp"
	"runtime/debug"
)

// version is set by the linker (-X ttpworker/internal/telemetry.version=...); a plain build says what the module and the
// checkout say.
var version string

// Version is that of this build.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return cmp.Or(info.Main.Version, "unknown")
}
