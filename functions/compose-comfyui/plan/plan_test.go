package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

// claim is the shortest claim as the API server hands it on, changed by mods.
func claim(mods ...func(*v1alpha1.ComfyUIStudio)) *v1alpha1.ComfyUIStudio {
	xr := &v1alpha1.ComfyUIStudio{
		ObjectMeta: metav1.ObjectMeta{Namespace: "art", Name: "tokyo"},
		Spec: v1alpha1.ComfyUIStudioSpec{
			Region:            "ap-northeast-1",
			ProviderConfigRef: v1alpha1.ProviderConfigRef{Kind: "ClusterProviderConfig", Name: "default"},
			Kubernetes:        v1alpha1.Kubernetes{Version: "1.35", APIAllowedCIDRs: []string{"0.0.0.0/0"}},
			Network:           v1alpha1.Network{CIDR: "10.42.0.0/16", Egress: v1alpha1.EgressSingleNAT},
		},
	}
	for _, m := range mods {
		m(xr)
	}

	return xr
}

func newPlan(t testing.TB, mods ...func(*v1alpha1.ComfyUIStudio)) Plan {
	t.Helper()

	p, err := New(claim(mods...))
	if err != nil {
		t.Fatal(err)
	}

	return p
}

func withoutCDN(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Access.CDN = new(false) }

func called(namespace, name string) func(*v1alpha1.ComfyUIStudio) {
	return func(xr *v1alpha1.ComfyUIStudio) { xr.Namespace, xr.Name = namespace, name }
}

func inRegion(name string) func(*v1alpha1.ComfyUIStudio) {
	return func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Region = name }
}

func inZones(ids ...string) func(*v1alpha1.ComfyUIStudio) {
	return func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Network.ZoneIDs = ids }
}

func inRange(cidr string) func(*v1alpha1.ComfyUIStudio) {
	return func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Network.CIDR = cidr }
}

// TestRefused holds that every refusal names the path in the spec and says what
// to write instead.
func TestRefused(t *testing.T) {
	const (
		regions = "af-south-1, ap-northeast-1, ap-northeast-2, ap-northeast-3, ap-south-1, ap-southeast-1, ap-southeast-2, " +
			"ca-central-1, ca-west-1, eu-central-1, eu-central-2, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-2, eu-west-3, " +
			"il-central-1, me-central-1, %ssa-east-1, us-east-1, us-east-2, us-west-1, us-west-2"
		undefaulted = ": is empty; the API server fills it in, and so does crossplane render --xrd"
	)

	known := strings.Replace(regions, "%s", "mx-central-1, ", 1)
	withOrigins := strings.Replace(regions, "%s", "", 1)

	cases := map[string]struct {
		reason string
		claim  *v1alpha1.ComfyUIStudio
		want   string
	}{
		"UnknownRegion": {
			reason: "A region that the catalogue does not know is refused with those that it knows, and nothing else is judged.",
			claim:  claim(inRegion("eu-east-9"), inRange("none")),
			want:   `spec.region: "eu-east-9" is not in the catalogue; use one of ` + known,
		},
		"ExcludedZone": {
			reason: "A zone without a service that the studio needs is refused with the service's name.",
			claim:  claim(inRegion("us-east-1"), inZones("use1-az1", "use1-az3")),
			want:   "spec.network.zoneIDs[1]: use1-az3 cannot be used, EKS is not offered there; use use1-az1, use1-az2, use1-az4, use1-az5, use1-az6",
		},
		"ExcludedForVPCOrigins": {
			reason: "So is one that CloudFront cannot reach.",
			claim:  claim(inZones("apne1-az3", "apne1-az1")),
			want:   "spec.network.zoneIDs[0]: apne1-az3 cannot be used, VPCOrigins is not offered there; use apne1-az1, apne1-az2, apne1-az4",
		},
		"ForeignZone": {
			reason: "A zone of another region is refused.",
			claim:  claim(inZones("apne1-az1", "use1-az1")),
			want:   "spec.network.zoneIDs[1]: use1-az1 is not a zone of ap-northeast-1; use apne1-az1, apne1-az2, apne1-az4",
		},
		"OneZone": {
			reason: "EKS needs two zones.",
			claim:  claim(inZones("apne1-az1")),
			want:   "spec.network.zoneIDs: EKS needs 2 zones; ap-northeast-1 offers apne1-az1, apne1-az2, apne1-az4",
		},
		"NoRange": {
			reason: "What is no range at all is refused with one that is.",
			claim:  claim(inRange("10.42.0.0")),
			want:   `spec.network.cidr: "10.42.0.0" is not an IPv4 range; write one such as 10.42.0.0/16`,
		},
		"IPv6Range": {
			reason: "IPv6 has no place in the plan of addresses.",
			claim:  claim(inRange("2001:db8::/16")),
			want:   "spec.network.cidr: 2001:db8::/16 must be an IPv4 range of /16 to /20",
		},
		"RangeTooSmall": {
			reason: "Below /20 the subnets are too small for a load balancer.",
			claim:  claim(inRange("10.42.0.0/21")),
			want:   "spec.network.cidr: 10.42.0.0/21 must be an IPv4 range of /16 to /20",
		},
		"RangeTooLarge": {
			reason: "AWS allows no VPC above /16.",
			claim:  claim(inRange("10.0.0.0/15")),
			want:   "spec.network.cidr: 10.0.0.0/15 must be an IPv4 range of /16 to /20",
		},
		"NoVPCOrigins": {
			reason: "CloudFront where it cannot reach the studio is refused with the regions where it can.",
			claim:  claim(inRegion("mx-central-1")),
			want:   "spec.access.cdn: CloudFront has no VPC origins in mx-central-1; set it to false, or use one of " + withOrigins,
		},
		"Undefaulted": {
			reason: "A claim that no API server has filled in makes no half of a studio: everything that is missing is named, sorted.",
			claim: &v1alpha1.ComfyUIStudio{
				ObjectMeta: metav1.ObjectMeta{Name: "tokyo"},
				Spec:       v1alpha1.ComfyUIStudioSpec{Region: "ap-northeast-1"},
			},
			want: "spec.network.cidr" + undefaulted + "\n" +
				"metadata.namespace" + undefaulted + "\n" +
				"spec.kubernetes.apiAllowedCIDRs" + undefaulted + "\n" +
				"spec.kubernetes.version" + undefaulted + "\n" +
				"spec.providerConfigRef" + undefaulted,
		},
		"EverythingWrong": {
			reason: "All that is wrong is told at once: a claim is then right on the second try.",
			claim:  claim(inRegion("mx-central-1"), inZones("mxc1-az9", "use1-az3"), func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Kubernetes.Version = "" }),
			want: "spec.network.zoneIDs[0]: mxc1-az9 is not a zone of mx-central-1; use mxc1-az1, mxc1-az2, mxc1-az3\n" +
				"spec.network.zoneIDs[1]: use1-az3 is not a zone of mx-central-1; use mxc1-az1, mxc1-az2, mxc1-az3\n" +
				"spec.access.cdn: CloudFront has no VPC origins in mx-central-1; set it to false, or use one of " + withOrigins + "\n" +
				"spec.kubernetes.version" + undefaulted,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			// More than once, because what is missing is kept in a map.
			for range 5 {
				_, err := New(tc.claim)
				if err == nil {
					t.Fatalf("%s\nNew(...): want an error, got none", tc.reason)
				}

				if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
					t.Errorf("%s\nNew(...): -want, +got:\n%s", tc.reason, diff)
				}
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.ComfyUIStudio
	}{
		"WithoutCDN": {
			reason: "A region without VPC origins serves a studio that has no CloudFront.",
			claim:  claim(inRegion("mx-central-1"), withoutCDN),
		},
		"SmallestRange": {reason: "/20 is the smallest range.", claim: claim(inRange("192.168.16.0/20"))},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := New(tc.claim); err != nil {
				t.Errorf("%s\nNew(...): %v", tc.reason, err)
			}
		})
	}
}

func TestZones(t *testing.T) {
	cases := map[string]struct {
		reason string
		mods   []func(*v1alpha1.ComfyUIStudio)
		want   Network
	}{
		"Catalogue": {
			reason: "Without a choice the studio is in every usable zone; the excluded one keeps its place in the addresses.",
			want: Network{CIDR: "10.42.0.0/16", Zones: []Zone{
				{ID: "apne1-az1", PrivateCIDR: "10.42.0.0/19", PublicCIDR: "10.42.224.0/23"},
				{ID: "apne1-az2", PrivateCIDR: "10.42.32.0/19", PublicCIDR: "10.42.226.0/23"},
				{ID: "apne1-az4", PrivateCIDR: "10.42.96.0/19", PublicCIDR: "10.42.230.0/23"},
			}},
		},
		"Claim": {
			reason: "The claim's order is kept, since the first two hold the control plane; addresses go by the catalogue all the same.",
			mods:   []func(*v1alpha1.ComfyUIStudio){inZones("apne1-az4", "apne1-az1")},
			want: Network{CIDR: "10.42.0.0/16", Zones: []Zone{
				{ID: "apne1-az4", PrivateCIDR: "10.42.96.0/19", PublicCIDR: "10.42.230.0/23"},
				{ID: "apne1-az1", PrivateCIDR: "10.42.0.0/19", PublicCIDR: "10.42.224.0/23"},
			}},
		},
		"Masked": {
			reason: "Bits behind the prefix count for nothing.",
			mods:   []func(*v1alpha1.ComfyUIStudio){inRange("10.42.7.9/20"), inZones("apne1-az1", "apne1-az2")},
			want: Network{CIDR: "10.42.0.0/20", Zones: []Zone{
				{ID: "apne1-az1", PrivateCIDR: "10.42.0.0/23", PublicCIDR: "10.42.14.0/27"},
				{ID: "apne1-az2", PrivateCIDR: "10.42.2.0/23", PublicCIDR: "10.42.14.32/27"},
			}},
		},
		"RegionalNAT": {
			reason: "The way out is a switch and moves no address.",
			mods: []func(*v1alpha1.ComfyUIStudio){
				inZones("apne1-az1", "apne1-az2"),
				func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Network.Egress = v1alpha1.EgressRegionalNAT },
			},
			want: Network{CIDR: "10.42.0.0/16", RegionalNAT: true, Zones: []Zone{
				{ID: "apne1-az1", PrivateCIDR: "10.42.0.0/19", PublicCIDR: "10.42.224.0/23"},
				{ID: "apne1-az2", PrivateCIDR: "10.42.32.0/19", PublicCIDR: "10.42.226.0/23"},
			}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, newPlan(t, tc.mods...).Network); diff != "" {
				t.Errorf("%s\nNew(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestClusterZones holds that a zone added at the end leaves the control plane,
// the system nodes and the NAT gateway where they are.
func TestClusterZones(t *testing.T) {
	before := newPlan(t, inZones("apne1-az4", "apne1-az1")).Network
	after := newPlan(t, inZones("apne1-az4", "apne1-az1", "apne1-az2")).Network

	if diff := cmp.Diff(before.ClusterZones(), after.ClusterZones()); diff != "" {
		t.Errorf("ClusterZones(): -before, +after:\n%s", diff)
	}

	if diff := cmp.Diff(before.NATZone(), after.NATZone()); diff != "" {
		t.Errorf("NATZone(): -before, +after:\n%s", diff)
	}

	if diff := cmp.Diff(before.Zones, after.Zones[:2]); diff != "" {
		t.Errorf("Zones: -before, +after:\n%s", diff)
	}
}

// TestSorted holds that the order of a set in the claim changes nothing: lists
// are compared as a whole when they are applied.
func TestSorted(t *testing.T) {
	with := func(principals, cidrs []string) Kubernetes {
		return newPlan(t, func(xr *v1alpha1.ComfyUIStudio) {
			xr.Spec.Kubernetes.AdminPrincipals, xr.Spec.Kubernetes.APIAllowedCIDRs = principals, cidrs
		}).Kubernetes
	}

	one := with([]string{"b", "a"}, []string{"198.51.100.0/24", "192.0.2.0/24"})
	other := with([]string{"a", "b"}, []string{"192.0.2.0/24", "198.51.100.0/24"})

	if diff := cmp.Diff(one, other); diff != "" {
		t.Errorf("New(...): -one order, +other order:\n%s", diff)
	}
}
