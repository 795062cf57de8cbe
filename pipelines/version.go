package pipelines

import (
	"runtime/debug"
	"sync/atomic"
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

// runs numbers the runs of this process, so that each has a job of its own.
var runs atomic.Int64
