package pipelines

import (
	"runtime/debug"
)

// Version is the program's: its module version, or the revision it was built from.
var Version = version()

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return info.Main.Version
}
