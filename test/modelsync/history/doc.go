// Package history is the model test of model sync: random histories of a bucket,
// its nodes and everything between them that can fail, against the real mirror.
//
// While a history goes on, readers on every node read every name all the time:
// what they get must be one whole version that was put under that key, never one
// older than they saw before, and a name may be missing only if its object was.
// After each quiet period every node equals the bucket, byte for byte.
package history
