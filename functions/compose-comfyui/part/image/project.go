package image

import (
	cloudwatchlogs "github.com/upbound/provider-aws/v2/apis/namespaced/cloudwatchlogs/v1beta1"
	codebuild "github.com/upbound/provider-aws/v2/apis/namespaced/codebuild/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/policy"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/recipe"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/role"
)

// A machine is what a build runs on.
type machine struct {
	compute string
	// docker lets it run Docker, which needs privileges.
	docker  bool
	minutes float64
	// retries are how often a failed build is tried again at once: a download that
	// broke is the most likely reason.
	retries float64
}

func machineOf(b plan.Build) machine {
	switch b {
	case plan.BuildComfyUI:
		// 8 vCPU and 128 GB of disk; PyTorch and CUDA unpack to a dozen.
		return machine{compute: "BUILD_GENERAL1_LARGE", docker: true, minutes: 60, retries: 1}
	case plan.BuildAgent:
		return machine{compute: "BUILD_GENERAL1_SMALL", docker: true, minutes: 15, retries: 1}
	default:
		// Nothing is kept on its disk: 4 vCPU are what TLS and two hashes need at a few
		// Gbit/s. What there is when its time is over is there, and the next goes on.
		return machine{compute: "BUILD_GENERAL1_MEDIUM", minutes: 480, retries: 1}
	}
}

// project adds a build's project with its role and log.
func project(p plan.Plan, f facts.Facts, b plan.Build, d *kit.Desired) {
	m := machineOf(b)

	d.Add(plan.BuildLogs(b), &cloudwatchlogs.Group{Spec: cloudwatchlogs.GroupSpec{ForProvider: cloudwatchlogs.GroupParameters{
		RetentionInDays: new(float64(plan.BuildLogDays)),
	}}})

	d.AddWhen(account(p), plan.BuildRole(b), role.New("The studio's build "+string(b), assumedFor(p, "codebuild.amazonaws.com", p.ProjectARN(b))))

	d.AddWhen(account(p), plan.BuildPolicy(b), role.Policy(d, plan.BuildRole(b), policy.Document(may(p, b)...)))

	g := kit.All(account(p), tools(p, f, b), kit.After(plan.BuildPolicy(b), plan.BuildLogs(b), plan.ArtefactKey(plan.BucketItself)))

	d.AddWhen(g, plan.BuildProject(b), &codebuild.Project{Spec: codebuild.ProjectSpec{ForProvider: codebuild.ProjectParameters{
		Description:    new("Builds " + string(b) + " for the studio"),
		ServiceRoleRef: d.Ref(plan.BuildRole(b)),
		BuildTimeout:   new(m.minutes),
		AutoRetryLimit: new(m.retries),
		Artifacts:      &codebuild.ArtifactsParameters{Type: new("NO_ARTIFACTS")},
		Source:         &codebuild.SourceParameters{Type: new("NO_SOURCE"), Buildspec: new(recipe.Buildspec())},
		Environment: &codebuild.EnvironmentParameters{
			Type:                new("LINUX_CONTAINER"),
			ComputeType:         new(m.compute),
			Image:               new("aws/codebuild/amazonlinux-x86_64-standard:5.0"),
			PrivilegedMode:      new(m.docker),
			EnvironmentVariable: environment(p, b),
		},
		LogsConfig: &codebuild.LogsConfigParameters{CloudwatchLogs: &codebuild.CloudwatchLogsParameters{
			Status:    new("ENABLED"),
			GroupName: new(p.ExternalName(plan.BuildLogs(b))),
		}},
	}}})

	// A log outlives who writes it, and a build that still runs needs its rights.
	d.Use(plan.BuildLogs(b), plan.BuildProject(b))
	d.Use(plan.BuildPolicy(b), plan.BuildProject(b))
}

// tools waits for what a build runs of our own.
func tools(p plan.Plan, f facts.Facts, b plan.Build) kit.Gate {
	if b != plan.BuildModels {
		return kit.All()
	}

	return kit.All(
		kit.Needs(p.ModelFetcherObject(), "a published studio-agent"),
		kit.Until(f.Image.AgentMirrored, "the studio-agent in the account"),
	)
}

// environment is what the recipe does not say, since it is the account's.
func environment(p plan.Plan, b plan.Build) []codebuild.EnvironmentVariableParameters {
	out := []codebuild.EnvironmentVariableParameters{
		variable("BUILD", string(b)),
		variable("BUCKET", p.ArtefactBucket()),
	}

	if b == plan.BuildModels {
		// Not in the recipe: another program for the same wish is no other wish, and
		// must not look through every studio's models anew.
		return append(out, variable("MODELS_BUCKET", p.BucketName(plan.Models)), variable("FETCHER", p.ModelFetcherObject()))
	}

	return append(out, variable("REPOSITORY", p.RepositoryURI(repositoryOf(b))))
}

func variable(name, value string) codebuild.EnvironmentVariableParameters {
	return codebuild.EnvironmentVariableParameters{Name: new(name), Value: new(value), Type: new(plaintext)}
}

// repositoryOf is where a build pushes to.
func repositoryOf(b plan.Build) kit.Key {
	if b == plan.BuildAgent {
		return plan.AgentRepository
	}

	return plan.Repository
}
