package main

import (
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// edgeStatus tells the address, and remembers what AWS told.
func edgeStatus(a answer, s *v1alpha1.ComfyUIStudioStatus) {
	f := a.facts.Edge

	s.Edge = &v1alpha1.EdgeStatus{
		LoadBalancerARN:        f.LoadBalancerARN,
		LoadBalancerDNSName:    f.LoadBalancerDNSName,
		LoadBalancerZoneID:     f.LoadBalancerZoneID,
		TargetGroupARN:         f.TargetGroupARN,
		AutoscalingGroup:       f.AutoscalingGroup,
		VPCOriginID:            f.VPCOriginID,
		DistributionID:         f.DistributionID,
		DistributionDomainName: f.DistributionDomainName,
		WebACLARN:              f.WebACLARN,
		AllowedIPv4ARN:         f.AllowedIPv4ARN,
		AllowedIPv6ARN:         f.AllowedIPv6ARN,
		DomainName:             f.Served.DomainName,
		CertificateARN:         f.Served.CertificateARN,
	}

	if c := f.Certificate; c.ARN != "" {
		s.Edge.Certificate = &v1alpha1.CertificateStatus{ARN: c.ARN, DomainName: c.DomainName, RecordName: c.RecordName, RecordValue: c.RecordValue}
	}

	// Once people know the address it stays, also while what is behind it is down.
	if url := a.address(); a.answers() || a.claim.Status.URL == url {
		s.URL = url
	}
}

// address is where people will find the studio, as far as that is known.
func (a answer) address() string {
	f := a.facts.Edge

	switch {
	case f.Served.DomainName != "":
		return "https://" + f.Served.DomainName
	case a.plan.BehindCloudFront() && f.DistributionDomainName != "":
		return "https://" + f.DistributionDomainName
	case !a.plan.BehindCloudFront() && a.plan.DomainName() == "" && f.LoadBalancerDNSName != "":
		return "http://" + f.LoadBalancerDNSName
	}

	return ""
}

// answers says whether somebody can log in at the address.
func (a answer) answers() bool {
	entry := plan.Listener

	switch {
	case a.plan.BehindCloudFront():
		entry = plan.Distribution
	case a.plan.DomainName() != "":
		entry = plan.SecureListener
	}

	for _, k := range []kit.Key{entry, plan.Listener, a.facts.Edge.Attachment, plan.FrontDoor, plan.FrontDoorService} {
		if !a.observed.Ready(k) {
			return false
		}
	}

	// Where the studio writes the name's records, the name must lead here.
	if zone := a.plan.HostedZone(); zone != "" && a.facts.Edge.Served.DomainName == a.plan.DomainName() {
		return a.observed.Ready(plan.RecordIPv4(a.plan.DomainName(), zone))
	}

	return true
}

// edgeSays tells of the address what no resource of the part does.
func edgeSays(a answer) statement {
	if !a.observed.Ready(plan.FrontDoor) {
		return statement{reason: v1alpha1.ReasonWaiting, message: "waiting: the address for " + string(plan.FrontDoor)}
	}

	if !a.plan.BehindCloudFront() && a.plan.DomainName() == "" {
		return statement{
			reason:  v1alpha1.ReasonUnencrypted,
			message: "the address answers over plain HTTP; for HTTPS give spec.access.domain, or set spec.access.cdn to true",
			ok:      true,
		}
	}

	return statement{}
}
