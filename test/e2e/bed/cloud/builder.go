package cloud

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// run does what a studio's build does: it reads its recipe, makes something of
// it, and writes a marker. Every step needs the right of the project's role.
func (t *tx) run(r *run) error {
	role := t.roleByARN(r.project.args.String("serviceRole"))
	group := r.project.args.String("logsConfig.cloudwatchLogs.groupName")
	if group != "" && (t.find(kindLogGroup, group) == nil || !t.allows(role, "logs:PutLogEvents", t.arnOf("logs", "log-group:"+group+":log-stream:1"))) {
		return refuse("ACCESS_DENIED", "Service role %s does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams", r.project.args.String("serviceRole"))
	}
	recipe, err := t.recipe(r, role)
	if err != nil {
		return err
	}
	if r.env["BUILD"] != "models" && t.marker(r)["state"] == "done" {
		return nil
	}
	result, err := t.make(r, role, recipe)
	if err != nil {
		result = map[string]string{"state": "failed", "reason": err.Error(), "log": "https://console.example/" + r.Project}
	}
	if perr := t.put(role, r.env["BUCKET"], "markers/"+r.env["BUILD"]+"/"+r.hash(), result); perr != nil {
		return perr
	}
	return err
}

// recipe is the text that the build was told to build.
func (t *tx) recipe(r *run, role *record) (string, error) {
	if !t.allows(role, "s3:GetObject", "arn:aws:s3:::"+r.env["BUCKET"]+"/"+r.Key) {
		return "", refuse("AccessDenied", "GetObject of %s", r.Key)
	}
	o := t.find(kindObject, r.env["BUCKET"]+"/"+r.Key)
	if o == nil {
		return "", refuse("NoSuchKey", "The specified key does not exist: %s", r.Key)
	}
	recipe := o.args.String("content")
	if sum := sha256.Sum256([]byte(recipe)); hex.EncodeToString(sum[:])[:8] != r.hash() {
		return "", refuse("Recipe", "%s is not the recipe that its name says", r.Key)
	}
	return recipe, nil
}

func (r *run) hash() string {
	return strings.TrimSuffix(r.Key[strings.LastIndex(r.Key, "/")+1:], ".json")
}

// marker is what an earlier run left behind.
func (t *tx) marker(r *run) map[string]string {
	out := map[string]string{}
	o := t.find(kindObject, r.env["BUCKET"]+"/markers/"+r.env["BUILD"]+"/"+r.hash())
	if o == nil {
		return out
	}
	m, _ := o.attrs.Get("metadata").(map[string]any)
	for k, v := range m {
		out[k], _ = v.(string)
	}
	return out
}

func (t *tx) put(role *record, bucket, key string, metadata map[string]string) error {
	if !t.allows(role, "s3:PutObject", "arn:aws:s3:::"+bucket+"/"+key) {
		return refuse("AccessDenied", "PutObject of %s", key)
	}
	return t.putObject(bucket, key, nil, metadata)
}

func (t *tx) make(r *run, role *record, recipe string) (map[string]string, error) {
	if err := t.injected(r.call(), OpCreate, t.now); err != nil {
		return nil, err
	}
	m := struct {
		Manifest struct {
			Digest             string `json:"digest"`
			NodeDaemonSHA256   string `json:"nodeDaemonSHA256"`
			LambdaSHA256       string `json:"lambdaSHA256"`
			ModelFetcherSHA256 string `json:"modelFetcherSHA256"`
			Files              []file `json:"files"`
		} `json:"manifest"`
	}{}
	if err := json.Unmarshal([]byte(recipe), &m); err != nil {
		return nil, refuse("Recipe", "%s", err)
	}
	switch r.env["BUILD"] {
	case "agent":
		if err := t.push(r, role, m.Manifest.Digest); err != nil {
			return nil, err
		}
		for _, name := range []string{m.Manifest.NodeDaemonSHA256 + "/node-daemon", m.Manifest.LambdaSHA256 + "/lambda.zip", m.Manifest.ModelFetcherSHA256 + "/model-fetcher"} {
			if err := t.put(role, r.env["BUCKET"], "artefacts/"+name, nil); err != nil {
				return nil, err
			}
		}
		return map[string]string{
			"state": "done", "digest": m.Manifest.Digest, "node-daemon": m.Manifest.NodeDaemonSHA256, "lambda": m.Manifest.LambdaSHA256,
			"model-fetcher": m.Manifest.ModelFetcherSHA256,
		}, nil
	case "comfyui":
		sum := sha256.Sum256([]byte(recipe))
		digest := "sha256:" + hex.EncodeToString(sum[:])
		return map[string]string{"state": "done", "digest": digest}, t.push(r, role, digest)
	case "models":
		if err := t.fetcher(r, role); err != nil {
			return nil, err
		}
		return t.fetch(r, role, m.Manifest.Files), nil
	}
	return nil, refuse("Recipe", "nobody knows how to build %q", r.env["BUILD"])
}

// pushActions are what docker push and a look at what it pushed ask of ECR
// (Amazon ECR user guide, "IAM permissions for pushing an image").
var pushActions = []string{
	"ecr:BatchCheckLayerAvailability", "ecr:CompleteLayerUpload", "ecr:DescribeImages", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
}

func (t *tx) push(r *run, role *record, digest string) error {
	_, name, _ := strings.Cut(r.env["REPOSITORY"], "/")
	repository := t.find(kindRepository, name)
	if repository == nil {
		return refuse("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'", name, t.account)
	}
	if !t.allows(role, "ecr:GetAuthorizationToken", "*") {
		return refuse("AccessDeniedException", "ecr:GetAuthorizationToken")
	}
	for _, a := range pushActions {
		if !t.allows(role, a, repository.arn) {
			return refuse("AccessDeniedException", "%s on %s", a, repository.arn)
		}
	}
	if repository.holds == nil {
		repository.holds = Values{}
	}
	repository.holds[digest] = r.hash()
	return nil
}

// HasImage tells whether a studio's registry holds an image, named by repository
// and digest.
func (a *AWS) HasImage(region, uri string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	a.advance(now)
	reference, digest, _ := strings.Cut(uri, "@")
	_, name, _ := strings.Cut(reference, "/")
	repository := a.at(region, now).find(kindRepository, name)
	return repository != nil && reference == repository.attrs.String("repositoryUrl") && repository.holds[digest] != nil
}

// A file is a declared model.
type file struct {
	Path        string `json:"path"`
	URL         string `json:"url"`
	SHA256      string `json:"sha256"`
	TokenSecret string `json:"tokenSecret"`
}

// fetcher is the program that fetches models. The build runs what the studio has
// of it.
func (t *tx) fetcher(r *run, role *record) error {
	at := r.env["BUCKET"] + "/" + r.env["FETCHER"]
	if !t.allows(role, "s3:GetObject", "arn:aws:s3:::"+at) {
		return refuse("AccessDenied", "GetObject of %s", r.env["FETCHER"])
	}
	if t.find(kindObject, at) == nil {
		return refuse("NoSuchKey", "The specified key does not exist: %s", r.env["FETCHER"])
	}
	return nil
}

func (t *tx) fetch(r *run, role *record, files []file) map[string]string {
	present, failures := 0, []string{}
	for i, f := range files {
		if why := t.fetchOne(r.env["MODELS_BUCKET"], role, f); why != "" {
			failures = append(failures, fmt.Sprintf("%d:%s", i, why))
			continue
		}
		present++
	}
	state := "done"
	if len(failures) > 0 {
		state = "partial"
	}
	return map[string]string{"state": state, "present": strconv.Itoa(present), "failures": strings.Join(failures, ",")}
}

// fetchOne is empty when the file is in the bucket, else why it is not.
func (t *tx) fetchOne(bucket string, role *record, f file) string {
	arn := "arn:aws:s3:::" + bucket
	if !t.allows(role, "s3:GetObject", arn+"/"+f.Path) || !t.allows(role, "s3:ListBucket", arn) {
		return "denied"
	}
	if o := t.find(kindObject, bucket+"/"+f.Path); o != nil {
		if o.attrs.String("metadata.sha256") == f.SHA256 {
			return ""
		}
		return "conflict"
	}
	if source, ok := strings.CutPrefix(f.URL, "s3://"); ok && !t.allows(role, "s3:GetObject", "arn:aws:s3:::"+source) {
		return "source"
	}
	if f.TokenSecret != "" {
		secret, has := t.secret(f.TokenSecret)
		if !has || !t.allows(role, "secretsmanager:GetSecretValue", secret) {
			return "source"
		}
	}
	if t.put(role, bucket, f.Path, map[string]string{"sha256": f.SHA256}) != nil {
		return "bucket"
	}
	return ""
}
