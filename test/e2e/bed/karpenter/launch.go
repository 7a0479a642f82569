package karpenter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// Karpenter's patience (v1.14.0): launchTimeout and registrationTimeout of the
// NodeClaim life cycle, UnavailableOfferingsTTL of the provider.
const (
	launchTimeout       = 5 * time.Minute
	registrationTimeout = 15 * time.Minute
	unavailableFor      = 3 * time.Minute
	maxBackoff          = time.Minute
)

// unfulfillable are EC2's codes that Karpenter takes for a lack of capacity.
var unfulfillable = []string{
	"InsufficientInstanceCapacity", "MaxSpotInstanceCountExceeded", "VcpuLimitExceeded", "UnfulfillableCapacity", "Unsupported",
	"InsufficientFreeAddressesInSubnet", "MaxFleetCountExceeded", "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
}

// launch buys an instance for each NodeClaim that has none.
func (k *karpenter) launch(ctx context.Context, w *world) error {
	errs := []error{}

	for _, c := range w.claims {
		m := k.claims[c.UID]
		if c.DeletionTimestamp != nil || c.conditions().is(launched) || k.clock.Now() < m.retry {
			continue
		}

		if k.clock.Now() > m.seen+launchTimeout {
			errs = append(errs, k.unhealthy(ctx, w, c), k.deleteClaim(ctx, c))
			continue
		}

		errs = append(errs, k.launchOne(ctx, w, c, m))
	}

	return errors.Join(errs...)
}

func (k *karpenter) launchOne(ctx context.Context, w *world, c *nodeClaim, m *claimMemory) error {
	before := c.Status
	before.Conditions = slices.Clone(c.Status.Conditions)
	conds := c.conditions()
	conds.await(launched, registered, initialized)

	class, pool := w.class(c.Spec.NodeClassRef.Name), w.pool(c.Labels[labelPool])
	if class == nil || pool == nil || class.DeletionTimestamp != nil {
		return k.noCapacity(ctx, c, "resolving nodeclass, nodeclass not found")
	}

	o, i, failures := k.buy(pool, class, c)
	if len(failures) > 0 && !slices.ContainsFunc(failures, func(f string) bool { return !isUnfulfillable(f) }) {
		return k.noCapacity(ctx, c, "creating instance, insufficient capacity, with fleet error(s), "+strings.Join(failures, "; "))
	}

	if i == nil {
		reason, message := reasonOf(strings.Join(failures, "; "))
		conds.unknown(launched, reason, message)
		conds.root(launched, registered, initialized)

		m.backoff = min(max(2*m.backoff, time.Second), maxBackoff)
		m.retry = k.clock.Now() + m.backoff
		k.Logf("karpenter of cluster %s: launching nodeclaim %s: %s", k.Cluster, c.Name, strings.Join(failures, "; "))

		return k.writeStatus(ctx, nodeClaims(), c.Name, before, c.Status)
	}

	raid := class.Spec.InstanceStorePolicy == "RAID0"
	m.launched = k.clock.Now()
	c.Status.ProviderID = "aws:///" + o.zone.Zone + "/" + i.ID
	c.Status.ImageID = "ami-0123456789abcdef0"
	c.Status.Capacity, c.Status.Allocatable = o.capacity(raid), o.allocatable(raid)
	c.Labels = merged(k.labels(pool, class.Name, o), c.Labels)
	conds.yes(launched)
	conds.unknown(registered, "NodeNotFound", "Node not registered with cluster")
	conds.root(launched, registered, initialized)
	k.Logf("karpenter of cluster %s: launched nodeclaim %s as %s (%s)", k.Cluster, c.Name, i.ID, o.key())

	return errors.Join(
		k.patch(ctx, nodeClaims(), c.Name, map[string]any{"metadata": map[string]any{"labels": c.Labels}}),
		k.writeStatus(ctx, nodeClaims(), c.Name, before, c.Status),
	)
}

// buy asks EC2 for the offerings of one purchase, the cheapest first. Spot is
// asked for while any of it is left; on demand is for the next NodeClaim, when
// spot was out of capacity.
func (k *karpenter) buy(pool *nodePool, class *nodeClass, c *nodeClaim) (offering, *cloud.Resource, []string) {
	options := slices.DeleteFunc(k.offerings(pool, class), func(o offering) bool {
		return !allMet(c.Spec.Requirements, k.labels(pool, class.Name, o))
	})
	if len(options) == 0 {
		return offering{}, nil, []string{"UnfulfillableCapacity: all requested instance types were unavailable during launch"}
	}

	if denied := k.mayLaunch(class, pool.Name, options[0].purchase); denied != "" {
		return offering{}, nil, []string{denied}
	}

	failures := []string{}

	for _, o := range options {
		if o.purchase != options[0].purchase {
			break
		}

		i, err := k.AWS.Create(k.request(class, pool, c, o))
		if err == nil {
			return o, &i, nil
		}

		failure := plain(err)
		if !slices.Contains(failures, failure) {
			failures = append(failures, failure)
		}

		if isUnfulfillable(failure) {
			k.unavailable[o.key()] = k.clock.Now() + unavailableFor
		}
	}

	return offering{}, nil, failures
}

// mayLaunch is the refusal of IAM, if there is one.
func (k *karpenter) mayLaunch(class *nodeClass, pool, purchase string) string {
	if !k.reachesAWS() {
		return "RequestError: send request failed"
	}

	for _, call := range []string{"CreateLaunchTemplate", "CreateFleet", "RunInstances"} {
		for _, r := range k.launching(class, pool, call) {
			if !k.can(r) {
				return "UnauthorizedOperation: You are not authorized to perform this operation. " + r.action + " on " + r.resource
			}
		}
	}

	// The account is fresh: nobody used spot instances in it before.
	slr := "arn:aws:iam::" + k.AWS.AccountID() + ":role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
	if purchase == spot && !k.can(k.ask("iam:CreateServiceLinkedRole", slr).with(map[string]string{"iam:AWSServiceName": "spot.amazonaws.com"})) {
		return "AuthFailure.ServiceLinkedRoleCreationNotPermitted: The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances."
	}

	return ""
}

func (k *karpenter) request(class *nodeClass, pool *nodePool, c *nodeClaim, o offering) cloud.Call {
	groups := []any{}
	for _, g := range class.Status.SecurityGroups {
		groups = append(groups, g.ID)
	}

	tags := map[string]any{
		"kubernetes.io/cluster/" + k.Cluster: "owned", "eks:eks-cluster-name": k.Cluster,
		labelPool: pool.Name, labelClass: class.Name, "karpenter.sh/nodeclaim": c.Name,
	}
	for key, v := range class.Spec.Tags {
		tags[key] = v
	}

	call := k.call(o, c.Name)
	call.Args = cloud.Values{
		"region": k.Region, "instanceType": o.name, "subnetId": o.zone.ID, "vpcSecurityGroupIds": groups,
		"iamInstanceProfile": class.Status.InstanceProfile, "tags": tags, "capacityType": o.purchase,
	}

	return call
}

// plain is what EC2 said. A fault says it in its message.
func plain(err error) string {
	s := strings.TrimPrefix(err.Error(), "api error ")
	s = strings.TrimPrefix(s, "InjectedFailure: ")

	return strings.Replace(s, "ThrottlingException", "RequestLimitExceeded", 1)
}

func isUnfulfillable(failure string) bool {
	code, _, _ := strings.Cut(failure, ":")

	return slices.Contains(unfulfillable, code)
}

// noCapacity gives up a NodeClaim that cannot be launched now. Its pods make
// another one.
func (k *karpenter) noCapacity(ctx context.Context, c *nodeClaim, why string) error {
	if len(why) >= 300 {
		why = why[:300] + "..."
	}

	k.recorder.Eventf(claimRef(c), corev1.EventTypeWarning, "InsufficientCapacityError", "NodeClaim %s event: %s", c.Name, why)
	k.Logf("karpenter of cluster %s: failed launching nodeclaim %s: %s", k.Cluster, c.Name, why)

	return k.deleteClaim(ctx, c)
}

func (k *karpenter) deleteClaim(ctx context.Context, c *nodeClaim) error {
	err := k.dynamic.Resource(nodeClaims()).Delete(ctx, c.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: uid(c)}})
	if err != nil && !kerrors.IsNotFound(err) {
		return fmt.Errorf("cannot delete NodeClaim %s: %w", c.Name, err)
	}

	return nil
}

func uid(c *nodeClaim) *types.UID { return &c.UID }

// reasonOf turns EC2's words into the reason and message of a condition, as
// the provider's errors.ToReasonMessage does.
func reasonOf(failure string) (reason, message string) {
	for _, r := range []struct{ contains, reason, message string }{
		{"AuthFailure.ServiceLinkedRoleCreationNotPermitted", "SpotSLRCreationFailed", "User does not have sufficient permission to create the Spot ServiceLinkedRole to launch spot instances"},
		{"UnauthorizedOperation", "Unauthorized", "User is not authorized to perform this operation because no identity-based policy allows it"},
		{"belong to different networks", "SecurityGroupSubnetVPCMismatch", "Security groups and subnets must be in the same VPC."},
		{"iamInstanceProfile.name is invalid", "InstanceProfileNameInvalid", "Instance profile name used from EC2NodeClass status does not exist"},
		{"RequestLimitExceeded", "RequestLimitExceeded", "Request limit exceeded"},
		{"MaxSpotInstanceCountExceeded", "SpotQuotaExceeded", "A spot instance launch was requested but this would exceed your spot instance quota"},
		{"VcpuLimitExceeded", "VCPULimitExceeded", "An instance was requested that would exceed your VCPU quota"},
	} {
		if strings.Contains(failure, r.contains) {
			return r.reason, r.message
		}
	}

	return "LaunchFailed", "Instance launch failed"
}
