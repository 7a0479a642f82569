package modelsync

import (
	"encoding/json"
	"fmt"

	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// order adds which models nodes copy first: those that the claim declares, in its
// order.
func order(p plan.Plan, d *kit.Desired) {
	if len(p.ModelOrder) == 0 {
		d.RemoveAfter(plan.SyncOrder)
		return
	}

	// Nothing is put where others could read it.
	g := kit.All(account(p), kit.After(plan.ArtefactKey(plan.BucketAccess), plan.ArtefactKey(plan.BucketOwnership)))

	d.AddWhen(g, plan.SyncOrder, &s3.Object{Spec: s3.ObjectSpec{ForProvider: s3.ObjectParameters{
		BucketRef:   d.Ref(plan.ArtefactKey(plan.BucketItself)),
		Key:         new(plan.OrderObject),
		Content:     new(ordered(p.ModelOrder)),
		ContentType: new("application/json"),
		// What the provider says otherwise is refused where objects are all their
		// bucket's owner's.
		ACL: new("bucket-owner-full-control"),
		// An object has ten tags at most, and people may have more.
		Tags: map[string]*string{plan.TagStudio: new(p.StudioTag())},
	}}})
}

// ordered is what the daemon on a node reads.
func ordered(first []string) string {
	b, err := json.Marshal(struct {
		First []string `json:"first"`
	}{first})
	if err != nil {
		// Strings always marshal.
		panic(fmt.Sprintf("cannot marshal order: %v", err))
	}

	return string(b)
}
