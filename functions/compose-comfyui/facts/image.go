package facts

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	s3 "github.com/upbound/provider-aws/v2/apis/namespaced/s3/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// Image are the facts of part image.
type Image struct {
	// AgentMirrored says that our own image and binaries are in the account: those
	// of Agent.
	AgentMirrored bool
	// Agent is the release that is there: the wanted one, or the one before until
	// the wanted one is there.
	Agent plan.Release

	// Digest is that of the ComfyUI image that servers run, sha256:…, and URI the
	// image with it. A built image is known only when it can be pulled; until a
	// newer one can, it is the one before.
	Digest, URI string
	// Rebuilt is a rebuild of that image, tag and digest, that can be pulled and that
	// servers do not run.
	Rebuilt string

	// Builds tell how far each build is with what the spec asks for.
	Builds map[plan.Build]BuildResult
	// Models are the declared models.
	Models Models
}

// A BuildState is how far a build is.
type BuildState string

// The states of a build. Building is also what has not begun: nothing tells the
// two apart until the build writes something.
const (
	Building BuildState = ""
	Built    BuildState = "done"
	Failed   BuildState = "failed"
	// Partly is a fetch that left something out.
	Partly BuildState = "partial"
	// Fetching is a fetch that takes long and tells how far it is.
	Fetching BuildState = "fetching"
)

// A BuildResult is what a build says of itself.
type BuildResult struct {
	State BuildState
	// Reason are a failed build's last words, Log is where its log is. Where the state
	// is Built, they are those of a rebuild.
	Reason, Log string
}

// Models are the declared models.
type Models struct {
	// Present is how many are in the bucket, as far as is known.
	Present int32
	// Failed are those that could not be fetched.
	Failed []ModelFailure
}

// A ModelFailure is a declared model that could not be fetched.
type ModelFailure struct{ Path, Why string }

func recallImage(s v1alpha1.ComfyUIStudioStatus) Image {
	f := Image{}

	if i := s.Image; i != nil {
		f.Digest = i.Digest
		if i.URI != "" && i.Digest != "" {
			f.URI = i.URI + "@" + i.Digest
		}

		if a := i.Agent; a != nil && a.Digest != "" {
			f.AgentMirrored = true
			f.Agent = plan.Release{
				Digest: a.Digest, NodeDaemonSHA256: a.NodeDaemonSHA256, LambdaSHA256: a.LambdaSHA256, ModelFetcherSHA256: a.ModelFetcherSHA256,
			}
		}
	}

	if m := s.Models; m != nil {
		f.Models.Present = m.Present
	}

	return f
}

func (f *Image) read(p plan.Plan, o kit.Observed) error {
	f.Builds = map[plan.Build]BuildResult{}

	for _, b := range plan.Builds() {
		m, err := marker(o, plan.BuildMarker(b, p.ContextHash(b)))
		if err != nil {
			return err
		}

		f.Builds[b] = BuildResult{State: BuildState(m["state"]), Reason: m["reason"], Log: m["log"]}

		switch b {
		case plan.BuildAgent:
			err = f.agent(p, o, m)
		case plan.BuildComfyUI:
			err = f.comfyUI(p, o, m)
		case plan.BuildModels:
			f.models(p, m)
		}

		if err != nil {
			return err
		}
	}

	return nil
}

// agent takes what is mirrored: the wanted release, else the remembered one, else
// whichever a marker tells of.
func (f *Image) agent(p plan.Plan, o kit.Observed, wanted map[string]string) error {
	if wanted["state"] != string(Built) && f.AgentMirrored {
		return nil
	}

	m, err := f.built(p, o, plan.BuildAgent, wanted)
	if err != nil || m == nil {
		return err
	}

	f.AgentMirrored = true
	f.Agent = plan.Release{
		Digest: m["digest"], NodeDaemonSHA256: m["node-daemon"], LambdaSHA256: m["lambda"], ModelFetcherSHA256: m["model-fetcher"],
	}

	return nil
}

// comfyUI takes what servers run, in the same order.
func (f *Image) comfyUI(p plan.Plan, o kit.Observed, wanted map[string]string) error {
	if uri := p.Image.URI; uri != "" {
		f.URI = uri
		_, f.Digest, _ = strings.Cut(uri, "@")

		return nil
	}

	if wanted["state"] != string(Built) && f.Digest != "" {
		return nil
	}

	m, err := f.built(p, o, plan.BuildComfyUI, wanted)
	if err != nil || m == nil || p.Account == "" {
		return err
	}

	if taken, known := f.taken(p, wanted); known {
		f.Digest = cmp.Or(taken, m["digest"])
		f.URI = p.RepositoryURI(plan.Repository) + "@" + f.Digest
	}

	if _, digest, _ := strings.Cut(wanted["rebuilt"], "@"); digest != f.Digest {
		f.Rebuilt = wanted["rebuilt"]
	}

	return nil
}

// taken is the digest of the rebuild that the spec takes, empty where it takes none
// of this image. One that nobody knows of is not known, and changes nothing: servers
// could not pull it.
func (f *Image) taken(p plan.Plan, wanted map[string]string) (digest string, known bool) {
	if !p.TakesRebuild() {
		return "", true
	}

	_, digest, _ = strings.Cut(p.Image.Rebuild.Use, "@")
	_, offered, _ := strings.Cut(wanted["rebuilt"], "@")

	// What runs was offered once, too.
	if slices.Contains([]string{offered, wanted["earlier"], f.Digest}, digest) {
		return digest, true
	}

	// A first server has nothing to go on with.
	return "", f.Digest == ""
}

// built is what a build that is done wrote: the wanted one, else an older one.
func (f *Image) built(p plan.Plan, o kit.Observed, b plan.Build, wanted map[string]string) (map[string]string, error) {
	if wanted["state"] == string(Built) {
		return wanted, nil
	}

	for _, k := range o.Family(plan.BuildMarkers(b)) {
		if k == plan.BuildMarker(b, p.ContextHash(b)) {
			continue
		}

		m, err := marker(o, k)
		if err != nil {
			return nil, err
		}

		if m["state"] == string(Built) {
			return m, nil
		}
	}

	return nil, nil //nolint:nilnil // That nothing is built is an answer.
}

func (f *Image) models(p plan.Plan, m map[string]string) {
	declared := int32(len(p.Models)) //nolint:gosec // A hundred at most.

	if n, err := strconv.ParseInt(m["present"], 10, 32); err == nil {
		f.Models.Present = int32(n)
	}

	f.Models.Present = min(f.Models.Present, declared)

	if m["failures"] == "" {
		return
	}

	for failure := range strings.SplitSeq(m["failures"], ",") {
		place, why, _ := strings.Cut(failure, ":")
		if i, err := strconv.Atoi(place); err == nil && i >= 0 && i < len(p.Models) {
			f.Models.Failed = append(f.Models.Failed, ModelFailure{Path: p.Models[i].Path, Why: why})
		}
	}
}

// marker is the metadata of an object that a build left behind; empty while there
// is none.
func marker(o kit.Observed, k kit.Key) (map[string]string, error) {
	at := s3.ObjectObservation{}
	if _, err := o.AtProvider(k, &at); err != nil {
		return nil, err
	}

	out := make(map[string]string, len(at.Metadata))

	for name, value := range at.Metadata {
		if value != nil {
			out[name] = *value
		}
	}

	return out, nil
}
