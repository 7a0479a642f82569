package kit_test

import (
	"errors"
	"maps"
	"slices"
	"strings"

	xpv1 "github.com/crossplane/crossplane-runtime/v2/apis/common/v1"
	ec2 "github.com/upbound/provider-aws/v2/apis/namespaced/ec2/v1beta1"
	eks "github.com/upbound/provider-aws/v2/apis/namespaced/eks/v1beta1"
	iam "github.com/upbound/provider-aws/v2/apis/namespaced/iam/v1beta1"
	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
)

func init() {
	kit.Register(ec2.AddToScheme)
	kit.Register(eks.AddToScheme)
	kit.Register(iam.AddToScheme)
	kit.Register(s3.AddToScheme)
}

// inventory knows every key that does not start with "unknown", and names the
// bucket and nothing else.
type inventory struct{}

func (inventory) Known(k kit.Key) bool  { return !strings.HasPrefix(string(k), "unknown") }
func (inventory) Name(k kit.Key) string { return "studio-" + string(k) }
func (inventory) Region() string        { return "eu-west-1" }
func (inventory) Remedy(kit.Key) string { return "put it back" }
func (inventory) ProviderConfig() xpv1.ProviderConfigReference {
	return xpv1.ProviderConfigReference{Kind: "ProviderConfig", Name: "account"}
}

func (inventory) ExternalName(k kit.Key) string {
	if k == "bucket" {
		return "a-global-name"
	}

	return ""
}

func (inventory) Tags(k kit.Key) map[string]string {
	return map[string]string{"key": string(k)}
}

func observe(states map[kit.Key]kittest.State) kit.Observed {
	return kittest.Observe(inventory{}.Name, states)
}

// answer is a Result as far as tests compare it.
type answer struct {
	Composed []kit.Key
	NotReady []kit.Key
	Waiting  map[kit.Key][]string
	Leaving  map[kit.Key][]kit.Key
	Errors   []string
}

func answerOf(d *kit.Desired) answer {
	r, err := kittest.ResultOf(d)
	if err != nil {
		return answer{Errors: strings.Split(err.Error(), "\n")}
	}

	a := answer{Composed: slices.Sorted(maps.Keys(r.Resources)), Waiting: r.Waiting, Leaving: r.Leaving}

	for _, k := range a.Composed {
		if !r.Ready[k] {
			a.NotReady = append(a.NotReady, k)
		}
	}

	return a
}

// objectOf is one desired object, as plain data.
func objectOf(d *kit.Desired, k kit.Key) (map[string]any, error) {
	r, err := kittest.ResultOf(d)
	if err != nil {
		return nil, err
	}

	o := r.Resources[k]
	if o == nil {
		return nil, errors.New("it is not composed")
	}

	return o.Object, nil
}
