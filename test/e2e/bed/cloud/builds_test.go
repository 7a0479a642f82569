package cloud

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	buildRights = `{"Effect":"Allow","Action":["logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:123456789012:log-group:/builds:*"},` +
		`{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::artefacts/contexts/*"},` +
		`{"Effect":"Allow","Action":["ecr:GetAuthorizationToken"],"Resource":"*"},` +
		`{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket","s3:PutObject"],"Resource":["arn:aws:s3:::models","arn:aws:s3:::models/*"]}`
	markerRight  = `{"Effect":"Allow","Action":["s3:PutObject"],"Resource":["arn:aws:s3:::artefacts/markers/*","arn:aws:s3:::artefacts/artefacts/*"]}`
	pushRight    = `{"Effect":"Allow","Action":["ecr:BatchCheckLayerAvailability","ecr:CompleteLayerUpload","ecr:DescribeImages","ecr:InitiateLayerUpload","ecr:PutImage","ecr:UploadLayerPart"],"Resource":"arn:aws:ecr:us-east-1:123456789012:repository/comfyui"}`
	fetcherRight = `{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::artefacts/artefacts/*"}`
	startRight   = `{"Effect":"Allow","Action":["codebuild:StartBuild"],"Resource":"arn:aws:codebuild:us-east-1:123456789012:project/build"}`
)

// A site is a world with everything that a build needs.
type site struct {
	*world

	recipe, hash string
}

func newSite(t *testing.T, build, recipe string, rights ...string) site {
	t.Helper()
	w := newWorld(t, testStorage)
	sum := sha256.Sum256([]byte(recipe))
	s := site{world: w, recipe: recipe, hash: hex.EncodeToString(sum[:])[:8]}
	s.make("apiVersion: s3.aws.m.upbound.io/v1beta1\nkind: Bucket\nmetadata: {name: artefacts}\nspec: {forProvider: {region: us-east-1}}")
	s.make("apiVersion: cloudwatchlogs.aws.m.upbound.io/v1beta1\nkind: Group\nmetadata: {name: builds, annotations: {crossplane.io/external-name: /builds}}\nspec: {forProvider: {region: us-east-1}}")
	policy := `{"Version":"2012-10-17","Statement":[` + strings.Join(rights, ",") + `]}`
	s.make("apiVersion: iam.aws.m.upbound.io/v1beta1\nkind: RolePolicy\nmetadata: {name: rights}\nspec: {forProvider: {role: lambda-role, policy: '" + policy + "'}}")
	s.make("apiVersion: codebuild.aws.m.upbound.io/v1beta1\nkind: Project\nmetadata: {name: build}\nspec: {forProvider: {region: us-east-1, serviceRole: $lambda_role.arn, " +
		"artifacts: {type: NO_ARTIFACTS}, source: {type: NO_SOURCE, buildspec: a}, logsConfig: {cloudwatchLogs: {groupName: /builds}}, autoRetryLimit: 1, " +
		"environment: {type: LINUX_CONTAINER, computeType: BUILD_GENERAL1_LARGE, image: a, environmentVariable: [{name: BUILD, value: " + build + "}, {name: BUCKET, value: artefacts}, " +
		"{name: MODELS_BUCKET, value: models}, {name: FETCHER, value: artefacts/f/model-fetcher}, {name: REPOSITORY, value: 123456789012.dkr.ecr.us-east-1.amazonaws.com/comfyui}]}}}")
	s.make("apiVersion: s3.aws.m.upbound.io/v1beta1\nkind: Object\nmetadata: {name: context}\nspec: {forProvider: {region: us-east-1, bucket: artefacts, key: '" + s.key(build) + "', content: '" + recipe + "'}}")
	return s
}

func (s site) key(build string) string { return "contexts/" + build + "/" + s.hash + ".json" }

func (s site) schedule(build string) {
	s.Helper()
	s.make("apiVersion: scheduler.aws.m.upbound.io/v1beta1\nkind: Schedule\nmetadata: {name: start}\nspec: {forProvider: {region: us-east-1, name: start, scheduleExpression: rate(1 day), flexibleTimeWindow: {mode: 'OFF'}, " +
		`target: {arn: 'arn:aws:codebuild:us-east-1:123456789012:project/build', roleArn: $lambda_role.arn, input: '{"environmentVariablesOverride":[{"name":"KEY","value":"` + s.key(build) + `"}]}'}}}`)
}

// marker waits until the build has written one, or has had a day for it.
func (s site) marker(build string) map[string]any {
	s.Helper()
	from := s.Clock().Now()
	for s.Clock().Now() < from+24*time.Hour {
		r, err := s.Visit(Call{Kind: kindObject, ID: "artefacts/markers/" + build + "/" + s.hash, Args: Values{"region": "us-east-1"}})
		if err == nil {
			m, _ := r.Attrs.Get("metadata").(map[string]any)
			return m
		}
	}
	return nil
}

func TestBuild(t *testing.T) {
	const agent, models = `{"manifest":{"digest":"sha256:agent","nodeDaemonSHA256":"d","lambdaSHA256":"l","modelFetcherSHA256":"f"}}`,
		`{"manifest":{"files":[{"path":"a/b","url":"https://c","sha256":"1"},{"path":"mine","url":"https://c","sha256":"2"},{"path":"gated","url":"https://c","sha256":"3","tokenSecret":"no"},{"path":"other","url":"s3://team/x","sha256":"4"}]}}`
	cases := map[string]struct {
		reason string
		build  string
		recipe string
		rights []string
		faults []Fault
		want   map[string]any
		took   time.Duration
	}{
		"Agent": {
			reason: "A mirror tells what is there.", build: "agent", recipe: agent, rights: []string{buildRights, markerRight, pushRight, startRight},
			want: map[string]any{"state": "done", "digest": "sha256:agent", "node-daemon": "d", "lambda": "l", "model-fetcher": "f"}, took: 2 * time.Minute,
		},
		"ComfyUI": {
			reason: "An image tells its digest.", build: "comfyui", recipe: "{}", rights: []string{buildRights, markerRight, pushRight, startRight},
			want: map[string]any{"state": "done", "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}, took: 12 * time.Minute,
		},
		"Models": {
			reason: "A fetch leaves somebody's file alone, and needs a right for each source.", build: "models", recipe: models, rights: []string{buildRights, markerRight, fetcherRight, startRight},
			want: map[string]any{"state": "partial", "present": "1", "failures": "1:conflict,2:source,3:source"}, took: 6 * time.Minute,
		},
		"MayNotFetch": {
			reason: "Without the right to read the program nothing is fetched.", build: "models", recipe: models, rights: []string{buildRights, markerRight, startRight},
			want: map[string]any{"state": "failed", "log": "https://console.example/build", "reason": "api error AccessDenied: GetObject of artefacts/f/model-fetcher"}, took: 6 * time.Minute,
		},
		"MayNotPush": {
			reason: "Without the right to push there is no image.", build: "comfyui", recipe: "{}", rights: []string{buildRights, markerRight, startRight},
			want: map[string]any{"state": "failed", "log": "https://console.example/build", "reason": "api error AccessDeniedException: ecr:BatchCheckLayerAvailability on arn:aws:ecr:us-east-1:123456789012:repository/comfyui"}, took: 12 * time.Minute,
		},
		"MayNotTell":  {reason: "Without the right to write a marker nobody is told.", build: "comfyui", recipe: "{}", rights: []string{buildRights, pushRight, startRight}, took: 12 * time.Minute},
		"MayNotStart": {reason: "Without the right to start it nothing starts.", build: "comfyui", recipe: "{}", rights: []string{buildRights, markerRight, pushRight}},
		"Broken": {
			reason: "A fault fails a build, and its retry.", build: "comfyui", recipe: "{}", rights: []string{buildRights, markerRight, pushRight, startRight},
			faults: []Fault{{Kind: "Build", Name: "build", Operation: OpCreate, Mode: Fail, Message: "no matching distribution"}},
			want:   map[string]any{"state": "failed", "log": "https://console.example/build", "reason": "api error InjectedFailure: no matching distribution"}, took: 12 * time.Minute,
		},
		"Slow": {
			reason: "Another makes it slow.", build: "agent", recipe: agent, rights: []string{buildRights, markerRight, pushRight, startRight},
			faults: []Fault{{Kind: "Build", Operation: OpCreate, Mode: Slow, Factor: 3}},
			want:   map[string]any{"state": "done", "digest": "sha256:agent", "node-daemon": "d", "lambda": "l", "model-fetcher": "f"}, took: 6 * time.Minute,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, tc.build, tc.recipe, tc.rights...)
			if err := s.SetFaults(tc.faults...); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.PutObject("models", "mine", nil, nil), s.PutObject("artefacts", "artefacts/f/model-fetcher", nil, nil)); err != nil {
				t.Fatal(err)
			}
			s.schedule(tc.build)
			if diff := cmp.Diff(tc.want, s.marker(tc.build)); diff != "" {
				t.Errorf("%s\nmarker: -want, +got:\n%s", tc.reason, diff)
			}
			builds := s.Builds()
			if tc.took == 0 {
				if len(builds) > 0 {
					t.Errorf("%s\nBuilds(): want none, got %v", tc.reason, builds)
				}
				return
			}
			if took := builds[0].Ended - builds[0].Started; took != tc.took {
				t.Errorf("%s\nBuilds(): want the first to take %s, got %s", tc.reason, tc.took, took)
			}
		})
	}
}

// TestBuildRetried holds that a build that failed once is tried again at once.
func TestBuildRetried(t *testing.T) {
	s := newSite(t, "comfyui", "{}", buildRights, markerRight, pushRight, startRight)
	if err := s.SetFaults(Fault{Kind: "Build", Mode: Fail, Count: 1, Message: "a download broke"}); err != nil {
		t.Fatal(err)
	}
	s.schedule("comfyui")
	for s.marker("comfyui")["state"] != "done" {
		if s.Clock().Now() > 30*24*time.Hour {
			t.Fatal("it is never built")
		}
	}
	b := s.Builds()
	if b[0].Failed == "" || b[1].Failed != "" || b[1].Started != b[0].Ended {
		t.Errorf("Builds(): want one that failed and one right behind it, got %+v", b[:2])
	}
	if !s.HasImage("us-east-1", "123456789012.dkr.ecr.us-east-1.amazonaws.com/comfyui@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a") {
		t.Error("HasImage(...): what was built can be pulled")
	}
	if s.HasImage("us-east-1", "123456789012.dkr.ecr.us-east-1.amazonaws.com/comfyui@sha256:0") {
		t.Error("HasImage(...): what was not cannot")
	}
}

// TestContextStarts holds that an object starts what listens for it, once the
// bucket's events have become effective.
func TestContextStarts(t *testing.T) {
	s := newSite(t, "comfyui", "{}", buildRights, markerRight, pushRight, startRight)
	s.make("apiVersion: s3.aws.m.upbound.io/v1beta1\nkind: BucketNotification\nmetadata: {name: events}\nspec: {forProvider: {region: us-east-1, bucket: artefacts, eventbridge: true}}")
	s.make("apiVersion: cloudwatchevents.aws.m.upbound.io/v1beta1\nkind: Rule\nmetadata: {name: contexts}\nspec: {forProvider: {region: us-east-1, eventBusName: default, " +
		`eventPattern: '{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["artefacts"]},"object":{"key":[{"prefix":"contexts/comfyui/"}]}}}'}}`)
	s.make("apiVersion: iam.aws.m.upbound.io/v1beta1\nkind: Role\nmetadata: {name: events-role}\n" +
		`spec: {forProvider: {assumeRolePolicy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole"}]}'}}`)
	s.make("apiVersion: iam.aws.m.upbound.io/v1beta1\nkind: RolePolicy\nmetadata: {name: start}\nspec: {forProvider: {role: events-role, policy: '" + `{"Version":"2012-10-17","Statement":[` + startRight + "]}'}}")
	s.make("apiVersion: cloudwatchevents.aws.m.upbound.io/v1beta1\nkind: Target\nmetadata: {name: builds}\nspec: {forProvider: {region: us-east-1, eventBusName: default, rule: contexts, targetId: build, " +
		"arn: 'arn:aws:codebuild:us-east-1:123456789012:project/build', roleArn: $events_role.arn, inputTransformer: {inputPaths: {key: $.detail.object.key}, " +
		`inputTemplate: '{"environmentVariablesOverride":[{"name":"KEY","value":<key>}]}'}}}`)
	for s.Clock().Now() < 10*time.Minute {
		if len(s.Builds()) > 0 {
			t.Fatal("nothing was put")
		}
	}
	if err := s.PutObject("artefacts", "others/a", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.PutObject("artefacts", s.key("comfyui"), []byte(s.recipe), nil); err != nil {
		t.Fatal(err)
	}
	want := []Build{{Project: "build", Region: "us-east-1", Key: s.key("comfyui")}}
	if diff := cmp.Diff(want, s.Builds(), cmpopts.IgnoreFields(Build{}, "Started", "Ended", "Failed")); diff != "" {
		t.Errorf("Builds(): -want, +got:\n%s", diff)
	}
	if got := s.marker("comfyui")["state"]; got != "done" {
		t.Errorf("marker: want state done, got %v", got)
	}
}

func TestAllows(t *testing.T) {
	cases := map[string]struct {
		reason                string
		doc, action, resource string
		want                  string
	}{
		"Exact":    {"What is named is allowed.", `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/b"}]}`, "s3:GetObject", "arn:aws:s3:::a/b", "Allow"},
		"Action":   {"Another action is not.", `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/b"}]}`, "s3:PutObject", "arn:aws:s3:::a/b", ""},
		"Resource": {"Nor another resource.", `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/b"}]}`, "s3:GetObject", "arn:aws:s3:::a/bc", ""},
		"Wildcard": {"A star is anything, slashes too.", `{"Statement":[{"Effect":"Allow","Action":["s3:Get*"],"Resource":["arn:aws:s3:::a/*"]}]}`, "s3:GetObject", "arn:aws:s3:::a/b/c", "Allow"},
		"Question": {"A question mark is one character.", `{"Statement":[{"Effect":"Allow","Action":"a:B","Resource":"arn:x-??"}]}`, "a:B", "arn:x-1", ""},
		"Case":     {"Actions have no case.", `{"Statement":[{"Effect":"Allow","Action":"S3:getobject","Resource":"*"}]}`, "s3:GetObject", "arn:b", "Allow"},
		"Deny":     {"A refusal wins.", `{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Allow","Action":"a:B","Resource":"*"}]}`, "a:B", "arn:b", "Deny"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := decide(tc.doc, tc.action, tc.resource); got != tc.want {
				t.Errorf("%s\ndecide(...): want %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

func TestSecretsRefuse(t *testing.T) {
	at := " metadata: {name: x}\nspec: {forProvider: {region: us-east-1, "
	made := "apiVersion: secretsmanager.aws.m.upbound.io/v1beta1\nkind: Secret\nmetadata: {name: token}\nspec: {forProvider: {region: us-east-1, name: token}}"
	testRefusals(t, "secretsmanager", map[string]refusalCase{
		"Name":    {"Names have no blanks.", "Secret" + at + "name: a b}}", "ValidationException", "Invalid name"},
		"NoName":  {"No schema enforces the name.", "Secret" + at + "}}", "MissingParameter", "name"},
		"Taken":   {"Names are the region's.", "Secret" + at + "name: token}}", "ResourceExistsException", "already exists"},
		"Version": {"The secret must exist.", "SecretVersion" + at + "secretId: no, secretString: a}}", "ResourceNotFoundException", "can't find"},
		"Empty":   {"A version holds something.", "SecretVersion" + at + "secretId: $token.id}}", "MissingParameter", "secretString"},
	}, made)
	w := newWorld(t, made)
	c := w.call(made)
	c.ID = w.made["token"].ID
	if err := w.Delete(c); err != nil {
		t.Fatal(err)
	}
	for w.Clock().Now() < time.Hour {
		_ = w.Ledger()
	}
	if _, err := w.Create(w.call(made)); Code(err) != "InvalidRequestException" {
		t.Errorf("The name of a deleted secret stays taken for its recovery window.\nCreate(...): got %v", err)
	}
}
