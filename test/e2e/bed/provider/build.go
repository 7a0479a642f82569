package provider

import "github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"

var (
	lambdaFunction = cloud.Kind{Service: "lambda", Name: "Function"}
	repository     = cloud.Kind{Service: "ecr", Name: "Repository"}
	document       = cloud.Kind{Service: "ssm", Name: "Document"}
	secret         = cloud.Kind{Service: "secretsmanager", Name: "Secret"}
)

func buildKinds() []kind {
	return []kind{{
		Kind: lambdaFunction, plural: "functions", naming: byObject,
		// Neither the log group's nor the bucket's reference waits.
		refs: []reference{
			{field: "loggingConfig.logGroup", to: logGroup}, {field: "role", to: role, extract: arn}, {field: "s3Bucket", to: bucket},
		},
		late:   []string{"ephemeralStorage", "reservedConcurrentExecutions", "tracingConfig"},
		fixed:  []string{"packageType"},
		unread: []string{"s3Bucket", "s3Key", "loggingConfig"},
	}, {
		Kind: cloud.Kind{Service: "lambda", Name: "EventSourceMapping"}, plural: "eventsourcemappings",
		refs:  []reference{{field: "functionName", to: lambdaFunction, extract: arn}},
		late:  []string{"enabled"},
		fixed: []string{"eventSourceArn"},
	}, {
		Kind: document, plural: "documents", naming: byObject,
		fixed: []string{"documentType"},
	}, {
		Kind: cloud.Kind{Service: "ssm", Name: "Parameter"}, plural: "parameters", naming: byObject,
		late:    []string{"dataType", "keyId", "tier"},
		secrets: map[string]string{"valueSecretRef": "value"},
	}, {
		Kind: cloud.Kind{Service: "ssm", Name: "Association"}, plural: "associations",
		refs:  []reference{{field: "name", to: document}},
		fixed: []string{"name"},
	}, {
		Kind: repository, plural: "repositories", naming: byObject,
		late:  []string{"encryptionConfiguration"},
		fixed: []string{"encryptionConfiguration"},
	}, {
		Kind: cloud.Kind{Service: "ecr", Name: "LifecyclePolicy"}, plural: "lifecyclepolicies", naming: bySpec, untagged: true,
		// repositoryRef is the repository's external name: it does not wait.
		refs:      []reference{{field: "repository", to: repository}},
		documents: []string{"policy"},
		fixed:     []string{"repository"},
	}, {
		Kind: cloud.Kind{Service: "codebuild", Name: "Project"}, plural: "projects", naming: byObject,
		refs: []reference{
			{field: "cache.location", to: bucket}, {field: "serviceRole", to: role, extract: arn},
		},
		late: []string{"encryptionKey", "projectVisibility", "queuedTimeout"},
	}, {
		Kind: secret, plural: "secrets",
		fixed: []string{"name"},
	}, {
		Kind: cloud.Kind{Service: "secretsmanager", Name: "SecretVersion"}, plural: "secretversions", untagged: true,
		refs:    []reference{{field: "secretId", to: secret, extract: byStatus("id")}},
		secrets: map[string]string{"secretStringSecretRef": "secretString"},
		// Terraform makes another version for another value (secret_string is
		// ForceNew), which the provider refuses.
		fixed: []string{"secretId", "secretString"},
	}}
}
