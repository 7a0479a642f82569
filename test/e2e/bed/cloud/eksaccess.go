package cloud

import (
	"regexp"
	"slices"
	"strings"
)

var (
	kindAccessEntry       = Kind{"eks", "AccessEntry"}
	kindPolicyAssociation = Kind{"eks", "AccessPolicyAssociation"}
	kindPodIdentity       = Kind{"eks", "PodIdentityAssociation"}
)

// accessPolicies are EKS's own ("Review access policy permissions").
var accessPolicies = []string{
	"AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy",
}

var principal = regexp.MustCompile(`^arn:aws:iam::\d{12}:(role|user)/.+$`)

func accessRules() []rule {
	return []rule{{
		kind:     kindAccessEntry,
		required: []string{"clusterName", "principalArn"},
		identity: func(c Call) string { return joined(c.Args.String("clusterName"), ":", c.Args.String("principalArn")) },
		exists: func(*tx) error {
			return refuse("ResourceInUseException", "The specified access entry resource is already in use on this cluster.")
		},
		create: createAccessEntry,
		remove: removeAccessEntry,
	}, {
		kind:     kindPolicyAssociation,
		required: []string{"clusterName", "principalArn"},
		identity: func(c Call) string {
			return joined(joined(c.Args.String("clusterName"), "#", c.Args.String("principalArn")), "#", c.Args.String("policyArn"))
		},
		create: associateAccessPolicy,
	}, {
		kind:     kindPodIdentity,
		required: []string{"clusterName", "namespace", "serviceAccount", "roleArn"},
		create:   createPodIdentity,
		update:   checkPodRole,
	}}
}

func createAccessEntry(t *tx) error {
	c, err := t.cluster()
	if err != nil {
		return err
	}
	if mode := c.args.String("accessConfig.authenticationMode"); !strings.HasPrefix(mode, "API") {
		return refuse("InvalidRequestException", "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.")
	}
	arn := t.args.String("principalArn")
	if !principal.MatchString(arn) {
		return refuse("InvalidParameterException", "The specified principalArn is invalid: invalid principal")
	}
	kind, user, groups := t.args.String("type"), arn, []any(nil)
	switch kind {
	case "", "STANDARD":
	case "EC2_LINUX":
		user, groups = "system:node:{{EC2PrivateDNSName}}", []any{"system:nodes"}
		if g := t.args.Strings("kubernetesGroups"); len(g) > 0 && !slices.Equal(g, []string{"system:nodes"}) {
			return refuse("InvalidParameterException", "The kubernetes groups of an access entry of type %s cannot be set", kind)
		}
	default:
		return refuse("InvalidParameterException", "The access entry type %s is not one of STANDARD, EC2_LINUX", kind)
	}
	// arn:aws:iam::<account>:role/<name> becomes …/role/<account>/<name>/…
	what := strings.SplitN(arn, ":", 6)
	kindOf, name, _ := strings.Cut(what[5], "/")
	t.res.arn = t.arnOf("eks", strings.Join([]string{"access-entry", c.id, kindOf, what[4], name, t.uuid()}, "/"))
	t.res.attrs = Values{
		"accessEntryArn": t.res.arn, "id": t.res.id, "createdAt": t.date(), "modifiedAt": t.date(),
		"type": "STANDARD", "userName": user,
	}
	if groups != nil {
		t.res.attrs["kubernetesGroups"] = groups
	}
	given(t.res.attrs, t.args, "type", "userName", "kubernetesGroups")
	return nil
}

// removeAccessEntry removes the entry's policies: they go with it.
func removeAccessEntry(t *tx) error {
	for r := range t.each(kindPolicyAssociation) {
		if r.args.String("clusterName") == t.res.args.String("clusterName") && r.args.String("principalArn") == t.res.args.String("principalArn") {
			t.drop(r, t.now)
		}
	}
	return nil
}

func associateAccessPolicy(t *tx) error {
	c, err := t.cluster()
	if err != nil {
		return err
	}
	entry := t.find(kindAccessEntry, joined(c.id, ":", t.args.String("principalArn")))
	if entry == nil {
		return refuse("ResourceNotFoundException", "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.")
	}
	if kind := entry.args.String("type"); kind != "" && kind != "STANDARD" {
		return refuse("InvalidRequestException", "Access policies cannot be associated with an access entry of type %s", kind)
	}
	name, ours := strings.CutPrefix(t.args.String("policyArn"), "arn:aws:eks::aws:cluster-access-policy/")
	if !ours || !slices.Contains(accessPolicies, name) {
		return refuse("InvalidParameterException", "The policyArn parameter format is not valid")
	}
	switch scope := t.args.String("accessScope.type"); {
	case scope == "namespace" && len(t.args.Strings("accessScope.namespaces")) == 0:
		return refuse("InvalidParameterException", "The namespaces of an access scope of type namespace must not be empty")
	case scope != "cluster" && scope != "namespace":
		return refuse("InvalidParameterException", "The access scope type %q is not one of cluster, namespace", scope)
	}
	at := t.clock.Wall().Format("2006-01-02 15:04:05.000 +0000 UTC")
	t.res.attrs = Values{"id": t.res.id, "associatedAt": at, "modifiedAt": at}
	return nil
}

func createPodIdentity(t *tx) error {
	c, err := t.cluster()
	if err != nil {
		return err
	}
	if err := checkPodRole(t); err != nil {
		return err
	}
	for r := range t.each(kindPodIdentity) {
		if r.args.String("clusterName") == c.id && r.args.String("namespace") == t.args.String("namespace") &&
			r.args.String("serviceAccount") == t.args.String("serviceAccount") {
			return refuse("ResourceInUseException", "Association already exists: %s", r.id)
		}
	}
	t.res.id = "a-" + t.hex(17)
	t.res.arn = t.arnOf("eks", "podidentityassociation/"+c.id+"/"+t.res.id)
	t.res.attrs = Values{"associationArn": t.res.arn, "associationId": t.res.id, "id": t.res.id}
	return nil
}

func checkPodRole(t *tx) error {
	role := t.roleByARN(t.args.String("roleArn"))
	if role == nil {
		return refuse("InvalidParameterException", "Role provided in the request does not exist.")
	}
	if !role.trusts("pods.eks.amazonaws.com") {
		return refuse("InvalidParameterException", "Trust relationship of role %s does not allow pods.eks.amazonaws.com", role.arn)
	}
	return nil
}
