package v1alpha1

// Login is how people log in.
//
// +kubebuilder:validation:Enum=Password;OIDC
type Login string

const (
	// LoginPassword is one generated password in a Secret.
	LoginPassword Login = "Password"
	// LoginOIDC is an OpenID Connect provider.
	LoginOIDC Login = "OIDC"
)

// Access is who reaches the studio and how. There is always a login: ComfyUI
// runs whatever code its custom nodes hold, so an open studio is an open GPU
// server.
//
// +kubebuilder:validation:XValidation:rule="self.login != 'OIDC' || has(self.oidc)",message="spec.access.login OIDC needs spec.access.oidc: add issuer, clientID, clientSecretRef and who is allowed"
// +kubebuilder:validation:XValidation:rule="self.login != 'Password' || !has(self.oidc)",message="spec.access.oidc has no effect while spec.access.login is Password: set login to OIDC or remove oidc"
// +kubebuilder:validation:XValidation:rule="self.login != 'OIDC' || self.cdn || has(self.domain)",message="spec.access.login OIDC needs HTTPS, which spec.access.cdn false without spec.access.domain does not have: set cdn to true or give a domain"
type Access struct {
	// Whether CloudFront serves the studio to the internet. Its VPC origin reaches
	// an internal load balancer, so nothing in the VPC is public. With false only
	// the internal load balancer is there: people reach it through a VPN or a
	// peered network, over plain HTTP unless spec.access.domain is given.
	// +optional
	// +kubebuilder:default=true
	CDN *bool `json:"cdn,omitempty"`

	// How people log in: Password (one generated password; status.loginSecretRef
	// names its Secret) or OIDC (spec.access.oidc). There is no way to have none.
	// +optional
	// +kubebuilder:default=Password
	Login Login `json:"login,omitempty"`

	// The OpenID Connect provider, for login OIDC.
	// +optional
	OIDC *OIDC `json:"oidc,omitempty"`

	// The key of a Secret in the studio's namespace that holds tokens for programs,
	// one per line as name=token: the name appears in logs, the token is what the
	// program sends as a bearer token. All lines together have room for 4 KB. Left
	// out, programs have no access.
	// +optional
	APITokensSecretRef *TokensSecretRef `json:"apiTokensSecretRef,omitempty"`

	// IPv4 and IPv6 ranges of viewers who are let in, before the login. Left out,
	// every address is.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="spec.access.allowedCIDRs must hold at least one range: leave the field out to let every address in"
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self) && cidr(self).masked() == cidr(self)",message="spec.access.allowedCIDRs must be ranges such as 203.0.113.0/24 or 2001:db8::/32, with no bits set behind the prefix: a single address ends in /32 or /128"
	// +kubebuilder:validation:items:XValidation:rule="!isCIDR(self) || cidr(self).prefixLength() > 0",message="spec.access.allowedCIDRs must not hold a /0 range, which AWS WAF refuses: leave the field out to let every address in"
	AllowedCIDRs []string `json:"allowedCIDRs,omitempty"`

	// A domain name of your own for the studio's address. Left out, the address is
	// CloudFront's or, with cdn false, the load balancer's.
	// +optional
	Domain *Domain `json:"domain,omitempty"`
}

// TokensSecretRef names the key of a Secret in the studio's namespace that holds
// tokens.
type TokensSecretRef struct {
	// The Secret's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// The key in the Secret's data that holds the tokens.
	// +optional
	// +kubebuilder:default=tokens
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// OIDC is an OpenID Connect provider and who of its people is allowed. Somebody
// who matches any of the three lists is let in.
//
// +kubebuilder:validation:XValidation:rule="(has(self.allowedEmails) && size(self.allowedEmails) > 0) || (has(self.allowedDomains) && size(self.allowedDomains) > 0) || (has(self.allowedGroups) && size(self.allowedGroups) > 0)",message="spec.access.oidc needs allowedEmails, allowedDomains or allowedGroups, because with many providers anyone can get an account: name who is allowed"
type OIDC struct {
	// The provider's issuer URL, under which /.well-known/openid-configuration is
	// found. It must be reachable from the studio.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[^/@?#[:space:]]+(/[^?#[:space:]]*)?$')",message="spec.access.oidc.issuer must be an https URL with no query, such as https://login.example.com/realms/studio: give the issuer, not the authorization endpoint"
	Issuer string `json:"issuer"`

	// The studio's client id at the provider. Register the studio's URL with
	// /_studio/callback as its redirect.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	ClientID string `json:"clientID"`

	// The key of a Secret in the studio's namespace that holds the client secret.
	ClientSecretRef SecretKeyRef `json:"clientSecretRef"`

	// E-mail addresses of people who are let in, if the provider says that the
	// address is verified.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=254
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$')",message="spec.access.oidc.allowedEmails must be e-mail addresses: for everyone of a domain use allowedDomains"
	AllowedEmails []string `json:"allowedEmails,omitempty"`

	// Domains whose verified e-mail addresses are all let in, such as example.com.
	// A subdomain is a domain of its own.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)+$')",message="spec.access.oidc.allowedDomains must be lower-case domains such as example.com: leave out '@' and wildcards"
	AllowedDomains []string `json:"allowedDomains,omitempty"`

	// Groups whose members are let in, as the provider writes them in the groups
	// claim.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	AllowedGroups []string `json:"allowedGroups,omitempty"`
}

// Domain is a domain name of your own for the studio.
//
// +kubebuilder:validation:XValidation:rule="has(self.certificateARN) || has(self.hostedZoneID)",message="spec.access.domain needs certificateARN or hostedZoneID: give a certificate, or the hosted zone in which the studio can prove a new one"
type Domain struct {
	// The host name people type, such as studio.example.com.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)+$')",message="spec.access.domain.name must be a lower-case host name such as studio.example.com: leave out https://, paths, wildcards and a final dot"
	Name string `json:"name"`

	// The ARN of an ACM certificate for the name: in us-east-1 while
	// spec.access.cdn is true, in the studio's region otherwise. Left out, the
	// studio orders one and proves it in the hosted zone.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$')",message="spec.access.domain.certificateARN must be the ARN of an ACM certificate: see aws acm list-certificates"
	CertificateARN string `json:"certificateARN,omitempty"`

	// The id of the Route 53 hosted zone, in the studio's account, that the studio
	// writes the name's records to. Left out, you point the name at status.url
	// yourself.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^Z[A-Z0-9]+$')",message="spec.access.domain.hostedZoneID must be a hosted zone's id such as Z0123456789ABCDEFGHIJ: leave out /hostedzone/ and the zone's name"
	HostedZoneID string `json:"hostedZoneID,omitempty"`
}
