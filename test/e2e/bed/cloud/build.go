package cloud

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

var (
	kindDocument    = Kind{"ssm", "Document"}
	kindAssociation = Kind{"ssm", "Association"}
	kindRepository  = Kind{"ecr", "Repository"}
	kindECRPolicy   = Kind{"ecr", "LifecyclePolicy"}
	kindProject     = Kind{"codebuild", "Project"}
)

func buildRules() []rule {
	return []rule{{
		kind:     kindDocument,
		required: []string{"content", "documentType"},
		identity: func(c Call) string { return c.Name },
		exists: func(t *tx) error {
			return refuse("DocumentAlreadyExists", "Document with same name %s already exists", t.call.Name)
		},
		create: createDocument,
		update: checkDocument,
		read:   readDocument,
	}, {
		kind:     kindAssociation,
		required: []string{"name"},
		create: func(t *tx) error {
			if t.find(kindDocument, t.args.String("name")) == nil && !strings.HasPrefix(t.args.String("name"), "AWS-") {
				return refuse("InvalidDocument", "Document with name %s does not exist.", t.args.String("name"))
			}
			t.res.id = t.uuid()
			t.res.arn = t.arnOf("ssm", "association/"+t.res.id)
			t.res.attrs = Values{"arn": t.res.arn, "id": t.res.id, "associationId": t.res.id, "documentVersion": "$DEFAULT"}
			given(t.res.attrs, t.args, "documentVersion")
			return nil
		},
	}, {
		kind:     kindRepository,
		identity: func(c Call) string { return c.Name },
		exists: func(t *tx) error {
			return refuse("RepositoryAlreadyExistsException", "The repository with name '%s' already exists in the registry with id '%s'", t.call.Name, t.account)
		},
		create: createRepository,
	}, {
		kind:     kindECRPolicy,
		required: []string{"repository", "policy"},
		identity: func(c Call) string { return c.Args.String("repository") },
		create: func(t *tx) error {
			t.res.attrs = Values{"id": t.res.id, "registryId": t.account}
			return checkECRPolicy(t)
		},
		update: checkECRPolicy,
	}, {
		kind:     kindProject,
		required: []string{"serviceRole", "environment.computeType", "environment.image", "environment.type", "source.type", "artifacts.type"},
		identity: func(c Call) string { return "arn:aws:codebuild:" + c.region() + ":" + c.account + ":project/" + c.Name },
		exists: func(t *tx) error {
			return refuse("ResourceAlreadyExistsException", "Project already exists: %s", t.res.arn)
		},
		create: createProject,
		update: checkProject,
	}}
}

var documentName = regexp.MustCompile(`^[a-zA-Z0-9_\-.]{3,128}$`)

func createDocument(t *tx) error {
	name := t.call.Name
	if !documentName.MatchString(name) || strings.HasPrefix(strings.ToLower(name), "aws") || strings.HasPrefix(strings.ToLower(name), "amazon") {
		return refuse("ValidationException", "The document name %s is not valid", name)
	}
	if err := checkDocument(t); err != nil {
		return err
	}
	t.res.arn = t.arnOf("ssm", "document/"+name)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": name, "createdDate": t.date(), "defaultVersion": "1", "documentVersion": "1", "latestVersion": "1",
		"hashType": "Sha256", "owner": t.account, "platformTypes": []any{"Linux", "MacOS"}, "status": "Active", "documentFormat": "JSON",
	}
	given(t.res.attrs, t.args, "documentFormat")
	return nil
}

// content reads a document in either format.
func content(args Values) (Values, error) {
	doc := map[string]any{}
	text := []byte(args.String("content"))
	if args.String("documentFormat") == "YAML" {
		return doc, yaml.Unmarshal(text, &doc)
	}
	return doc, json.Unmarshal(text, &doc)
}

func checkDocument(t *tx) error {
	doc, err := content(t.args)
	if err != nil {
		return refuse("InvalidDocumentContent", "The content for the document is not valid: %s", err)
	}
	if doc.String("schemaVersion") == "" {
		return refuse("InvalidDocumentContent", "The document has no schemaVersion")
	}
	if t.args.String("documentType") == "Command" && len(doc.List("mainSteps")) == 0 && !doc.Has("runtimeConfig") {
		return refuse("InvalidDocumentContent", "A Command document needs mainSteps")
	}
	return nil
}

func readDocument(t *tx) {
	doc, err := content(t.res.args)
	if err != nil {
		return
	}
	sum := sha256.Sum256([]byte(t.res.args.String("content")))
	t.res.attrs["hash"], t.res.attrs["schemaVersion"] = hex.EncodeToString(sum[:]), doc.String("schemaVersion")
	t.res.attrs["description"] = doc.String("description")
	ps, _ := doc.Get("parameters").(map[string]any)
	params := []any{}
	for _, name := range slices.Sorted(maps.Keys(ps)) {
		p, _ := ps[name].(map[string]any)
		v := Values(p)
		params = append(params, map[string]any{
			"name": name, "type": v.String("type"), "defaultValue": v.String("default"), "description": v.String("description"),
		})
	}
	delete(t.res.attrs, "parameter")
	if len(params) > 0 {
		t.res.attrs["parameter"] = params
	}
}

var repositoryName = regexp.MustCompile(`^[a-z0-9]+(?:[._/-][a-z0-9]+)*$`)

func createRepository(t *tx) error {
	name := t.call.Name
	if len(name) < 2 || len(name) > 256 || !repositoryName.MatchString(name) {
		return refuse("InvalidParameterException", "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression (?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*': %s", name)
	}
	t.res.arn = t.arnOf("ecr", "repository/"+name)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": name, "registryId": t.account, "imageTagMutability": "MUTABLE",
		"repositoryUrl":           t.account + ".dkr.ecr." + t.call.region() + ".amazonaws.com/" + name,
		"encryptionConfiguration": []any{map[string]any{"encryptionType": "AES256"}},
	}
	given(t.res.attrs, t.args, "imageTagMutability", "encryptionConfiguration")
	return nil
}

func checkECRPolicy(t *tx) error {
	name := t.args.String("repository")
	if t.find(kindRepository, name) == nil {
		return refuse("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'", name, t.account)
	}
	p := struct {
		Rules []any `json:"rules"`
	}{}
	if json.Unmarshal([]byte(t.args.String("policy")), &p) != nil || len(p.Rules) == 0 {
		return refuse("InvalidParameterException", "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: a policy needs rules'")
	}
	return nil
}

var projectName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9\-_]{1,149}$`)

func createProject(t *tx) error {
	if !projectName.MatchString(t.call.Name) {
		return refuse("InvalidInputException", "Project name %s is not valid: 2 to 150 letters, digits, hyphens and underscores", t.call.Name)
	}
	if err := checkProject(t); err != nil {
		return err
	}
	t.res.arn = t.res.id
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.arn, "encryptionKey": t.arnOf("kms", "alias/aws/s3"), "projectVisibility": "PRIVATE",
		"queuedTimeout": int64(480), "buildTimeout": int64(60),
	}
	given(t.res.attrs, t.args, "encryptionKey", "projectVisibility", "queuedTimeout", "buildTimeout")
	return nil
}

func checkProject(t *tx) error {
	arn := t.args.String("serviceRole")
	if role := t.roleByARN(arn); role == nil || !role.trusts("codebuild.amazonaws.com") {
		return refuse("InvalidInputException", "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy configured: %s", arn)
	}
	if t.args.String("source.type") == "NO_SOURCE" && t.args.String("source.buildspec") == "" {
		return refuse("InvalidInputException", "Project source with NO_SOURCE must include a buildspec")
	}
	return nil
}
