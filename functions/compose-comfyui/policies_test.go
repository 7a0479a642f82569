package main

import (
	"encoding/json"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
)

// TestPolicies holds every policy document that any studio has to the two rules
// of least surprise: nothing allows an action by a wildcard, and nothing but a
// refusal is said of everyone.
func TestPolicies(t *testing.T) {
	everyWave(t, func(t *testing.T, _ *world, rsp *fnv1.RunFunctionResponse) {
		t.Helper()

		for _, k := range sortedKeys(rsp.GetDesired().GetResources()) {
			o := rsp.GetDesired().GetResources()[k].GetResource().AsMap()

			// A registry's life cycle is called a policy and is none.
			if o["kind"] == "LifecyclePolicy" {
				continue
			}

			spec, _ := o["spec"].(map[string]any)
			params, _ := spec["forProvider"].(map[string]any)

			// AWS's own that give all of a service, or of the account, away.
			if arn, _ := params["policyArn"].(string); strings.Contains(arn, "FullAccess") || strings.Contains(arn, "Administrator") || strings.Contains(arn, "PowerUser") {
				t.Errorf("%s: attaches %s", k, arn)
			}

			for _, field := range []string{"policy", "assumeRolePolicy"} {
				if text, ok := params[field].(string); ok {
					checkPolicy(t, k, text)
				}
			}
		}
	})
}

func checkPolicy(t *testing.T, k, text string) {
	t.Helper()

	doc := struct {
		Version   string `json:"Version"`
		Statement []struct {
			Effect    string            `json:"Effect"`
			Principal map[string]string `json:"Principal"`
			Action    []string          `json:"Action"`
			Resource  []string          `json:"Resource"`
		} `json:"Statement"`
	}{}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Errorf("%s: %v", k, err)
		return
	}

	if doc.Version != "2012-10-17" || len(doc.Statement) == 0 {
		t.Errorf("%s: is no policy: %s", k, text)
	}

	for _, s := range doc.Statement {
		if len(s.Action) == 0 || s.Effect != "Allow" && s.Effect != "Deny" {
			t.Errorf("%s: a statement decides nothing: %s", k, text)
		}

		// To refuse s3:* over plain HTTP is what wildcards are for.
		if s.Effect == "Deny" {
			continue
		}

		for _, a := range s.Action {
			if strings.Contains(a, "*") {
				t.Errorf("%s: allows %s", k, a)
			}
		}

		if s.Principal["AWS"] == "*" {
			t.Errorf("%s: allows everyone: %s", k, text)
		}
	}
}
