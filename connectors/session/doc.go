// Package session holds what belongs to one job inside one process: the byte credit between source and sink (the
// backpressure that prism does not give), the drain flag, which offsets are durable, and the parts that the job's
// DoFns share (connections, the Parquet writer, the streams' memory).
//
// DoFns are serialised, so they carry the id of their job and look its session up with [Find]. An id is in one of
// three states:
//
//   - open: [Open] issued it and the session is not closed. Find returns the session.
//   - closed: this process issued it, and the session has been closed. Find returns [ErrClosed], so a bundle that
//     outlives its job (prism keeps some running after it lost the job) cannot open a second writer.
//   - elsewhere: another process issued it, and this one is a worker of that job. Find returns a session of this
//     process without credit; there the runner's own flow control applies.
//
// An id contains a random identity of the process that issued it. Closed and elsewhere are distinguished by it, so nothing
// has to be remembered of closed sessions.
//
// The package is a leaf: it imports only schemas, and every package may import it.
package session
