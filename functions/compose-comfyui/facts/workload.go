package facts

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
)

// Workload are the facts of part workload.
type Workload struct {
	// Seed is what every secret of the studio is derived from; empty until the
	// studio's Secret was observed.
	Seed string
	// SeedSeen says that there was one, whether or not it is there now.
	SeedSeen bool
	// DrawnSeed is a new one, for a studio that never had any. Nothing is made from
	// it but the Secret, until that was observed: two runs draw two of them.
	DrawnSeed string

	// Pools are the pools of the spec, in its order.
	Pools []Pool
	// Models is how the nodes' models are, as the front door tells.
	Models NodeModels
	// StatusTrouble says why what the front door tells cannot be read; empty where
	// it can, and where it tells nothing yet.
	StatusTrouble string
}

// A Pool is a pool as it runs.
type Pool struct {
	Name string
	// Nodes are GPU nodes that are there. Servers are those that shall run now,
	// ServersReady those that take prompts, and Queue the prompts that wait.
	Nodes, Servers, ServersReady, Queue int32
	// Told says that the front door has told of the pool.
	Told bool
	// Started says that a server of the pool has been ready once.
	Started bool
	// Troubles keep its servers from running.
	Troubles []Trouble
}

// NodeModels are how the models of all nodes are.
type NodeModels struct {
	// Nodes said anything lately, and Equal of them have all that they can have.
	Nodes int32 `json:"nodes"`
	Equal int32 `json:"equal"`
	// Refused and Skipped are how many objects a node cannot have, at most: those that
	// cannot be files, and those that do not fit.
	Refused int32 `json:"refused"`
	Skipped int32 `json:"skipped"`
	// LastError is why one of them has not all models.
	LastError string `json:"lastError"`
}

// A Trouble is something that does not go away by waiting.
type Trouble struct {
	Reason  TroubleReason `json:"reason"`
	Message string        `json:"message"`
}

// A TroubleReason says in one word what the trouble is.
type TroubleReason string

// What the front door tells of a pool. The first group is for part capacity to
// explain, the second for part workload.
const (
	InsufficientCapacity TroubleReason = "InsufficientCapacity"
	SpotShortage         TroubleReason = "SpotShortage"
	QuotaExceeded        TroubleReason = "QuotaExceeded"
	LimitReached         TroubleReason = "LimitReached"
	NodeNotReady         TroubleReason = "NodeNotReady"

	ImagePullFailed TroubleReason = "ImagePullFailed"
	ModelsNotReady  TroubleReason = "ModelsNotReady"
	Crashing        TroubleReason = "Crashing"
	OutOfMemory     TroubleReason = "OutOfMemory"
	NotAnswering    TroubleReason = "NotAnswering"
)

// OfCapacity says whether a trouble is one of getting nodes.
func (r TroubleReason) OfCapacity() bool {
	return slices.Contains([]TroubleReason{InsufficientCapacity, SpotShortage, QuotaExceeded, LimitReached, NodeNotReady}, r)
}

// told is the ConfigMap's status.json, which the front door writes. Fields that
// this version does not know are a newer front door's, and left alone.
type told struct {
	Pools []struct {
		Name         string    `json:"name"`
		Nodes        int32     `json:"nodes"`
		Servers      int32     `json:"servers"`
		ServersReady int32     `json:"serversReady"`
		Queue        int32     `json:"queue"`
		Troubles     []Trouble `json:"troubles"`
	} `json:"pools"`
	Models NodeModels `json:"models"`
}

func recallWorkload(s v1alpha1.ComfyUIStudioStatus) Workload {
	w := Workload{SeedSeen: s.LoginSecretRef != nil}

	for _, p := range s.Pools {
		w.Pools = append(w.Pools, Pool{Name: p.Name, Nodes: p.Nodes, ServersReady: p.ServersReady, Servers: p.Servers, Queue: p.Queue, Started: p.Started})
	}

	return w
}

func (f *Workload) read(p plan.Plan, o kit.Observed) error {
	f.of(p.Pools)

	return errors.Join(f.seed(p, o), f.deployments(o), f.status(o))
}

// of keeps what is remembered of the pools that the spec has.
func (f *Workload) of(pools []plan.Pool) {
	remembered := f.Pools
	f.Pools = make([]Pool, 0, len(pools))

	for _, p := range pools {
		pool := Pool{Name: p.Name}

		for _, r := range remembered {
			if r.Name == p.Name {
				pool = r
			}
		}

		f.Pools = append(f.Pools, pool)
	}
}

func (f *Workload) seed(p plan.Plan, o kit.Observed) error {
	// What carries it on is made only after it was seen.
	f.SeedSeen = f.SeedSeen || o.Exists(plan.StudioSecret) || o.Exists(plan.FrontDoorSecret)

	if !o.Exists(plan.StudioSecret) {
		return nil
	}

	f.Seed = o.Data(plan.StudioSecret, secrets.KeySeed)
	if len(f.Seed) < secrets.SeedSize {
		return fmt.Errorf("Secret %s/%s: key %s holds %d bytes and needs %d random ones, which the studio's password is derived from; restore it, or write new ones for a new password, see docs/runbooks/password.md", //nolint:staticcheck // The sentence begins with a kind's name.
			p.Namespace, p.Name(plan.StudioSecret), secrets.KeySeed, len(f.Seed), secrets.SeedSize)
	}

	return nil
}

// deployment is a Deployment as an Object brings it.
type deployment struct {
	Manifest struct {
		Spec struct {
			Replicas int32 `json:"replicas"`
		} `json:"spec"`
		Status struct {
			ReadyReplicas int32 `json:"readyReplicas"`
		} `json:"status"`
	} `json:"manifest"`
}

// deployments tell of servers before the front door does.
func (f *Workload) deployments(o kit.Observed) error {
	var errs []error

	for i := range f.Pools {
		p := &f.Pools[i]
		d := deployment{}

		seen, err := o.AtProvider(plan.Servers(p.Name), &d)
		errs = append(errs, err)

		if !seen || err != nil {
			continue
		}

		p.Servers, p.ServersReady = d.Manifest.Spec.Replicas, d.Manifest.Status.ReadyReplicas
		p.Started = p.Started || p.ServersReady > 0
	}

	return errors.Join(errs...)
}

// status reads what the front door tells. It is text that a program in another
// cluster writes: what is wrong with it is said in a condition, and keeps nothing
// else from being composed.
func (f *Workload) status(o kit.Observed) error {
	at := struct {
		Manifest struct {
			Data map[string]string `json:"data"`
		} `json:"manifest"`
	}{}
	if _, err := o.AtProvider(plan.StudioStatus, &at); err != nil {
		return err
	}

	text := at.Manifest.Data["status.json"]
	if text == "" {
		return nil
	}

	t := told{}

	if err := json.Unmarshal([]byte(text), &t); err != nil {
		f.StatusTrouble = err.Error()
		return nil //nolint:nilerr // It is told in a condition; see above.
	}

	f.Models = t.Models

	for _, from := range t.Pools {
		for i := range f.Pools {
			p := &f.Pools[i]
			if p.Name != from.Name {
				continue
			}

			if min(from.Nodes, from.Servers, from.ServersReady, from.Queue) < 0 {
				f.StatusTrouble = fmt.Sprintf("pool %s has a count below zero", p.Name)
				continue
			}

			p.Told = true
			p.Nodes, p.Servers, p.ServersReady, p.Queue = from.Nodes, from.Servers, from.ServersReady, from.Queue
			p.Troubles = from.Troubles
			p.Started = p.Started || p.ServersReady > 0
		}
	}

	return nil
}
