package plan

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

func TestCost(t *testing.T) {
	regional := func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Network.Egress = v1alpha1.EgressRegionalNAT }
	inOffice := func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Access.AllowedCIDRs = []string{"203.0.113.0/24"} }

	cases := map[string]struct {
		reason string
		mods   []func(*v1alpha1.ComfyUIStudio)
		want   Cost
	}{
		"Default": {
			reason: "Asleep: control plane 0.10, two nodes 0.1632, NAT 0.05, load balancer 0.0225. Awake: a g6.2xlarge more, the cheaper of its types.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled()},
			want:   Cost{Hourly: "1.31", Idle: "0.34"},
		},
		"NoServerAwake": {
			reason: "A pool that starts from nothing costs nothing until somebody asks.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(withMinServers(0))},
			want:   Cost{Hourly: "0.34", Idle: "0.34"},
		},
		"ManyServers": {
			reason: "Five servers are two nodes of four GPUs each, which are cheaper than five of one.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(ofTypes("g4dn.16xlarge", "g4dn.12xlarge"), withMinServers(5), withMaxGPUs(8), func(p *v1alpha1.Pool) { p.Servers.Max = 5 })},
			want:   Cost{Hourly: "8.16", Idle: "0.34"},
		},
		"TwoPools": {
			reason: "Every pool counts, a spot pool at on-demand price.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(), pooled(ofTypes("g6e.xlarge"), func(p *v1alpha1.Pool) { p.Purchase = v1alpha1.PurchaseSpot })},
			want:   Cost{Hourly: "3.17", Idle: "0.34"},
		},
		"RegionalNAT": {
			reason: "A NAT gateway that spans three zones is billed in each.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(), regional},
			want:   Cost{Hourly: "1.41", Idle: "0.44"},
		},
		"WebACL": {
			reason: "AWS WAF costs something where it is used: 0.3357 and 0.0082 are 0.34 still.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(), inOffice, func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Network.ZoneIDs = []string{"apne1-az1", "apne1-az2"} }, regional},
			want:   Cost{Hourly: "1.37", Idle: "0.39"},
		},
		"WebACLWithoutCDN": {
			reason: "Without CloudFront there is none: the ranges are rules of the load balancer's security group.",
			mods:   []func(*v1alpha1.ComfyUIStudio){pooled(), inOffice, withoutCDN, func(xr *v1alpha1.ComfyUIStudio) { xr.Spec.Network.ZoneIDs = []string{"apne1-az1", "apne1-az2"} }, regional},
			want:   Cost{Hourly: "1.36", Idle: "0.39"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := newPlan(t, tc.mods...).Cost()
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nCost(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestPrices holds the table complete and dated: what is left out is free.
func TestPrices(t *testing.T) {
	table, err := prices()
	if err != nil {
		t.Fatal(err)
	}

	if _, err := time.Parse(time.DateOnly, table.Date); err != nil || table.Region == "" {
		t.Errorf("the table is of %q in %q: %v", table.Date, table.Region, err)
	}

	h := table.HourlyUSD
	for what, price := range map[string]usd{
		"controlPlane": h.ControlPlane, "systemNode": h.SystemNode, "natGateway": h.NATGateway, "publicAddress": h.PublicAddress,
		"regionalNATZone": h.RegionalNATZone, "loadBalancer": h.LoadBalancer, "webACL": h.WebACL,
	} {
		if price <= 0 || price > dollar {
			t.Errorf("%s: %s dollars an hour", what, price)
		}
	}
}

func TestUSD(t *testing.T) {
	cases := map[string]struct {
		reason, in, want string
	}{
		"Cents":     {reason: "Cents are kept.", in: "1.28", want: "1.28"},
		"Up":        {reason: "Half a cent is a cent.", in: "0.335", want: "0.34"},
		"Down":      {reason: "Less is none.", in: "0.334999", want: "0.33"},
		"ToDollars": {reason: "A carry reaches the dollars.", in: "0.999", want: "1.00"},
		"Nothing":   {reason: "Nothing has cents too.", in: "0", want: "0.00"},
		"Negative":  {reason: "Nobody is paid for a studio.", in: "-1", want: "-1 is no amount of dollars"},
		"NoNumber":  {reason: "Words are no amount.", in: `"much"`, want: `"much" is no amount of dollars`},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var a usd

			err := json.Unmarshal([]byte(tc.in), &a)

			got := a.String()
			if err != nil {
				got = err.Error()
			}

			if got != tc.want {
				t.Errorf("%s\nusd(%s): want %q, got %q", tc.reason, tc.in, tc.want, got)
			}
		})
	}
}
