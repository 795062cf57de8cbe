// Package evaluation decides which nets and settings make a good pack, and proves it: it scores every net
// once on labelled frames with the runtime that will serve, plays seeded streams over the scores with the
// same policy code that serves, tunes the policy and all its rivals under one accuracy budget, and
// compares them on frames that none of them was tuned on.
package evaluation
