package karpenter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// classes makes the EC2NodeClasses ready, each when what it selects is there
// and a dry run of a launch is allowed.
func (k *karpenter) classes(ctx context.Context, w *world) error {
	errs := []error{}

	for _, c := range w.classes {
		if c.DeletionTimestamp != nil {
			continue
		}

		if !slices.Contains(c.Finalizers, classFinalizer) {
			errs = append(errs, k.finalizers(ctx, nodeClasses(), c.ObjectMeta, append(slices.Clone(c.Finalizers), classFinalizer)))
			continue
		}

		before := c.Status
		before.Conditions = slices.Clone(c.Status.Conditions)
		k.resolve(c)
		errs = append(errs, k.writeStatus(ctx, nodeClasses(), c.Name, before, c.Status))
	}

	return errors.Join(errs...)
}

func (k *karpenter) resolve(c *nodeClass) {
	conds := c.conditions()
	conds.await(amisReady, subnetsReady, groupsReady, profileReady, validationSucceeded, placementReady, reservationsReady)
	conds.yes(amisReady)
	conds.yes(placementReady)
	conds.yes(reservationsReady)

	if c.Status.Subnets = k.subnets(c.Spec.SubnetSelectorTerms); len(c.Status.Subnets) == 0 {
		conds.no(subnetsReady, "SubnetsNotFound", "SubnetSelector did not match any Subnets")
	} else {
		conds.yes(subnetsReady)
	}

	if c.Status.SecurityGroups = k.groups(c.Spec.SecurityGroupSelectorTerms); len(c.Status.SecurityGroups) == 0 {
		conds.no(groupsReady, "SecurityGroupsNotFound", "SecurityGroupSelector did not match any SecurityGroups")
	} else {
		conds.yes(groupsReady)
	}

	// A profile that somebody else owns is taken as it is named. One that is
	// made from a role needs permissions that a studio does not give.
	if c.Spec.InstanceProfile != "" {
		c.Status.InstanceProfile = c.Spec.InstanceProfile
		conds.yes(profileReady)
	} else {
		conds.unknown(profileReady, "AwaitingReconciliation", "object is awaiting reconciliation")
	}

	k.validate(c, conds)
	conds.root(amisReady, subnetsReady, groupsReady, profileReady, validationSucceeded, placementReady, reservationsReady)
}

// validate is Karpenter's dry run of a launch.
func (k *karpenter) validate(c *nodeClass, conds conditions) {
	if !conds.is(subnetsReady) || !conds.is(groupsReady) {
		conds.no(validationSucceeded, "DependenciesNotReady", "Awaiting AMI, Instance Profile, Security Group, and Subnet resolution")
		return
	}

	if !conds.is(profileReady) {
		conds.unknown(validationSucceeded, "DependenciesNotReady", "Awaiting AMI, Instance Profile, Security Group, and Subnet resolution")
		return
	}

	for _, step := range []struct{ call, reason string }{
		{"CreateLaunchTemplate", "CreateLaunchTemplateAuthCheckFailed"},
		{"CreateFleet", "CreateFleetAuthCheckFailed"},
		{"RunInstances", "RunInstancesAuthCheckFailed"},
	} {
		for _, r := range k.launching(c, "", step.call) {
			if !k.can(r) {
				conds.no(validationSucceeded, step.reason, fmt.Sprintf(
					"Controller isn't authorized to call ec2:%s: User is not authorized to perform this operation because no identity-based policy allows it", step.call))
				k.Logf("karpenter of cluster %s: UnauthorizedOperation: %s on %s", k.Cluster, r.action, r.resource)

				return
			}
		}
	}

	// EC2 does not find the profile: the real one takes that for its eventual
	// consistency, tries again, and says nothing.
	if _, ok := k.profileRole(c.Status.InstanceProfile); !ok {
		conds.unknown(validationSucceeded, "AwaitingReconciliation", "object is awaiting reconciliation")
		return
	}

	conds.yes(validationSucceeded)
}

// profileRole is the role in an instance profile.
func (k *karpenter) profileRole(profile string) (cloud.Resource, bool) {
	for _, p := range k.AWS.List(cloud.Kind{Service: "iam", Name: "InstanceProfile"}, k.Region) {
		if p.ID != profile || p.State == cloud.StateDeleting {
			continue
		}

		for _, r := range k.AWS.List(cloud.Kind{Service: "iam", Name: "Role"}, k.Region) {
			if r.ID == p.Args.String("role") && r.State != cloud.StateDeleting {
				return r, true
			}
		}
	}

	return cloud.Resource{}, false
}

// launching are the requests that one of EC2's calls to launch an instance is
// checked as, in the scopes of Karpenter's own policy.
func (k *karpenter) launching(c *nodeClass, pool, call string) []request {
	tagged := func(kind, resource string) request {
		keys := map[string]string{
			"aws:" + kind + "Tag/kubernetes.io/cluster/" + k.Cluster: "owned", "aws:" + kind + "Tag/eks:eks-cluster-name": k.Cluster,
			"aws:" + kind + "Tag/karpenter.sh/nodepool": pool, "aws:" + kind + "Tag/" + labelClass: c.Name,
		}
		for tag, v := range c.Spec.Tags {
			keys["aws:"+kind+"Tag/"+tag] = v
		}

		return k.ask("ec2:"+call, k.arn("ec2", resource)).with(keys)
	}
	tagging := func(resource string) request {
		r := tagged("Request", resource)
		r.action = "ec2:CreateTags"

		return r.with(map[string]string{"ec2:CreateAction": call})
	}

	if call == "CreateLaunchTemplate" {
		return []request{tagged("Request", "launch-template/*"), tagging("launch-template/*")}
	}

	out := []request{tagged("Resource", "launch-template/lt-0123456789abcdef0"), k.ask("ec2:"+call, k.arn("ec2", "image/ami-0123456789abcdef0"))}

	for _, s := range c.Status.Subnets {
		out = append(out, k.ask("ec2:"+call, k.arn("ec2", "subnet/"+s.ID)))
	}

	for _, g := range c.Status.SecurityGroups {
		out = append(out, k.ask("ec2:"+call, k.arn("ec2", "security-group/"+g.ID)))
	}

	made := []string{"instance/*", "volume/*", "network-interface/*"}
	if call == "CreateFleet" {
		made = append(made, "fleet/*")
	}

	for _, m := range made {
		out = append(out, tagged("Request", m), tagging(m))
	}

	if role, ok := k.profileRole(c.Status.InstanceProfile); ok && call == "RunInstances" {
		to := map[string]string{"iam:PassedToService": "ec2.amazonaws.com"} //nolint:gosec // The key is AWS's.
		out = append(out, k.ask("iam:PassRole", role.ARN).with(to))
	}

	return out
}

func (k *karpenter) subnets(terms []selectorTerm) []classSubnet {
	out := []classSubnet{}

	for _, s := range k.AWS.List(ec2("Subnet"), k.Region) {
		if s.State != cloud.StateDeleting && selects(terms, s) {
			out = append(out, classSubnet{s.ID, s.Attrs.String("availabilityZone"), s.Attrs.String("availabilityZoneId")})
		}
	}

	slices.SortFunc(out, func(a, b classSubnet) int { return strings.Compare(a.ID, b.ID) })

	return out
}

func (k *karpenter) groups(terms []selectorTerm) []classGroup {
	out := []classGroup{}

	for _, g := range k.AWS.List(ec2("SecurityGroup"), k.Region) {
		if g.State != cloud.StateDeleting && selects(terms, g) {
			out = append(out, classGroup{g.ID, g.Args.String("name")})
		}
	}

	// The cluster's own group is in nobody's list, but it is there.
	for _, c := range k.AWS.List(cloud.Kind{Service: "eks", Name: "Cluster"}, k.Region) {
		id := c.Attrs.String("vpcConfig.clusterSecurityGroupId")
		if slices.ContainsFunc(terms, func(t selectorTerm) bool { return t.ID == id || t.Tags["aws:eks:cluster-name"] == c.ID }) {
			out = append(out, classGroup{id, "eks-cluster-sg-" + c.ID})
		}
	}

	slices.SortFunc(out, func(a, b classGroup) int { return strings.Compare(a.ID, b.ID) })

	return out
}

// selects tells whether one of the terms selects a resource.
func selects(terms []selectorTerm, r cloud.Resource) bool {
	return slices.ContainsFunc(terms, func(t selectorTerm) bool {
		if t.ID != "" {
			return t.ID == r.ID
		}

		if t.Name != "" && t.Name != r.Args.String("name") {
			return false
		}

		tags, _ := r.Args.Get("tags").(map[string]any)
		for key, want := range t.Tags {
			v, ok := tags[key].(string)
			if !ok || want != "*" && want != v {
				return false
			}
		}

		return t.Name != "" || len(t.Tags) > 0
	})
}

// finalizeClasses lets an EC2NodeClass go when no NodeClaim is left of it, and
// when Karpenter may look for the profiles and templates it would have made.
func (k *karpenter) finalizeClasses(ctx context.Context, w *world) error {
	errs := []error{}

	for _, c := range w.classes {
		if c.DeletionTimestamp == nil || !slices.Contains(c.Finalizers, classFinalizer) {
			continue
		}

		if left := w.claimsOf(c.Name); len(left) > 0 {
			k.recorder.Eventf(object(schema.GroupVersionKind{Group: groupAWS, Version: "v1", Kind: "EC2NodeClass"}, c.Name, c.UID),
				corev1.EventTypeNormal, "WaitingOnNodeClaimTermination", "Waiting on NodeClaim termination for %s", strings.Join(left, ", "))

			continue
		}

		if r, ok := k.mayFinalize(c); !ok {
			k.Logf("karpenter of cluster %s: EC2NodeClass %s stays: AccessDenied: %s on %s", k.Cluster, c.Name, r.action, r.resource)
			continue
		}

		errs = append(errs, k.finalizers(ctx, nodeClasses(), c.ObjectMeta, without(c.Finalizers, classFinalizer)))
	}

	return errors.Join(errs...)
}

func (w *world) claimsOf(class string) []string {
	out := []string{}

	for _, c := range w.claims {
		if c.Spec.NodeClassRef.Name == class {
			out = append(out, c.Name)
		}
	}

	return out
}

// mayFinalize asks for what the finalizer calls; the request that is refused.
func (k *karpenter) mayFinalize(c *nodeClass) (request, bool) {
	iam := func(action, resource string) request {
		return k.ask(action, "arn:aws:iam::"+k.AWS.AccountID()+":"+resource)
	}

	for _, r := range []request{
		iam("iam:ListInstanceProfiles", "instance-profile/karpenter/"+k.Region+"/"+k.Cluster+"/"+string(c.UID)+"/"),
		// The name that a version before would have given its profile.
		iam("iam:GetInstanceProfile", "instance-profile/"+k.Cluster+"_0123456789"),
		k.ask("ec2:DeleteLaunchTemplate", k.arn("ec2", "launch-template/lt-0123456789abcdef0")).with(map[string]string{
			"aws:ResourceTag/kubernetes.io/cluster/" + k.Cluster: "owned", "aws:ResourceTag/karpenter.sh/nodepool": "",
			"aws:ResourceTag/eks:eks-cluster-name": k.Cluster,
		}),
	} {
		if !k.can(r) {
			return r, false
		}
	}

	return request{}, true
}
