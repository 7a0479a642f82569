package facts

import (
	"errors"
	"fmt"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Capacity are the facts of part capacity.
type Capacity struct {
	// Refused is what Karpenter says against an EC2NodeClass or a NodePool of the
	// spec, in its words. The Object that brought it there tells only that it is
	// not ready.
	Refused map[kit.Key]string
}

// recallCapacity remembers nothing: what Karpenter says now is all that counts.
func recallCapacity(v1alpha1.ComfyUIStudioStatus) Capacity { return Capacity{} }

func (f *Capacity) read(p plan.Plan, o kit.Observed) error {
	var errs []error

	f.Refused = map[kit.Key]string{}

	for _, pool := range p.Pools {
		for _, k := range []kit.Key{plan.NodeClass(pool.Name), plan.NodePool(pool.Name)} {
			said, err := refusal(o, k)
			errs = append(errs, err)

			if said != "" {
				f.Refused[k] = said
			}
		}
	}

	return errors.Join(errs...)
}

// awaiting is Karpenter's reason for a condition that only waits for another.
const awaiting = "DependenciesNotReady"

// refusal is the first of Karpenter's conditions that is False by itself. Ready is
// the sum of the others, so it is asked last.
func refusal(o kit.Observed, k kit.Key) (string, error) {
	at := struct {
		Manifest struct {
			Status struct {
				Conditions []struct {
					Type    string `json:"type"`
					Status  string `json:"status"`
					Reason  string `json:"reason"`
					Message string `json:"message"`
				} `json:"conditions"`
			} `json:"status"`
		} `json:"manifest"`
	}{}
	if _, err := o.AtProvider(k, &at); err != nil {
		return "", err
	}

	said := ""

	for _, c := range at.Manifest.Status.Conditions {
		if c.Status != "False" || c.Reason == awaiting || c.Message == "" {
			continue
		}

		if c.Type != "Ready" {
			return fmt.Sprintf("%s: %s", c.Reason, c.Message), nil
		}

		said = fmt.Sprintf("%s: %s", c.Reason, c.Message)
	}

	return said, nil
}
