package cloud

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

var kindCluster = Kind{"eks", "Cluster"}

func eksRules() []rule {
	return []rule{{
		kind:     kindCluster,
		required: []string{"roleArn", "vpcConfig.subnetIds"},
		identity: func(c Call) string { return c.Name },
		exists: func(t *tx) error {
			return refuse("ResourceInUseException", "Cluster already exists with name: %s", t.call.Name)
		},
		create:     createCluster,
		update:     updateCluster,
		read:       readCluster,
		remove:     removeCluster,
		dependents: []dependent{{kind: kindNodeGroup, path: "clusterName"}},
		inUse: func(*tx, *record) error {
			return refuse("ResourceInUseException", "Cluster has nodegroups attached")
		},
	}}
}

// clusterName is the pattern CreateCluster documents.
var clusterName = regexp.MustCompile(`^[0-9A-Za-z][A-Za-z0-9\-_]{0,99}$`)

// eksVersions are in standard or extended support at the end of November 2026.
var eksVersions = []string{"1.31", "1.32", "1.33", "1.34", "1.35", "1.36"}

// defaultEKSVersion is what a cluster gets that asks for none.
const defaultEKSVersion = "1.35"

func checkVersion(t *tx) error {
	if v := t.args.String("version"); v != "" && !slices.Contains(eksVersions, v) {
		return refuse("InvalidParameterException", "unsupported Kubernetes version %s", v)
	}
	return nil
}

// updateCluster refuses to take a cluster to another VPC.
func updateCluster(t *tx) error {
	if err := checkVersion(t); err != nil {
		return err
	}
	vpc, err := clusterSubnets(t)
	if err != nil {
		return err
	}
	if vpc != t.res.attrs.String("vpcConfig.vpcId") {
		return refuse("InvalidParameterException", "Provided subnets belong to a different VPC than the one the cluster was created with")
	}
	return nil
}

func createCluster(t *tx) error {
	name := t.call.Name
	if !clusterName.MatchString(name) {
		return refuse("InvalidParameterException", "The name '%s' does not match the pattern ^[0-9A-Za-z][A-Za-z0-9\\-_]* or is longer than 100", name)
	}
	if err := checkVersion(t); err != nil {
		return err
	}
	arn := t.args.String("roleArn")
	if role := t.roleByARN(arn); role == nil || !role.trusts("eks.amazonaws.com") {
		return refuse("InvalidParameterException", "Role with arn: %s, could not be assumed because it does not exist or the trusted entity is not correct", arn)
	}
	vpc, err := clusterSubnets(t)
	if err != nil {
		return err
	}
	id := strings.ToUpper(t.hex(32))
	t.res.arn = t.arnOf("eks", "cluster/"+name)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": name, "createdAt": t.date(), "platformVersion": "eks.4", "version": defaultEKSVersion,
		"certificateAuthority": []any{map[string]any{"data": base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\n" + id + "\n-----END CERTIFICATE-----\n"))}},
		"endpoint":             "https://" + id + ".gr7." + t.call.region() + ".eks.amazonaws.com",
		"identity":             []any{map[string]any{"oidc": []any{map[string]any{"issuer": "https://oidc.eks." + t.call.region() + ".amazonaws.com/id/" + id}}}},
	}
	given(t.res.attrs, t.args, "version")
	t.res.attrs.Set("vpcConfig.vpcId", vpc)
	t.res.attrs.Set("vpcConfig.clusterSecurityGroupId", "sg-"+t.hex(17))
	t.res.attrs.Set("kubernetesNetworkConfig.serviceIpv4Cidr", "172.20.0.0/16")
	t.res.attrs.Set("kubernetesNetworkConfig.ipFamily", "ipv4")
	if t.args.Bool("accessConfig.bootstrapClusterCreatorAdminPermissions") {
		t.madeEntry(name, "arn:aws:iam::"+t.account+":role/crossplane-provider-aws")
	}
	return nil
}

// madeEntry is an access entry that EKS makes by itself. It goes with the
// cluster and is in no ledger.
func (t *tx) madeEntry(cluster, principal string) {
	id := joined(cluster, ":", principal)
	if t.find(kindAccessEntry, id) != nil {
		return
	}
	t.add(&record{
		kind: kindAccessEntry, id: id, region: t.call.region(), hidden: true, created: t.now, active: t.now,
		args: Values{"clusterName": cluster, "principalArn": principal}, attrs: Values{"id": id},
	})
}

// clusterSubnets checks a cluster's subnets and returns their VPC.
func clusterSubnets(t *tx) (string, error) {
	vpc, zones := "", []string{}
	for _, id := range t.args.Strings("vpcConfig.subnetIds") {
		s := t.find(kindSubnet, id)
		if s == nil {
			return "", refuse("InvalidParameterException", "The subnet ID '%s' does not exist", id)
		}
		if vpc != "" && vpc != s.args.String("vpcId") {
			return "", refuse("InvalidParameterException", "Subnets specified must all be in the same VPC")
		}
		vpc = s.args.String("vpcId")
		zone := s.attrs.String("availabilityZoneId")
		if slices.Contains(notForEKS, zone) {
			return "", refuse("UnsupportedAvailabilityZoneException", "Cannot create cluster '%s' because %s, the targeted availability zone, does not currently have sufficient capacity to support the cluster.", t.call.Name, zone)
		}
		if !slices.Contains(zones, zone) {
			zones = append(zones, zone)
		}
	}
	if len(zones) < 2 {
		return "", refuse("InvalidParameterException", "Subnets specified must be in at least two different AZs")
	}
	return vpc, nil
}

// eksStatus is how EKS spells a state.
func eksStatus(s State) string {
	return map[State]string{
		StateCreating: "CREATING", StateActive: "ACTIVE", StateUpdating: "UPDATING", StateDeleting: "DELETING",
	}[s]
}

func readCluster(t *tx) { t.res.attrs["status"] = eksStatus(t.res.state(t.now)) }

// removeCluster removes what lives in a cluster and goes with it.
func removeCluster(t *tx) error {
	if t.res.args.Bool("deletionProtection") {
		return refuse("InvalidRequestException", "Cluster %s cannot be deleted because deletion protection is enabled", t.res.id)
	}
	if t.res.state(t.now) == StateCreating {
		return refuse("ResourceInUseException", "Cluster has creation in progress")
	}
	gone := t.now + DurationsOf(kindCluster).Delete
	for _, k := range []Kind{kindAddon, kindAccessEntry, kindPolicyAssociation, kindPodIdentity} {
		for r := range t.each(k) {
			if r.args.String("clusterName") == t.res.id && r.region == t.res.region {
				t.drop(r, gone)
			}
		}
	}
	return nil
}

// cluster finds the cluster of a call that needs it to be active.
func (t *tx) cluster() (*record, error) {
	name := t.args.String("clusterName")
	c := t.find(kindCluster, name)
	if c == nil {
		return nil, refuse("ResourceNotFoundException", "No cluster found for name: %s.", name)
	}
	if !c.usable(t.now) {
		return nil, refuse("InvalidRequestException", "Cluster '%s' is not in ACTIVE status: it is %s", name, eksStatus(c.state(t.now)))
	}
	return c, nil
}
