package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// The keys of part workload: what runs in the cluster.
const (
	// StudioSecret lies in the claim's namespace of the management cluster: the
	// seed and what is derived from it.
	StudioSecret kit.Key = "workload-secret"

	WorkloadNamespace kit.Key = "workload-namespace"

	FrontDoor              kit.Key = "workload-front-door"
	FrontDoorService       kit.Key = "workload-front-door-service"
	FrontDoorAccount       kit.Key = "workload-front-door-account"
	FrontDoorAccess        kit.Key = "workload-front-door-access"
	FrontDoorAccessBinding kit.Key = "workload-front-door-access-binding"
	FrontDoorConfig        kit.Key = "workload-front-door-config"
	FrontDoorBudget        kit.Key = "workload-front-door-budget"

	// FrontDoorRole lets the front door read the parameters that carry secrets to
	// it: what is derived from the seed, tokens for programs, and the client secret
	// of an OpenID Connect provider.
	FrontDoorRole     kit.Key = "workload-front-door-role"
	FrontDoorPolicy   kit.Key = "workload-front-door-policy"
	FrontDoorIdentity kit.Key = "workload-front-door-identity"
	FrontDoorSecret   kit.Key = "workload-front-door-secret"
	FrontDoorTokens   kit.Key = "workload-front-door-tokens"
	FrontDoorOIDC     kit.Key = "workload-front-door-oidc"

	ServerAccount          kit.Key = "workload-server-account"
	DenyAll                kit.Key = "workload-network-deny"
	FrontDoorNetworkPolicy kit.Key = "workload-network-front-door"
	ServerNetworkPolicy    kit.Key = "workload-network-servers"
	StudioStatus           kit.Key = "workload-status"

	familyServers        = "workload-servers-"
	familyServersService = "workload-service-"
	familyServersBudget  = "workload-budget-"
	familyVolume         = "workload-volume-"
	familyVolumeClaim    = "workload-claim-"
)

// Servers is a pool's Deployment of ComfyUI.
func Servers(pool string) kit.Key { return kit.Key(familyServers + pool) }

// ServersService is its Service.
func ServersService(pool string) kit.Key { return kit.Key(familyServersService + pool) }

// ServersBudget is its PodDisruptionBudget.
func ServersBudget(pool string) kit.Key { return kit.Key(familyServersBudget + pool) }

// Families that a part looks through for what the spec has dropped.
const (
	AllServers         = familyServers
	AllServersServices = familyServersService
	AllServersBudgets  = familyServersBudget
)

// Volume is the persistent volume of a bucket.
func Volume(b BucketName) kit.Key { return kit.Key(familyVolume + string(b)) }

// VolumeClaim is the claim on it.
func VolumeClaim(b BucketName) kit.Key { return kit.Key(familyVolumeClaim + string(b)) }

func workloadKeys() []kit.Key {
	return []kit.Key{
		StudioSecret, WorkloadNamespace,
		FrontDoor, FrontDoorService, FrontDoorAccount, FrontDoorAccess, FrontDoorAccessBinding, FrontDoorConfig, FrontDoorBudget,
		FrontDoorRole, FrontDoorPolicy, FrontDoorIdentity, FrontDoorSecret, FrontDoorTokens, FrontDoorOIDC,
		ServerAccount, DenyAll, FrontDoorNetworkPolicy, ServerNetworkPolicy, StudioStatus,
		Volume(Inputs), Volume(Outputs), VolumeClaim(Inputs), VolumeClaim(Outputs),
	}
}

func workloadFamilies() []string {
	return []string{familyServers, familyServersService, familyServersBudget}
}
