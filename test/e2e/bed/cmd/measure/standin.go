package main

import (
	"context"
	"fmt"
	"strings"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/wire"
)

// standInPrefix starts the key of every stand-in.
const standInPrefix = "standin-"

// A standIn is a resource that stands for one that the studio does not compose
// yet. It is a real kind which the simulated AWS makes as it makes the others.
type standIn struct {
	gate.Gate

	apiVersion, kind string
	spec             map[string]any
	// exist are resources that must exist beforehand: both sides of a Usage.
	exist []string
}

// standIns are n stand-ins in blocks of eight: a role with what hangs on it, an
// address, and a bucket behind the role with what hangs on it. One in eight is a
// Usage, as in the studio. Every other block waits for the bucket of the one
// before, so that they come in five waves.
func standIns(namespace string, n int) []standIn {
	var out []standIn

	after := ""

	for i := 0; len(out) < n; i++ {
		block := fmt.Sprintf("%s%02d-", standInPrefix, i)
		out = append(out, standInBlock(namespace, block, after)...)

		after = ""
		if i%2 == 0 {
			after = block + "bucket"
		}
	}

	return out[:n]
}

func standInBlock(namespace, block, after string) []standIn {
	ref := func(key string) map[string]any { return named(objectName(namespace, block+key)) }
	on := func(key string, after ...string) gate.Gate {
		g := gate.Gate{Key: block + key}

		for _, a := range after {
			if a != "" {
				g.After = append(g.After, a)
			}
		}

		return g
	}
	role, bucket, attachment := block+"role", block+"bucket", block+"role-attachment"

	return []standIn{
		managed(on("role", after), "iam", "Role", map[string]any{
			"assumeRolePolicy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":["sts:AssumeRole"]}]}`,
		}),
		regional(on("address", after), "ec2", "EIP", map[string]any{"domain": "vpc"}),
		managed(on("role-policy", role), "iam", "RolePolicy", map[string]any{
			"roleRef": ref("role"),
			"policy":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListAllMyBuckets"],"Resource":["*"]}]}`,
		}),
		managed(on("role-attachment", role), "iam", "RolePolicyAttachment", map[string]any{
			"roleRef":   ref("role"),
			"policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
		}),
		regional(on("bucket", role), "s3", "Bucket", map[string]any{}),
		regional(on("bucket-encryption", bucket), "s3", "BucketServerSideEncryptionConfiguration", map[string]any{
			"bucketRef": ref("bucket"),
			"rule":      []any{map[string]any{"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "AES256"}}},
		}),
		regional(on("bucket-public-access", bucket), "s3", "BucketPublicAccessBlock", map[string]any{
			"bucketRef": ref("bucket"), "blockPublicAcls": true,
		}),
		guard(namespace, "usage-"+role, role, attachment),
	}
}

// regional kinds name their region; IAM has none.
func regional(g gate.Gate, service, kind string, args map[string]any) standIn {
	args["region"] = region
	return managed(g, service, kind, args)
}

func named(name string) map[string]any { return map[string]any{"name": name} }

func managed(g gate.Gate, service, kind string, args map[string]any) standIn {
	return standIn{
		Gate: g, apiVersion: service + ".aws.m.upbound.io/v1beta1", kind: kind,
		spec: map[string]any{
			"forProvider":       args,
			"providerConfigRef": map[string]any{"kind": "ClusterProviderConfig", "name": "default"},
		},
	}
}

// guard is the Usage of a role by its attachment. It has no gate but that both
// exist, as the studio's Usages.
func guard(namespace, key, of, by string) standIn {
	side := func(kind, key string) map[string]any {
		return map[string]any{
			"apiVersion": "iam.aws.m.upbound.io/v1beta1", "kind": kind,
			"resourceRef": named(objectName(namespace, key)),
		}
	}

	return standIn{
		Gate: gate.Gate{Key: key}, apiVersion: "protection.crossplane.io/v1beta1", kind: "Usage",
		spec:  map[string]any{"of": side("Role", of), "by": side("RolePolicyAttachment", by), "replayDeletion": true},
		exist: []string{of, by},
	}
}

func (s standIn) object(namespace string) map[string]any {
	u := &unstructured.Unstructured{Object: map[string]any{"spec": s.spec}}
	u.SetAPIVersion(s.apiVersion)
	u.SetKind(s.kind)
	u.SetName(objectName(namespace, s.Key))

	return u.Object
}

// objectName has the namespace in it: roles and buckets share one account.
func objectName(namespace, key string) string { return namespace + "-" + key }

// withStandIns adds stand-ins to what the function composes in a namespace, each
// when its gates are open, and keeps the claim unready until all are ready. The
// function itself is not shown them.
func withStandIns(namespace string, list []standIn) wire.Hook {
	return func(ctx context.Context, req *fnv1.RunFunctionRequest, next wire.Next) (*fnv1.RunFunctionResponse, error) {
		if namespaceOf(req) != namespace {
			return next(ctx, req)
		}

		observed := observedBy(req)

		for _, s := range list {
			delete(req.GetObserved().GetResources(), s.Key)
		}

		rsp, err := next(ctx, req)
		if err != nil {
			return rsp, err
		}

		return rsp, add(rsp.GetDesired(), namespace, list, observed)
	}
}

// observation is what gates ask of the observed resources: existence by key,
// with readiness.
type observation map[string]bool

func observedBy(req *fnv1.RunFunctionRequest) observation {
	out := observation{}
	for k, r := range req.GetObserved().GetResources() {
		out[k] = gate.Ready(r.GetResource().AsMap())
	}

	return out
}

func (o observation) exists(key string) bool {
	_, ok := o[key]
	return ok
}

// wants says whether a stand-in is to be composed: what exists stays.
func (o observation) wants(s standIn) bool {
	if o.exists(s.Key) {
		return true
	}

	for _, k := range s.After {
		if !o[k] {
			return false
		}
	}

	for _, k := range s.exist {
		if !o.exists(k) {
			return false
		}
	}

	return true
}

func add(desired *fnv1.State, namespace string, list []standIn, observed observation) error {
	all := true

	for _, s := range list {
		all = all && observed[s.Key]

		if !observed.wants(s) {
			continue
		}

		o, err := structpb.NewStruct(s.object(namespace))
		if err != nil {
			return fmt.Errorf("cannot compose stand-in %s: %w", s.Key, err)
		}

		ready := fnv1.Ready_READY_FALSE
		if observed[s.Key] {
			ready = fnv1.Ready_READY_TRUE
		}

		if desired.Resources == nil {
			desired.Resources = map[string]*fnv1.Resource{}
		}

		desired.Resources[s.Key] = &fnv1.Resource{Resource: o, Ready: ready}
	}

	if !all && desired.GetComposite() != nil {
		desired.Composite.Ready = fnv1.Ready_READY_FALSE
	}

	return nil
}

// standInGates are the gates of stand-ins, without Usages, which have none.
func standInGates(list []standIn) []gate.Gate {
	var out []gate.Gate

	for _, s := range list {
		if !strings.HasPrefix(s.Key, "usage-") {
			out = append(out, s.Gate)
		}
	}

	return out
}

func namespaceOf(req *fnv1.RunFunctionRequest) string {
	return req.GetObserved().GetComposite().GetResource().GetFields()["metadata"].GetStructValue().GetFields()["namespace"].GetStringValue()
}
