// Package policy builds policy documents of IAM and S3 from types, so that no
// policy is ever put together from text. Documents marshal to compact JSON in a
// fixed order: Terraform compares some of them as text.
package policy

import (
	"encoding/json"
	"fmt"
)

// version is the only policy language version with variables.
const version = "2012-10-17"

// A Statement allows or denies actions.
type Statement struct {
	Sid       string     `json:"Sid,omitempty"`
	Effect    Effect     `json:"Effect"`
	Principal *Principal `json:"Principal,omitempty"`
	Action    []string   `json:"Action"`
	Resource  []string   `json:"Resource,omitempty"`
	Condition Condition  `json:"Condition,omitempty"`
}

// Effect is what a statement does.
type Effect string

// The effects there are.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// A Principal is who a resource's policy speaks of.
type Principal struct {
	Service string `json:"Service,omitempty"`
	AWS     string `json:"AWS,omitempty"`
}

// A Condition maps operator to key to values.
type Condition map[string]map[string][]string

type document struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// Document is the policy's JSON.
func Document(statements ...Statement) string {
	b, err := json.Marshal(document{Version: version, Statement: statements})
	if err != nil {
		// Strings, slices and maps of strings always marshal.
		panic(fmt.Sprintf("cannot marshal policy: %v", err))
	}

	return string(b)
}

// AssumedBy is the trust policy of a role that an AWS service takes on.
func AssumedBy(service string, actions ...string) string {
	if len(actions) == 0 {
		actions = []string{"sts:AssumeRole"}
	}

	return Document(Statement{Effect: Allow, Principal: &Principal{Service: service}, Action: actions})
}

// AssumedByPods is the trust policy of a role for EKS Pod Identity, which tags
// its sessions with cluster, namespace and service account.
func AssumedByPods() string {
	return AssumedBy("pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession")
}

// TLSOnly is a bucket's policy that refuses plain HTTP.
func TLSOnly(bucketARN string) string {
	return Document(RefuseClearText("s3", bucketARN, bucketARN+"/*"))
}

// RefuseClearText is the statement in a resource's policy that refuses whoever
// comes without TLS. Service is the prefix of the service's actions.
func RefuseClearText(service string, resources ...string) Statement {
	return Statement{
		Sid:       "TLSOnly",
		Effect:    Deny,
		Principal: &Principal{AWS: "*"},
		Action:    []string{service + ":*"},
		Resource:  resources,
		Condition: Condition{"Bool": {"aws:SecureTransport": {"false"}}},
	}
}

// WriteLog is the statement that lets a role write to a log group that is there.
func WriteLog(groupARN string) Statement {
	return Statement{Sid: "WriteLog", Effect: Allow, Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resource: []string{groupARN}}
}
