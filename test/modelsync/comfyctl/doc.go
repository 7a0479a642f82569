// Package comfyctl runs the command line comfyctl as people do, as a program,
// against an S3 that is versitygw's front before a bucket in memory.
package comfyctl
