// Package pipelines runs the pipeline: it assembles the graph, chooses the runner, finds out what is left to read and
// runs one job after the other until nothing is. It is the only package that knows both the transforms and the
// connectors.
//
// A run goes through explicit steps, each with a plain struct that the next one takes:
//
//		configure → lock → supervise: [ survey → plan → start → wait ] … → finish
//
//	  - survey (survey.go) reads the data set and asks Kafka, and changes nothing.
//	  - planWork (plan.go) decides what is left to read. It makes no request.
//	  - start (job.go) opens the job's session and everything in it; what cannot be undone comes last.
//	  - wait (job.go) runs the pipeline, drains it when its context ends, and closes the session.
//
// A job ends for one of a few reasons (reason.go), and one table there says what follows each. Files use only those
// below them: run, group, supervisor, then survey, plan, job and growth, then deaths, streams, graph, reason, config,
// options and the runners.
//
// To know before changing something: files of outcomes are the truth of what is done, committed offsets only follow
// them; a job drains and is not cancelled, since cancelling loses what is in flight; the runner may lose a job at any
// moment, and a job's bundles may outlive it, so everything that a DoFn uses is found through its session.
package pipelines
