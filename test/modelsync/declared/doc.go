// Package declared tests how declared models come into the bucket: the real
// fetcher, as the process that a build starts, between hosts on TLS and S3.
package declared
