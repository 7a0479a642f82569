package keep

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/gateway/cluster"
	"github.com/comfyui-studio/comfyui-studio/gateway/servers"
)

// quiet is how long a server has nothing to do before its mark goes: who sends one
// prompt after the other keeps it.
const quiet = time.Minute

// guard marks servers that work, so that Karpenter takes none of their nodes away for
// being old or out of date. A mark that always stood there would keep old nodes for
// ever, so it goes again. A server that does not answer keeps what it has.
func (k *Keeper) guard(ctx context.Context, at *kept, pods []*corev1.Pod) {
	now, worked := k.Now(), map[types.UID]time.Time{}
	known := k.known()

	for _, p := range pods {
		if p.DeletionTimestamp != nil {
			continue
		}

		s, there := known[string(p.UID)]
		answers := there && s.Asked && s.Misses == 0
		last := at.worked[p.UID]

		if s.Queue > 0 || (cluster.Guarded(p) && (!answers || last.IsZero())) {
			last = now
		}

		worked[p.UID] = last

		if on := !last.IsZero() && now.Sub(last) < quiet; on != cluster.Guarded(p) {
			if err := k.Cluster.Guard(ctx, p.Name, on); err != nil {
				k.Log.Warn("cannot say whether a server works", "server", p.Name, "error", err)
			}
		}
	}

	at.worked = worked
}

// known are the servers by their pods.
func (k *Keeper) known() map[string]servers.Server {
	out := map[string]servers.Server{}
	for _, s := range k.Table.All("") {
		out[s.UID] = s
	}

	return out
}
