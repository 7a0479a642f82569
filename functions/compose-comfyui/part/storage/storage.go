// Package storage composes the studio's buckets: models, inputs, outputs, each
// closed to the public, encrypted, TLS only, and kept when the studio goes
// unless the claim says otherwise. It waits for the account id, which is part of
// the buckets' names.
package storage

import (
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/bucket"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Compose adds the buckets.
func Compose(p plan.Plan, _ facts.Facts, d *kit.Desired) {
	for _, name := range plan.BucketNames() {
		settings := p.Buckets[name]

		bucket.Bucket{
			Key:     func(a plan.Aspect) kit.Key { return plan.BucketKey(name, a) },
			Name:    p.BucketName(name),
			ARN:     p.BucketARN(name),
			Delete:  settings.Delete,
			Adopted: settings.Adopt != "",
			Rules:   rules(settings),
		}.Add(d)
	}
}
