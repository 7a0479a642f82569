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
		create: createCluster,
		read:   readCluster,
	}}
}

// clusterName is the pattern CreateCluster documents.
var clusterName = regexp.MustCompile(`^[0-9A-Za-z][A-Za-z0-9\-_]{0,99}$`)

func createCluster(t *tx) error {
	name := t.call.Name
	if !clusterName.MatchString(name) {
		return refuse("InvalidParameterException", "The name '%s' does not match the pattern ^[0-9A-Za-z][A-Za-z0-9\\-_]* or is longer than 100", name)
	}
	vpc, err := clusterSubnets(t)
	if err != nil {
		return err
	}
	id := strings.ToUpper(t.hex(32))
	t.res.arn = t.arnOf("eks", "cluster/"+name)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": name, "createdAt": t.date(), "platformVersion": "eks.4",
		"certificateAuthority": []any{map[string]any{"data": base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\n" + id + "\n-----END CERTIFICATE-----\n"))}},
		"endpoint":             "https://" + id + ".gr7." + t.call.region() + ".eks.amazonaws.com",
		"identity":             []any{map[string]any{"oidc": []any{map[string]any{"issuer": "https://oidc.eks." + t.call.region() + ".amazonaws.com/id/" + id}}}},
	}
	t.res.attrs.Set("vpcConfig.vpcId", vpc)
	t.res.attrs.Set("vpcConfig.clusterSecurityGroupId", "sg-"+t.hex(17))
	return nil
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

func readCluster(t *tx) {
	t.res.attrs["status"] = map[State]string{
		StateCreating: "CREATING", StateActive: "ACTIVE", StateUpdating: "UPDATING", StateDeleting: "DELETING",
	}[t.res.state(t.now)]
}
