package cloud

import (
	"regexp"
	"strings"
	"time"
)

var (
	kindSecret        = Kind{"secretsmanager", "Secret"}
	kindSecretVersion = Kind{"secretsmanager", "SecretVersion"}
)

// recoveryDays is how long a deleted secret can be had back when nobody says
// otherwise, and its name stays taken (DeleteSecret in the API reference).
const recoveryDays = 30

func secretRules() []rule {
	return []rule{{
		kind:     kindSecret,
		required: []string{"name"},
		create:   createSecret,
	}, {
		kind:     kindSecretVersion,
		required: []string{"secretId", "secretString"},
		create:   createSecretVersion,
		update:   checkSecretVersion,
	}}
}

var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

func createSecret(t *tx) error {
	name := t.args.String("name")
	if !secretName.MatchString(name) {
		return refuse("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	for _, s := range t.records {
		if s.kind != kindSecret || s.region != t.call.region() || s.args.String("name") != name {
			continue
		}
		if s.exists(t.now) {
			return refuse("ResourceExistsException", "The operation failed because the secret %s already exists.", name)
		}
		if t.now < s.deleted+recoveryOf(s) {
			return refuse("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
		}
	}
	t.res.arn = t.arnOf("secretsmanager", "secret:"+name+"-"+t.hex(6))
	t.res.id = t.res.arn
	t.res.attrs = Values{"arn": t.res.arn, "id": t.res.arn, "recoveryWindowInDays": int64(recoveryDays)}
	given(t.res.attrs, t.args, "recoveryWindowInDays")
	return nil
}

func recoveryOf(secret *record) time.Duration {
	days := int64(recoveryDays)
	if secret.args.Has("recoveryWindowInDays") {
		days = secret.args.Int("recoveryWindowInDays")
	}
	return time.Duration(days) * 24 * time.Hour
}

func createSecretVersion(t *tx) error {
	if err := checkSecretVersion(t); err != nil {
		return err
	}
	version := t.uuid()
	t.res.id = t.args.String("secretId") + "|" + version
	t.res.attrs = Values{
		"arn": t.args.String("secretId"), "id": t.res.id, "versionId": version, "versionStages": []any{"AWSCURRENT"},
	}
	given(t.res.attrs, t.args, "versionStages")
	return nil
}

func checkSecretVersion(t *tx) error {
	if t.find(kindSecret, t.args.String("secretId")) == nil {
		return refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	return nil
}

// secret finds the value of a secret by its name, and its ARN.
func (t *tx) secret(name string) (arn string, has bool) {
	for s := range t.each(kindSecret) {
		if s.region != t.call.region() || s.args.String("name") != name {
			continue
		}
		for v := range t.each(kindSecretVersion) {
			if strings.HasPrefix(v.id, s.id+"|") {
				return s.arn, true
			}
		}
	}
	return "", false
}
