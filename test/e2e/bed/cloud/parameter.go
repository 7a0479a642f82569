package cloud

import (
	"regexp"
	"strings"
)

var kindParameter = Kind{"ssm", "Parameter"}

// standardValue is how many characters a parameter of the standard tier holds
// (Systems Manager endpoints and quotas).
const standardValue = 4096

func parameterRules() []rule {
	return []rule{{
		kind: kindParameter,
		// PutParameter refuses an empty value, which is what the provider sends when
		// the Secret is not there.
		required: []string{"type", "value"},
		identity: func(c Call) string { return c.Name },
		exists: func(*tx) error {
			return refuse("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		},
		create: createParameter,
		update: func(t *tx) error {
			if err := checkParameter(t); err != nil {
				return err
			}
			// Every put is a version.
			t.res.attrs["version"] = t.res.attrs.Int("version") + 1
			return nil
		},
	}}
}

// parameterName is PutParameter's rule for a name: a path of at most 15 levels.
var parameterName = regexp.MustCompile(`^/?[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+){0,14}$`)

func createParameter(t *tx) error {
	name := t.call.Name
	if len(name) > 1011 || !parameterName.MatchString(name) || strings.Contains(name, "/") && !strings.HasPrefix(name, "/") {
		return refuse("ValidationException", "Parameter name must be a fully qualified name: %s", name)
	}
	for _, theirs := range []string{"aws", "ssm"} {
		if strings.HasPrefix(strings.ToLower(strings.TrimPrefix(name, "/")), theirs) {
			return refuse("ValidationException", "Parameter name: can't be prefixed with %q (case-insensitive): %s", theirs, name)
		}
	}
	if err := checkParameter(t); err != nil {
		return err
	}
	t.res.arn = t.arnOf("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
	t.res.attrs = Values{"arn": t.res.arn, "id": name, "dataType": "text", "tier": "Standard", "version": int64(1)}
	if t.args.String("type") == "SecureString" {
		t.res.attrs["keyId"] = "alias/aws/ssm"
	}
	given(t.res.attrs, t.args, "dataType", "tier", "keyId")
	return nil
}

func checkParameter(t *tx) error {
	switch typ := t.args.String("type"); typ {
	case "String", "StringList", "SecureString":
	default:
		return refuse("ValidationException", "Value '%s' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]", typ)
	}
	value := t.args.String("value")
	if len(value) > standardValue && t.args.String("tier") != "Advanced" {
		return refuse("ValidationException", "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.")
	}
	if strings.Contains(value, "{{") {
		return refuse("ValidationException", "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.")
	}
	return nil
}
