package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

func TestTags(t *testing.T) {
	cases := map[string]struct {
		reason string
		tags   map[string]v1alpha1.TagValue
		want   map[string]string
	}{
		"Ours": {
			reason: "Everything can be found by its studio and its part.",
			want:   map[string]string{"Name": "tokyo-128572-network-vpc", TagStudio: "art/tokyo", TagPart: "network"},
		},
		"UsersUnderOurs": {
			reason: "The claim's tags are added; ours win, since policies rely on them.",
			tags:   map[string]v1alpha1.TagValue{"team": "art", TagStudio: "someone/else", "Name": "mine", TagPart: ""},
			want:   map[string]string{"team": "art", "Name": "tokyo-128572-network-vpc", TagStudio: "art/tokyo", TagPart: "network"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlan(t, func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Tags = tc.tags })

			got := p.Tags(VPC)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nTags(...): -want, +got:\n%s", tc.reason, diff)
			}

			// A map of its own: what one resource does to it is not seen by the next.
			got["team"] = "changed"

			if diff := cmp.Diff(tc.want, p.Tags(VPC)); diff != "" {
				t.Errorf("Tags are shared between resources.\nTags(...): -want, +got:\n%s", diff)
			}
		})
	}
}
