package main

import "github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"

// costStatus tells what the studio costs. It follows from the spec and a table,
// so it never changes by itself.
func costStatus(a answer, s *v1alpha1.ComfyUIStudioStatus) {
	// A table that cannot be read is found by the tests; nobody else is to blame.
	if c, err := a.plan.Cost(); err == nil {
		s.Cost = &v1alpha1.CostStatus{HourlyUSD: c.Hourly, IdleHourlyUSD: c.Idle}
	}
}
