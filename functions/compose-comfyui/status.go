package main

import (
	"fmt"
	"maps"
	"strings"

	"github.com/crossplane/function-sdk-go/resource"
	"github.com/crossplane/function-sdk-go/resource/composite"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// desiredClaim is the claim with our status, beside what an earlier function of
// the pipeline said, and nothing else: what is not sent on a run is taken away,
// and what is not ours must not be sent.
func desiredClaim(a answer, earlier any) (*resource.Composite, error) {
	status, err := runtime.DefaultUnstructuredConverter.ToUnstructured(status(a))
	if err != nil {
		return nil, fmt.Errorf("cannot write the claim's status: %w", err)
	}

	if theirs, ok := earlier.(map[string]any); ok {
		maps.Copy(theirs, status)
		status = theirs
	}

	out := composite.New()
	out.SetAPIVersion(a.observedClaim.Resource.GetAPIVersion())
	out.SetKind(a.observedClaim.Resource.GetKind())
	out.Object["status"] = status

	ready := resource.ReadyTrue
	if !a.ready() {
		ready = resource.ReadyFalse
	}

	return &resource.Composite{Resource: out, Ready: ready}, nil
}

// status holds every fact, remembered ones too: a fact that is not written again
// would be forgotten. Nothing in it changes from run to run by itself.
func status(a answer) *v1alpha1.ComfyUIStudioStatus {
	s := &v1alpha1.ComfyUIStudioStatus{
		Account: a.facts.Account,
		Cluster: &v1alpha1.ClusterStatus{
			Name:            a.plan.ClusterName(),
			Endpoint:        a.facts.ClusterEndpoint,
			Version:         a.facts.ClusterVersion,
			SecurityGroupID: a.facts.ClusterSecurityGroupID,
		},
		Network: &v1alpha1.NetworkStatus{
			VPCID:            a.facts.VPCID,
			ZoneIDs:          a.facts.ZoneIDs,
			PrivateSubnetIDs: a.facts.PrivateSubnetIDs,
			EgressIP:         a.facts.EgressIP,
		},
		Resources: countResources(a.result),
	}

	imageStatus(a, s)
	workloadStatus(a, s)
	edgeStatus(a, s)
	costStatus(a, s)

	if a.facts.Account != "" {
		s.Buckets = &v1alpha1.BucketsStatus{
			Models:  a.plan.BucketName(plan.Models),
			Inputs:  a.plan.BucketName(plan.Inputs),
			Outputs: a.plan.BucketName(plan.Outputs),
		}
	}

	return s
}

// countResources leaves Usages out: they are ours, not the studio's.
func countResources(r kit.Result) *v1alpha1.ResourcesStatus {
	out := &v1alpha1.ResourcesStatus{Total: int32(len(r.Waiting))} //nolint:gosec // A few hundred.

	for k := range r.Resources {
		if strings.HasPrefix(string(k), kit.UsagePrefix) {
			continue
		}

		out.Total++

		if r.Ready[k] {
			out.Ready++
		}
	}

	return out
}
