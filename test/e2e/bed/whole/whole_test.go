package whole

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// production is the studio that TestStudios works on.
type production struct {
	studio

	cluster    workload
	departures *departures
}

// TestStudios takes the production studio of the examples from its first resource
// to its last: two pools, one of them spot, a login elsewhere, a domain. Smaller
// studios come and go beside it; each has a Kubernetes API of its own.
func TestStudios(t *testing.T) {
	if os.Getenv("BED_LONG") == "" {
		t.Skip("takes ten minutes on two cores, and CI has 75 for everything: `make test-long` runs it; CI runs TestThree")
	}

	begin := shared.Cloud().Clock().Now()
	s := example(t, "art", "production.yaml", nil)
	s.awaitReady()
	t.Logf("Ready after %.1f simulated minutes", (shared.Cloud().Clock().Now() - begin).Minutes())

	p := production{studio: s, cluster: s.cluster(), departures: s.watchDepartures()}

	t.Run("Side", func(t *testing.T) {
		t.Run("Production", func(t *testing.T) {
			t.Parallel()
			p.each(t, []part{
				{"Runs", runs},
				{"KeepsSecrets", keepsSecrets},
				{"KeepsReplicas", keepsReplicas},
				{"Drifts", drifts},
				{"ChangesPools", changesPools},
				{"LacksCapacity", lacksCapacity},
				{"LacksImage", lacksImage},
			})
		})
		t.Run("Others", func(t *testing.T) {
			t.Parallel()
			othersGo(t)
		})
	})

	// What is wrong for every studio, when the others have gone.
	p.each(t, []part{
		{"LosesProvider", losesProvider},
		{"LosesKubeconfig", losesKubeconfig},
		{"Goes", goes},
	})
}

// part is what happens to the production studio next.
type part struct {
	name string
	run  func(production)
}

func (p production) each(t *testing.T, parts []part) {
	t.Helper()

	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) { part.run(p.in(t)) })
	}
}

// in is the same production in a part of the test.
func (p production) in(t *testing.T) production {
	t.Helper()

	p.studio = p.studio.in(t)
	p.cluster.t = t

	return p
}

// runs: everything is there and Ready, and the status tells so.
func runs(p production) {
	p.cluster.awaitServers("people", 1)

	for k, o := range p.composed() {
		for _, is := range []string{"Synced", "Ready"} {
			if c := conditionOf(o, is); c != nil && c["status"] != "True" {
				p.t.Errorf("%s is not %s: %v %v", k, is, c["reason"], c["message"])
			}
		}
	}

	p.await(func(o *unstructured.Unstructured) error {
		status := nested(o, "status")
		resources := status["resources"].(map[string]any)

		if total, _ := resources["total"].(int64); total < 120 || resources["ready"] != total {
			return fmt.Errorf("status.resources is %v", resources)
		}

		for _, typ := range []string{"Network", "Cluster", "Capacity", "Storage", "ModelSync", "Image", "Workload", "Edge"} {
			if c := conditionOf(o, typ+"Ready"); c["status"] != "True" {
				return fmt.Errorf("%sReady is %v: %v", typ, c["status"], c["message"])
			}
		}

		if status["url"] != "https://studio.example.com" || !strings.HasPrefix(text(status["servers"]), "1/") {
			return fmt.Errorf("status.url is %v, status.servers %v", status["url"], status["servers"])
		}

		cost, _ := status["cost"].(map[string]any)
		if text(cost["hourlyUSD"]) == "" || text(cost["idleHourlyUSD"]) == "" {
			return fmt.Errorf("status.cost is %v", cost)
		}

		return pools(o, "people", "batch")
	})
}

// pools checks that the status has these pools, all of which have run a server.
func pools(o *unstructured.Unstructured, names ...string) error {
	got := []string{}

	all, _, _ := unstructured.NestedSlice(o.Object, "status", "pools")
	for _, p := range all {
		if m := p.(map[string]any); m["started"] == true {
			got = append(got, text(m["name"]))
		}
	}

	if fmt.Sprint(got) != fmt.Sprint(names) {
		return fmt.Errorf("status.pools that started are %v, want %v", got, names)
	}

	return nil
}

func nested(o *unstructured.Unstructured, path ...string) map[string]any {
	m, _, _ := unstructured.NestedMap(o.Object, path...)
	return m
}

// token is the one in a kubeconfig.
var token = regexp.MustCompile(`token: (\S+)`)

// keepsSecrets: no credential is in the claim or in what it is composed of.
func keepsSecrets(p production) {
	all, err := p.client(secretKind).List(p.t.Context(), metav1.ListOptions{})
	if err != nil {
		p.t.Fatal(err)
	}

	where := map[string]string{}

	for k, o := range p.composed() {
		if o.GetKind() != "Secret" {
			where[k] = asText(p.t, o)
		}
	}

	where["the claim"] = asText(p.t, p.get())
	n := 0

	for i := range all.Items {
		for k, v := range nested(&all.Items[i], "data") {
			value, err := base64.StdEncoding.DecodeString(text(v))
			if err != nil {
				p.t.Fatal(err)
			}

			secret := string(value)
			if m := token.FindStringSubmatch(secret); m != nil {
				secret = m[1]
			} else if k == "endpoint" || k == "clusterCA" || len(secret) < 8 {
				continue
			}

			n++

			for place, content := range where {
				// CloudFront takes the origin's header in no other way, see ADR 5.
				if k == "origin-secret" && place == "edge-distribution" {
					continue
				}

				if strings.Contains(content, secret) || strings.Contains(content, base64.StdEncoding.EncodeToString([]byte(secret))) {
					p.t.Errorf("key %s of Secret %s is in %s", k, all.Items[i].GetName(), place)
				}
			}
		}
	}

	if n < 4 {
		p.t.Errorf("looked for %d secrets, there must be more", n)
	}
}

func asText(t *testing.T, o *unstructured.Unstructured) string {
	t.Helper()

	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}

	return string(b)
}

// goes: deleted while servers are at work, a studio takes its nodes along before
// what they need, also when that lasts 40 minutes, which is more than a token.
func goes(p production) {
	if len(living(p.cluster.name)) == 0 {
		p.t.Fatal("no node lives, so nothing is shown")
	}

	takes := cloud.DurationsOf(cloud.Kind{Service: "ec2", Name: "Instance"}).Delete
	if err := shared.Cloud().SetFaults(cloud.Fault{
		Kind: "Instance", Operation: cloud.OpDelete, Mode: cloud.Slow, Factor: float64(40*time.Minute) / float64(takes),
	}); err != nil {
		p.t.Fatal(err)
	}

	before := p.composed()
	begin := shared.Cloud().Clock().Now()

	p.delete()
	p.claim().AwaitGone(before)
	p.t.Logf("gone after %.1f simulated minutes", (shared.Cloud().Clock().Now() - begin).Minutes())
	p.nothingLeft(p.cluster.name)

	d := p.departures
	for _, pool := range []string{"people", "batch"} {
		p.inOrder(d, "workload-servers-"+pool, "capacity-node-pool-"+pool, "capacity-node-class-"+pool, "capacity-karpenter")
	}

	// Behind Karpenter they need not wait for one another.
	for _, k := range []string{"cluster-provider-kubernetes", "cluster-provider-helm", "cluster-auth"} {
		p.inOrder(d, "capacity-karpenter", k)
	}

	for _, e := range instances(p.cluster.name) {
		if class := d.of("capacity-karpenter"); e.Deleted > class {
			p.t.Errorf("instance %s ended at %.0f s, after Karpenter, which left at %.0f s", e.ID, e.Deleted, class)
		}
	}
}
