package provider

import (
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

var (
	role      = cloud.Kind{Service: "iam", Name: "Role"}
	iamPolicy = cloud.Kind{Service: "iam", Name: "Policy"}
)

// arn waits for the other resource's status.
var arn = byStatus("arn")

func iamKinds() []kind {
	return []kind{{
		Kind: role, plural: "roles", naming: byObject,
		late:      []string{"maxSessionDuration", "path"},
		fixed:     []string{"path"},
		documents: []string{"assumeRolePolicy"},
		// Terraform tries a DeleteConflict again for IAM's propagation time.
		patient: 2 * time.Minute,
	}, {
		Kind: cloud.Kind{Service: "iam", Name: "RolePolicy"}, plural: "rolepolicies", naming: byObject, untagged: true,
		refs:      []reference{{field: "role", to: role, extract: byStatus("id")}},
		fixed:     []string{"role"},
		documents: []string{"policy"}, versionFirst: true,
	}, {
		Kind: cloud.Kind{Service: "iam", Name: "RolePolicyAttachment"}, plural: "rolepolicyattachments", naming: bySpec, untagged: true,
		// roleRef is the role's external name: it does not wait for the role.
		refs:  []reference{{field: "policyArn", to: iamPolicy, extract: arn}, {field: "role", to: role}},
		fixed: []string{"policyArn", "role"},
	}, {
		Kind: iamPolicy, plural: "policies", naming: byObject,
		late:      []string{"path"},
		fixed:     []string{"path", "description"},
		documents: []string{"policy"},
	}, {
		Kind: cloud.Kind{Service: "iam", Name: "InstanceProfile"}, plural: "instanceprofiles", naming: byObject,
		refs:  []reference{{field: "role", to: role}},
		late:  []string{"path"},
		fixed: []string{"path"},
	}}
}
