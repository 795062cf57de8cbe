// Package transforms holds the Beam transforms of the caching pipeline: [Lookup], stateful per stream,
// which answers hits and passes misses on, and [FullModel], which answers misses in batches. What they
// decide is in the package policy; here is the plumbing.
package transforms
