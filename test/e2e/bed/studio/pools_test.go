package studio

import "testing"

// TestPools adds, changes and removes a pool of a live studio.
func TestPools(t *testing.T) {
	s := newStudio(t)
	s.apply(small(nil))
	s.awaitReady()

	pools := func(batch map[string]any) map[string]any {
		all := []any{map[string]any{"name": "default"}}
		if batch != nil {
			all = append(all, batch)
		}

		return small(map[string]any{"pools": all})
	}
	batch := map[string]any{"name": "batch", "purchase": "Spot", "servers": map[string]any{"min": int64(0), "max": int64(2)}}
	other := map[string]any{
		"name": "batch", "purchase": "Spot", "instanceTypes": []any{"g6.4xlarge"}, "servers": map[string]any{"min": int64(0), "max": int64(2)},
	}

	ofBatch := []string{
		"capacity-node-class-batch", "capacity-node-pool-batch",
		"usage-capacity-karpenter-by-capacity-node-class-batch", "usage-capacity-node-class-batch-by-capacity-node-pool-batch",
		"usage-capacity-node-pool-batch-by-workload-budget-batch", "usage-capacity-node-pool-batch-by-workload-servers-batch",
		"usage-capacity-node-pool-batch-by-workload-service-batch",
		"workload-budget-batch", "workload-servers-batch", "workload-service-batch",
	}

	s.walk(t, []step{
		{
			name: "PoolAdded", reason: "The front door is told of the pool; the other pool is left alone.",
			spec: pools(batch), want: difference{Added: ofBatch, Written: []string{"workload-front-door-config"}},
		},
		{
			name: "PoolChanged", reason: "Other instance types are the NodePool's.",
			spec: pools(other), want: difference{Written: []string{"capacity-node-pool-batch"}},
		},
		{
			name: "PoolRemoved", reason: "All that came with it goes.",
			spec: pools(nil), want: difference{Removed: ofBatch, Written: []string{"workload-front-door-config"}},
		},
	})

	s.delete()
}
