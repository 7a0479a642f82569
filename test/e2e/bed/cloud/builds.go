package cloud

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kindBuild is a run of a CodeBuild project. No managed resource makes it: a
// schedule or an event does. It is a kind so that faults can hit it, by the name
// of its project's managed resource.
var kindBuild = Kind{"codebuild", "Build"}

// A Build is one run of a project.
type Build struct {
	Project string
	Region  string
	// Key is the object that it was told to build.
	Key string
	// Started and Ended are instants; Ended is zero while it runs.
	Started, Ended time.Duration
	// Failed is why it failed, empty otherwise.
	Failed string
}

// run is a build as the account keeps it.
type run struct {
	Build

	project *record
	env     map[string]string
	ends    time.Duration
	retries int64
}

// eventsEffective is how long a bucket's events take to reach EventBridge after
// they were switched on: "about five minutes" (S3 user guide, "Enabling Amazon
// EventBridge").
const eventsEffective = 5 * time.Minute

// retryStart is how long the scheduler waits before it tries a start again that
// was refused.
const retryStart = time.Minute

// buildTakes is how long the builds of a studio take, by what they build.
var buildTakes = map[string]time.Duration{"agent": 2 * time.Minute, "comfyui": 12 * time.Minute, "models": 6 * time.Minute}

// idleBuild is how long a build takes that finds nothing to do, most of it the
// start of its machine.
const idleBuild = time.Minute

// Builds are all runs of all projects, in the order of their start.
func (a *AWS) Builds() []Build {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance(a.clock.Now())
	out := []Build{}
	for _, r := range a.builds {
		out = append(out, r.Build)
	}
	return out
}

// advance plays what happened by itself up to now: schedules and builds. Nobody's
// call makes it, so whoever looks plays it first.
func (a *AWS) advance(now time.Duration) {
	for again := true; again; {
		again = false
		for _, s := range a.schedules {
			again = a.fire(s, now) || again
		}
		for _, r := range a.running {
			again = a.end(r, now) || again
		}
		a.running = slices.DeleteFunc(a.running, func(r *run) bool { return r.Ended > 0 })
	}
	a.schedules = slices.DeleteFunc(a.schedules, func(s *record) bool { return s.deleting })
}

var rate = regexp.MustCompile(`^rate\((\d+) (minute|hour|day)s?\)$`)

// every is the interval of a schedule, zero when it is none of a rate.
func every(s *record) time.Duration {
	m := rate.FindStringSubmatch(s.args.String("scheduleExpression"))
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return time.Duration(n) * map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
}

// fire runs a schedule if it is due. The first run of a rate comes when the
// schedule is made (EventBridge Scheduler user guide, "Rate-based schedules").
func (a *AWS) fire(s *record, now time.Duration) bool {
	step := every(s)
	due := time.Duration(s.holds.Int("due"))
	if s.deleting || step == 0 || now < s.active || due > now || s.args.String("state") == "DISABLED" {
		return false
	}
	at := max(due, s.active)
	t := a.at(s.region, at)
	s.holds = Values{"due": int64(at + step)}
	if !t.start(s.args.String("target.arn"), s.args.String("target.roleArn"), "scheduler.amazonaws.com", s.args.String("target.input")) {
		s.holds = Values{"due": int64(max(at, now-retryStart) + retryStart)}
	}
	return true
}

// at is a call that nobody made.
func (a *AWS) at(region string, now time.Duration) *tx {
	return &tx{AWS: a, call: Call{Args: Values{"region": region}, account: a.account}, args: Values{}, now: now}
}

// start starts a build on behalf of a service, if the role that it takes on may.
func (t *tx) start(project, roleARN, service, input string) bool {
	role := t.roleByARN(roleARN)
	p := t.find(kindProject, project)
	if p == nil || role == nil || !role.trusts(service) || !t.allows(role, "codebuild:StartBuild", project) {
		return false
	}
	t.begin(p, variables(p, input), p.observed().Int("autoRetryLimit"))
	return true
}

// variables are a project's, with those of one start over them.
func variables(project *record, input string) map[string]string {
	out := map[string]string{}
	for _, v := range project.args.List("environment.environmentVariable") {
		out[v.String("name")] = v.String("value")
	}
	over := struct {
		Variables []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"environmentVariablesOverride"`
	}{}
	if json.Unmarshal([]byte(input), &over) == nil {
		for _, v := range over.Variables {
			out[v.Name] = v.Value
		}
	}
	return out
}

func (t *tx) begin(project *record, env map[string]string, retries int64) {
	r := &run{
		Build:   Build{Project: project.name, Region: project.region, Key: env["KEY"], Started: t.now},
		project: project, env: maps.Clone(env), retries: retries,
	}
	takes := idleBuild
	if t.marker(r)["state"] != "done" {
		takes += buildTakes[env["BUILD"]] - idleBuild
	}
	r.ends = t.stretched(r.call(), OpCreate, t.now, max(takes, idleBuild))
	t.builds, t.running = append(t.builds, r), append(t.running, r)
}

// call is what faults see of a build.
func (r *run) call() Call { return Call{Kind: kindBuild, Owner: r.project.owner, Name: r.Project} }

// end ends a build that is due.
func (a *AWS) end(r *run, now time.Duration) bool {
	if r.ends == Never {
		// A fault that ended lets it go on.
		r.ends = a.stretched(r.call(), OpCreate, now, buildTakes[r.env["BUILD"]])
	}
	if r.ends > now {
		return false
	}
	t := a.at(r.Region, r.ends)
	r.Ended = r.ends
	if r.project.deleting && r.project.deleted <= r.ends {
		r.Failed = "the project was deleted"
		return true
	}
	if err := t.run(r); err != nil {
		r.Failed = err.Error()
		if r.retries > 0 {
			t.begin(r.project, r.env, r.retries-1)
		}
	}
	return true
}

// told starts what listens for a new object, if the bucket tells of it.
func (t *tx) told(bucket, key string) {
	n := t.part(kindNotification, bucket)
	if n == nil || !n.args.Bool("eventbridge") || t.now < n.created+eventsEffective {
		return
	}
	event := map[string]any{
		"source": "aws.s3", "detail-type": "Object Created",
		"detail": map[string]any{"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": key}},
	}
	for rule := range t.each(kindRule) {
		pattern := map[string]any{}
		if json.Unmarshal([]byte(rule.args.String("eventPattern")), &pattern) != nil || !hears(pattern, event) {
			continue
		}
		for target := range t.each(kindTarget) {
			if target.args.String("rule") == rule.id {
				t.start(target.args.String("arn"), target.args.String("roleArn"), "events.amazonaws.com", transformed(target, event))
			}
		}
	}
}

// hears matches an event as EventBridge does: each leaf is a list of what it may
// be, a value or a prefix.
func hears(pattern, event map[string]any) bool {
	for k, want := range pattern {
		switch want := want.(type) {
		case map[string]any:
			inner, ok := event[k].(map[string]any)
			if !ok || !hears(want, inner) {
				return false
			}
		case []any:
			have, _ := event[k].(string)
			if !slices.ContainsFunc(want, func(w any) bool {
				p, ok := w.(map[string]any)
				prefix, _ := p["prefix"].(string)
				return !ok && w == have || ok && strings.HasPrefix(have, prefix)
			}) {
				return false
			}
		}
	}
	return true
}

// transformed is the input that a target hands on: values of the event, each as
// JSON, in place of <name>.
func transformed(target *record, event Values) string {
	out := target.args.String("inputTransformer.inputTemplate")
	paths, _ := target.args.Get("inputTransformer.inputPaths").(map[string]any)
	for name, p := range paths {
		path, _ := p.(string)
		out = strings.ReplaceAll(out, "<"+name+">", text(event.Get(strings.TrimPrefix(path, "$."))))
	}
	return out
}
