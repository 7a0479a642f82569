package main

import (
	"fmt"
	"strings"
)

// A place is a file, or an object of S3.
type place struct {
	file, bucket, key string
}

// newPlace reads what a flag says. Nothing is a place that is nowhere.
func newPlace(flag, text string) (place, error) {
	rest, remote := strings.CutPrefix(text, "s3://")
	if !remote {
		return place{file: text}, nil
	}

	bucket, key, ok := strings.Cut(rest, "/")
	if !ok || bucket == "" || key == "" || strings.HasSuffix(key, "/") {
		return place{}, fmt.Errorf("--%s=%s is no object of S3: write s3://bucket/key", flag, text)
	}

	return place{bucket: bucket, key: key}, nil
}

func (p place) nowhere() bool { return p == place{} }

func (p place) remote() bool { return p.bucket != "" }
