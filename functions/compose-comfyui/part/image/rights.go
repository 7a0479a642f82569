package image

import (
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
)

// What a build does with objects.
const (
	getObject = "s3:GetObject"
	putObject = "s3:PutObject"
)

// may is what a build may do: write its own log, read its own contexts, write its
// own markers, and put what it made where it belongs.
func may(p plan.Plan, b plan.Build) []policy.Statement {
	objects := func(prefix string) string { return p.ArtefactARN() + "/" + prefix + string(b) + "/*" }

	out := []policy.Statement{
		policy.WriteLog(p.LogsARN(plan.BuildLogs(b))),
		allow("ReadContext", []string{getObject}, objects(plan.ContextPrefix)),
		allow("WriteMarker", []string{getObject, putObject}, objects(plan.MarkerPrefix)),
	}

	switch b {
	case plan.BuildComfyUI:
		return append(out, push(p.RepositoryARN(plan.Repository))...)
	case plan.BuildAgent:
		out = append(out, push(p.RepositoryARN(plan.AgentRepository))...)
		return append(out, allow("WriteBinaries", []string{putObject, "s3:AbortMultipartUpload"}, p.ArtefactARN()+"/"+plan.ArtefactPrefix+"*"))
	default:
		return append(out, fetch(p)...)
	}
}

// push lets a build put an image into one repository.
func push(repositoryARN string) []policy.Statement {
	return []policy.Statement{
		// A login is to the whole registry: the action knows no resource.
		allow("Login", []string{"ecr:GetAuthorizationToken"}, "*"),
		allow("Push", []string{
			"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
			"ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
		}, repositoryARN),
	}
}

// fetch lets a build fill the models bucket from the sources that the claim names.
func fetch(p plan.Plan) []policy.Statement {
	models := p.BucketARN(plan.Models)

	out := []policy.Statement{
		allow("FillModels", []string{getObject, putObject, "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, models+"/*"),
		// Without it S3 says "forbidden" of what is not there, and somebody's own file
		// could not be told from none.
		allow("TellAbsent", []string{"s3:ListBucket"}, models),
		allow("ReadFetcher", []string{getObject}, p.ArtefactARN()+"/"+plan.ArtefactPrefix+"*"),
		// How far it is with a file, to go on after an interruption.
		allow("KeepNotes", []string{getObject, putObject, "s3:DeleteObject"}, p.ArtefactARN()+"/"+plan.NotePrefix+"*"),
	}

	var sources []string
	for _, b := range p.SourceBuckets() {
		// The whole bucket: a key may hold what a policy reads as a wildcard. The
		// bucket's own policy says what the account may read.
		sources = append(sources, "arn:aws:s3:::"+b+"/*")
	}

	if len(sources) > 0 {
		out = append(out, allow("ReadSources", []string{getObject}, sources...))
	}

	var tokens []string
	for _, t := range p.ModelTokens() {
		tokens = append(tokens, p.SecretARN(t.Name))
	}

	if len(tokens) > 0 {
		out = append(out, allow("ReadTokens", []string{"secretsmanager:GetSecretValue"}, tokens...))
	}

	return out
}

// assumedFor is the trust policy of a role that a service takes on for one
// resource of this account alone.
func assumedFor(p plan.Plan, service, resource string) string {
	return policy.Document(trust(p, service, resource))
}

func trust(p plan.Plan, service string, resources ...string) policy.Statement {
	return policy.Statement{
		Effect:    policy.Allow,
		Principal: &policy.Principal{Service: service},
		Action:    []string{"sts:AssumeRole"},
		Condition: policy.Condition{
			"ArnLike":      {"aws:SourceArn": resources},
			"StringEquals": {"aws:SourceAccount": {p.Account}},
		},
	}
}

func allow(sid string, actions []string, resources ...string) policy.Statement {
	return policy.Statement{Sid: sid, Effect: policy.Allow, Action: actions, Resource: resources}
}
