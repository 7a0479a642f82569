package cloud

import (
	"regexp"
	"slices"
	"strings"
)

var (
	kindRole            = Kind{"iam", "Role"}
	kindRolePolicy      = Kind{"iam", "RolePolicy"}
	kindAttachment      = Kind{"iam", "RolePolicyAttachment"}
	kindPolicy          = Kind{"iam", "Policy"}
	kindInstanceProfile = Kind{"iam", "InstanceProfile"}
)

// managedPolicies are those of AWS's own policies that a studio may want; a
// name that is not here is taken for a slip of the pen.
var managedPolicies = []string{
	"AmazonEKSClusterPolicy", "AmazonEKSVPCResourceController", "AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy",
	"AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly",
	"AmazonEC2ContainerRegistryPowerUser", "AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy",
	"service-role/AmazonEBSCSIDriverPolicy", "service-role/AWSLambdaBasicExecutionRole", "service-role/AWSLambdaSQSQueueExecutionRole",
	"AmazonS3ReadOnlyAccess", "AmazonS3FullAccess", "AdministratorAccess",
}

func iamRules() []rule {
	return []rule{{
		kind: kindRole, global: true,
		required: []string{"assumeRolePolicy"},
		identity: func(c Call) string { return c.Name },
		exists: func(t *tx) error {
			return refuse("EntityAlreadyExists", "Role with name %s already exists.", t.call.Name)
		},
		create: createRole,
		update: checkRole,
		read:   readRole,
		dependents: []dependent{
			{kind: kindAttachment, path: "role"}, {kind: kindRolePolicy, path: "role"}, {kind: kindInstanceProfile, path: "role"},
		},
		inUse: roleInUse,
	}, {
		kind: kindRolePolicy, global: true,
		required: []string{"role", "policy"},
		identity: func(c Call) string { return joined(c.Args.String("role"), ":", c.Name) },
		create:   createRolePolicy,
		update:   checkRolePolicy,
	}, {
		kind: kindAttachment, global: true,
		required: []string{"role", "policyArn"},
		identity: func(c Call) string { return joined(c.Args.String("role"), "/", c.Args.String("policyArn")) },
		create:   attachPolicy,
	}, {
		kind: kindPolicy, global: true,
		required: []string{"policy"},
		identity: policyARN,
		exists: func(t *tx) error {
			return refuse("EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", t.call.Name)
		},
		create:     createPolicy,
		update:     checkManagedPolicy,
		read:       readPolicy,
		dependents: []dependent{{kind: kindAttachment, path: "policyArn"}},
		inUse: func(*tx, *record) error {
			return refuse("DeleteConflict", "Cannot delete a policy attached to entities.")
		},
	}, {
		kind: kindInstanceProfile, global: true,
		identity: func(c Call) string { return c.Name },
		exists: func(t *tx) error {
			return refuse("EntityAlreadyExists", "Instance Profile %s already exists.", t.call.Name)
		},
		create: createInstanceProfile,
		update: checkProfileRole,
	}}
}

// joined is an id made of two parts, empty while one is missing.
func joined(a, sep, b string) string {
	if a == "" || b == "" {
		return ""
	}
	return a + sep + b
}

func policyARN(c Call) string {
	return "arn:aws:iam::" + c.account + ":policy" + pathOf(c.Args) + c.Name
}

var iamName = regexp.MustCompile(`^[\w+=,.@-]+$`)

func checkIAMName(what, name string, limit int) error {
	if len(name) > limit {
		return refuse("ValidationError", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", name, what, limit)
	}
	if !iamName.MatchString(name) {
		return refuse("ValidationError", "The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", what)
	}
	return nil
}

func createRole(t *tx) error {
	if err := checkIAMName("roleName", t.call.Name, 64); err != nil {
		return err
	}
	if err := checkRole(t); err != nil {
		return err
	}
	t.res.arn = "arn:aws:iam::" + t.account + ":role" + pathOf(t.args) + t.call.Name
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.call.Name, "createDate": t.date(), "uniqueId": "AROA" + t.upper(17),
		"maxSessionDuration": int64(3600), "path": "/",
	}
	given(t.res.attrs, t.args, "maxSessionDuration", "path")
	return nil
}

// given drops defaults where the arguments have a value.
func given(attrs, args Values, paths ...string) {
	for _, p := range paths {
		if args.Has(p) {
			delete(attrs, p)
		}
	}
}

func pathOf(args Values) string {
	if p := args.String("path"); p != "" {
		return p
	}
	return "/"
}

func checkRole(t *tx) error {
	doc := t.args.String("assumeRolePolicy")
	if size(doc) > maxTrustPolicy {
		return refuse("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", maxTrustPolicy)
	}
	if d := t.args.Int("maxSessionDuration"); d != 0 && (d < 3600 || d > 43200) {
		return refuse("ValidationError", "1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must be between 3600 and 43200", d)
	}
	return checkPolicy(doc, trustPolicy)
}

func readRole(t *tx) {
	inline, attached := []any{}, []string{}
	for p := range t.each(kindRolePolicy) {
		if p.args.String("role") == t.res.id {
			inline = append(inline, map[string]any{"name": p.name, "policy": p.args.String("policy")})
		}
	}
	for a := range t.each(kindAttachment) {
		if a.args.String("role") == t.res.id {
			attached = append(attached, a.args.String("policyArn"))
		}
	}
	slices.Sort(attached)
	delete(t.res.attrs, "inlinePolicy")
	delete(t.res.attrs, "managedPolicyArns")
	if len(inline) > 0 {
		t.res.attrs["inlinePolicy"] = inline
	}
	if len(attached) > 0 {
		t.res.attrs["managedPolicyArns"] = anyList(attached)
	}
}

func roleInUse(_ *tx, by *record) error {
	switch by.kind {
	case kindRolePolicy:
		return refuse("DeleteConflict", "Cannot delete entity, must delete policies first.")
	case kindInstanceProfile:
		return refuse("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	}
	return refuse("DeleteConflict", "Cannot delete entity, must detach all policies first.")
}

// checkRoleName refuses the name of a role that is not there.
func (t *tx) checkRoleName(name string) error {
	if t.find(kindRole, name) == nil {
		return refuse("NoSuchEntity", "The role with name %s cannot be found.", name)
	}
	return nil
}

// roleByARN finds the role of an ARN.
func (t *tx) roleByARN(arn string) *record {
	_, name, _ := strings.Cut(arn, ":role/")
	r := t.find(kindRole, name[strings.LastIndex(name, "/")+1:])
	if r == nil || r.arn != arn {
		return nil
	}
	return r
}

// trusts tells whether the service may assume the role.
func (r *record) trusts(service string) bool {
	return strings.Contains(r.args.String("assumeRolePolicy"), `"`+service+`"`)
}

func createRolePolicy(t *tx) error {
	if err := checkIAMName("policyName", t.call.Name, 128); err != nil {
		return err
	}
	t.res.attrs = Values{"id": t.res.id}
	return checkRolePolicy(t)
}

func checkRolePolicy(t *tx) error {
	if err := t.checkRoleName(t.args.String("role")); err != nil {
		return err
	}
	if err := checkPolicy(t.args.String("policy"), identityPolicy); err != nil {
		return err
	}
	sum := size(t.args.String("policy"))
	for p := range t.each(kindRolePolicy) {
		if p.args.String("role") == t.args.String("role") {
			sum += size(p.args.String("policy"))
		}
	}
	if sum > maxInlinePolicy {
		return refuse("LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", maxInlinePolicy, t.args.String("role"))
	}
	return nil
}

func attachPolicy(t *tx) error {
	if err := t.checkRoleName(t.args.String("role")); err != nil {
		return err
	}
	arn := t.args.String("policyArn")
	name, aws := strings.CutPrefix(arn, "arn:aws:iam::aws:policy/")
	if aws && !slices.Contains(managedPolicies, name) || !aws && t.policyByARN(arn) == nil {
		return refuse("NoSuchEntity", "Policy %s does not exist or is not attachable.", arn)
	}
	attached := 0
	for a := range t.each(kindAttachment) {
		if a.args.String("role") == t.args.String("role") {
			attached++
		}
	}
	if attached >= 10 {
		return refuse("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
	}
	t.res.attrs = Values{"id": t.res.id}
	return nil
}

func (t *tx) policyByARN(arn string) *record {
	for p := range t.each(kindPolicy) {
		if p.arn == arn {
			return p
		}
	}
	return nil
}

func createPolicy(t *tx) error {
	if err := checkIAMName("policyName", t.call.Name, 128); err != nil {
		return err
	}
	if err := checkManagedPolicy(t); err != nil {
		return err
	}
	t.res.arn = t.res.id
	t.res.attrs = Values{"arn": t.res.arn, "id": t.res.arn, "policyId": "ANPA" + t.upper(17), "path": "/"}
	given(t.res.attrs, t.args, "path")
	return nil
}

func checkManagedPolicy(t *tx) error {
	doc := t.args.String("policy")
	if size(doc) > maxManagedPolicy {
		return refuse("LimitExceeded", "Cannot exceed quota for PolicySize: %d", maxManagedPolicy)
	}
	return checkPolicy(doc, identityPolicy)
}

func readPolicy(t *tx) {
	n := int64(0)
	for a := range t.each(kindAttachment) {
		if a.args.String("policyArn") == t.res.arn {
			n++
		}
	}
	t.res.attrs["attachmentCount"] = n
}

func createInstanceProfile(t *tx) error {
	if err := checkIAMName("instanceProfileName", t.call.Name, 128); err != nil {
		return err
	}
	if err := checkProfileRole(t); err != nil {
		return err
	}
	t.res.arn = "arn:aws:iam::" + t.account + ":instance-profile" + pathOf(t.args) + t.call.Name
	t.res.attrs = Values{"arn": t.res.arn, "id": t.call.Name, "createDate": t.date(), "uniqueId": "AIPA" + t.upper(17), "path": "/"}
	given(t.res.attrs, t.args, "path")
	return nil
}

func checkProfileRole(t *tx) error {
	if name := t.args.String("role"); name != "" {
		return t.checkRoleName(name)
	}
	return nil
}
