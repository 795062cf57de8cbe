package pipelines

import "runtime"

// prismThreads is what in-process prism needs to leave a core or two for work: while a bundle is under way it
// spins, polling a channel that is already closed (Beam 2.77, runners/prism/internal stage.Execute). With
// GOMAXPROCS 2 on two cores that spin took 85 % of the samples; with 8, throughput was 2.4 times as high.
const prismThreads = 8

// giveThreads raises GOMAXPROCS for prism's spinning; nets are bounded by cores on their own (models).
func giveThreads() { runtime.GOMAXPROCS(max(prismThreads, runtime.NumCPU())) }
