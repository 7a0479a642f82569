// Package offline answers for AWS and for the studio's cluster when neither is
// there and all goes well: what a composed resource says of itself once it is
// ready. Command lines and tests bring a studio up with it, run by run, without a
// network. It is a picture of the good case alone; what AWS refuses, and when, is
// played by the double in test/e2e/bed.
package offline

import (
	"fmt"
	"maps"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Account is the AWS account that every studio is in.
const Account = "123456789012"

// Ready is a composed resource with the status that it has when it is ready. The
// release is that which the function was given.
func Ready(key string, o map[string]any, release plan.Release) map[string]any {
	out := maps.Clone(o)
	out["status"] = map[string]any{
		"atProvider": AtProvider(key, o, release),
		"conditions": []any{
			map[string]any{"type": "Ready", "status": "True", "reason": "Available"},
			map[string]any{"type": "Synced", "status": "True", "reason": "ReconcileSuccess"},
		},
	}

	return out
}

// AtProvider is the little that the function reads of AWS and of the cluster.
func AtProvider(key string, o map[string]any, release plan.Release) map[string]any {
	kind, _ := o["kind"].(string)
	spec, _ := o["spec"].(map[string]any)
	params, _ := spec["forProvider"].(map[string]any)
	at := map[string]any{"id": "id-" + key}

	if strings.HasPrefix(key, "image-") {
		return built(key, at, release)
	}

	if m, ok := params["manifest"].(map[string]any); ok {
		at["manifest"] = applied(m)
	}

	switch kind {
	case "Role":
		at["arn"] = "arn:aws:iam::" + Account + ":role/" + key
	case "VPC":
		at["id"] = "vpc-0a1b2c"
		at["arn"] = fmt.Sprintf("arn:aws:ec2:%s:%s:vpc/vpc-0a1b2c", params["region"], Account)
	case "EIP":
		at["publicIp"] = "198.51.100.7"
	case "Route":
		if ref, ok := params["natGatewayIdRef"].(map[string]any); ok {
			name, _ := ref["name"].(string)
			at["natGatewayId"] = "id-network-" + name[strings.LastIndex(name, "-network-")+len("-network-"):]
		}
	case "Cluster":
		at["endpoint"] = "https://0123456789ABCDEF.gr7." + text(params, "region") + ".eks.amazonaws.com"
		at["version"] = params["version"]
		at["vpcConfig"] = map[string]any{"vpcId": "vpc-0a1b2c", "clusterSecurityGroupId": "sg-0c1d2e"}
	}

	return met(kind, params, at)
}

// applied is a manifest as the studio's cluster has it: a Deployment has as many
// pods as it asks for, and all of them run.
func applied(manifest map[string]any) map[string]any {
	if manifest["kind"] != "Deployment" {
		return manifest
	}

	spec := map[string]any{"replicas": 1.0}
	if s, ok := manifest["spec"].(map[string]any); ok {
		maps.Copy(spec, s)
	}

	out := maps.Clone(manifest)
	out["spec"], out["status"] = spec, map[string]any{"readyReplicas": spec["replicas"]}

	return out
}

// built adds what a build leaves behind: every build ends well and at once.
func built(key string, at map[string]any, r plan.Release) map[string]any {
	for b, marker := range map[plan.Build]map[string]any{
		plan.BuildComfyUI: {"digest": "sha256:" + strings.Repeat("d4", 32)},
		plan.BuildAgent:   {"digest": r.Digest, "node-daemon": r.NodeDaemonSHA256, "lambda": r.LambdaSHA256, "model-fetcher": r.ModelFetcherSHA256},
		plan.BuildModels:  {"present": "128", "failures": ""},
	} {
		if strings.HasPrefix(key, plan.BuildMarkers(b)) {
			marker["state"] = "done"
			at["metadata"] = marker
		}
	}

	return at
}

func text(m map[string]any, field string) string {
	s, _ := m[field].(string)
	return s
}
