package workload

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/incluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const configFile = "config.json"

// config is what the front door shall do. Nothing in it is secret: secrets are
// named by their parameters. The front door reads it again when it changes, so a
// change starts no pod anew.
type config struct {
	Studio     string           `json:"studio"`
	Region     string           `json:"region"`
	Pools      []poolConfig     `json:"pools"`
	Sleep      *sleepConfig     `json:"sleep,omitempty"`
	Login      loginConfig      `json:"login"`
	Edge       edgeConfig       `json:"edge"`
	Parameters parametersConfig `json:"parameters"`
	// Artefacts is the bucket that nodes say in how their models are.
	Artefacts string `json:"artefacts,omitempty"`
}

type poolConfig struct {
	Name string `json:"name"`
	Min  int32  `json:"min"`
	Max  int32  `json:"max"`
}

type sleepConfig struct {
	// AfterIdle is a duration such as 45m0s; empty where idleness puts nothing to
	// sleep.
	AfterIdle string                 `json:"afterIdle,omitempty"`
	Schedule  []v1alpha1.SleepWindow `json:"schedule,omitempty"`
}

type loginConfig struct {
	Mode v1alpha1.Login `json:"mode"`
	OIDC *oidcConfig    `json:"oidc,omitempty"`
}

type oidcConfig struct {
	Issuer         string   `json:"issuer"`
	ClientID       string   `json:"clientID"`
	AllowedEmails  []string `json:"allowedEmails,omitempty"`
	AllowedDomains []string `json:"allowedDomains,omitempty"`
	AllowedGroups  []string `json:"allowedGroups,omitempty"`
}

type edgeConfig struct {
	// CDN says that CloudFront is in front, and that OriginHeader then holds the
	// origin secret.
	CDN          bool   `json:"cdn"`
	OriginHeader string `json:"originHeader,omitempty"`
	// Encrypted says that viewers come over HTTPS.
	Encrypted    bool     `json:"encrypted"`
	Domain       string   `json:"domain,omitempty"`
	AllowedCIDRs []string `json:"allowedCIDRs,omitempty"`
}

type parametersConfig struct {
	FrontDoor        string `json:"frontDoor"`
	APITokens        string `json:"apiTokens,omitempty"`
	OIDCClientSecret string `json:"oidcClientSecret,omitempty"`
}

func configuration(p plan.Plan, d *kit.Desired) {
	b, err := json.Marshal(newConfig(p))
	if err != nil {
		// Strings, numbers and lists of them always marshal.
		panic(fmt.Sprintf("cannot marshal the front door's configuration: %v", err))
	}

	d.AddWhen(kit.After(plan.WorkloadNamespace), plan.FrontDoorConfig, incluster.New(d, &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: inNamespace(plan.FrontDoorName),
		Data:       map[string]string{configFile: string(b)},
	}))
}

func newConfig(p plan.Plan) config {
	c := config{
		Studio:     p.StudioTag(),
		Region:     p.RegionName,
		Login:      loginConfig{Mode: p.Access.Login},
		Edge:       newEdgeConfig(p.Access),
		Parameters: parametersConfig{FrontDoor: p.ParameterName(plan.ParameterFrontDoor)},
		Artefacts:  p.ArtefactBucket(),
	}

	for _, pool := range p.Pools {
		c.Pools = append(c.Pools, poolConfig{Name: pool.Name, Min: pool.MinServers, Max: pool.MaxServers})
	}

	if s := p.Sleep; s != nil {
		c.Sleep = &sleepConfig{Schedule: s.Schedule}
		if s.AfterIdle != nil {
			c.Sleep.AfterIdle = s.AfterIdle.Duration.String()
		}
	}

	if o := p.Access.OIDC; p.Access.Login == v1alpha1.LoginOIDC && o != nil {
		c.Login.OIDC = &oidcConfig{
			Issuer: o.Issuer, ClientID: o.ClientID,
			AllowedEmails: o.AllowedEmails, AllowedDomains: o.AllowedDomains, AllowedGroups: o.AllowedGroups,
		}
		c.Parameters.OIDCClientSecret = p.ParameterName(plan.ParameterOIDC)
	}

	if p.Access.APITokensSecretRef != nil {
		c.Parameters.APITokens = p.ParameterName(plan.ParameterTokens)
	}

	return c
}

func newEdgeConfig(a v1alpha1.Access) edgeConfig {
	e := edgeConfig{CDN: a.CDN == nil || *a.CDN, AllowedCIDRs: a.AllowedCIDRs}

	if e.CDN {
		e.OriginHeader = plan.OriginHeader
	}

	if a.Domain != nil {
		e.Domain = a.Domain.Name
	}

	e.Encrypted = e.CDN || e.Domain != ""

	return e
}
