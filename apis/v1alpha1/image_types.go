package v1alpha1

// Image is the container image of the ComfyUI servers.
//
// +kubebuilder:validation:XValidation:rule="!has(self.uri) || (!has(self.customNodes) && !has(self.pipPackages) && !has(self.comfyui.commit) && !has(self.rebuild))",message="spec.image.uri is a ready image to which nothing is added: remove customNodes, pipPackages, comfyui.commit and rebuild, or remove uri to have the image built"
type Image struct {
	// A ready image, pinned by digest, to be used as it is: nothing is built then,
	// nothing may be added to it, and comfyui.version has no effect. The nodes must
	// be able to pull it, and it must hold ComfyUI 0.28.0 or newer.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+(:[A-Za-z0-9._-]+)?@sha256:[0-9a-f]{64}$')",message="spec.image.uri must name registry, repository and digest, such as public.ecr.aws/team/comfyui@sha256:…, because a tag can change under running servers: add @sha256: and the digest"
	URI string `json:"uri,omitempty"`

	// The release of ComfyUI that is built.
	// +optional
	// +kubebuilder:default={}
	ComfyUI ComfyUIRelease `json:"comfyui,omitempty"`

	// Custom nodes that are built into the image, each pinned: nothing is installed
	// at run time, and ComfyUI-Manager is not there.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=128
	CustomNodes []CustomNode `json:"customNodes,omitempty"`

	// Python packages that are built into the image beside ComfyUI's and the custom
	// nodes' own, each pinned as name==version.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?([[][A-Za-z0-9._,-]+[]])?==[A-Za-z0-9][A-Za-z0-9.!+_-]*$')",message="spec.image.pipPackages must be exact pins such as opencv-python-headless==4.12.0.88: use ==, one full version, and no ranges, wildcards, URLs or options"
	PipPackages []string `json:"pipPackages,omitempty"`

	// Has the image built again from time to time, for what Debian has mended in its
	// system packages. Left out, an image is built once.
	// +optional
	Rebuild *Rebuild `json:"rebuild,omitempty"`
}

// A RebuildInterval is how often an image is built again.
//
// +kubebuilder:validation:Enum=Weekly;Monthly
type RebuildInterval string

// The intervals of rebuilds.
const (
	RebuildWeekly  RebuildInterval = "Weekly"
	RebuildMonthly RebuildInterval = "Monthly"
)

// Rebuild has the same image built again: the same ComfyUI, custom nodes and Python
// packages, with newer system packages. It changes no server by itself.
type Rebuild struct {
	// Weekly, in the night to Monday at 03:00 UTC, or Monthly, on the first day at
	// that time. Nothing is built while the last rebuild is not in use.
	// +optional
	// +kubebuilder:default=Weekly
	Every RebuildInterval `json:"every,omitempty"`

	// The rebuild that servers run, in the words of status.image.rebuilt. Servers
	// change over to it one after the other. Left out, or when the spec asks for
	// another image, they run what was built first.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}-[0-9]{8}@sha256:[0-9a-f]{64}$')",message="spec.image.rebuild.use must be a rebuild's tag and digest, such as a3ae457e-20261206@sha256:…: copy it from status.image.rebuilt"
	Use string `json:"use,omitempty"`
}

// ComfyUIRelease is a release of ComfyUI.
type ComfyUIRelease struct {
	// A release's tag, v0.28.0 or newer. Older ones have known holes through which
	// a workflow or an uploaded file takes over the server or other people's
	// sessions.
	// +optional
	// +kubebuilder:default="v0.28.0"
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:XValidation:rule="self.matches('^v[0-9]{1,4}[.][0-9]{1,4}[.][0-9]{1,4}$')",message="spec.image.comfyui.version must be a release's tag such as v0.28.0: branches and other names are not pins, so give the full version with its leading v"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^v[0-9]{1,4}[.][0-9]{1,4}[.][0-9]{1,4}$') || int(self.substring(1).split('.')[0]) > 0 || int(self.split('.')[1]) >= 28",message="spec.image.comfyui.version must be v0.28.0 or newer, because older releases have known security holes: raise it"
	Version string `json:"version,omitempty"`

	// The commit that the release's tag must point to, 40 hexadecimal digits. If
	// the tag was moved, the build fails instead of building something else. Left
	// out, whatever the tag points to when the image is built is taken.
	// +optional
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{40}$')",message="spec.image.comfyui.commit must be a full commit of 40 hexadecimal digits: a branch, a tag or a short commit is not a pin"
	Commit string `json:"commit,omitempty"`
}

// A CustomNode is a custom node for ComfyUI, from git (git and commit) or from
// the Comfy Registry (id and version).
//
// +kubebuilder:validation:XValidation:rule="(has(self.git) && has(self.commit) && !has(self.id) && !has(self.version)) || (has(self.id) && has(self.version) && !has(self.git) && !has(self.commit))",message="spec.image.customNodes[] must have git and commit, or id and version: give one pair in full and leave out the other"
// +kubebuilder:validation:XValidation:rule="!has(self.sha256) || !has(self.git)",message="spec.image.customNodes[].sha256 is that of an archive of the Comfy Registry, and a commit needs none: remove it beside git"
type CustomNode struct {
	// The git repository, an https URL.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)+/?$')",message="spec.image.customNodes[].git must be the repository's https address, such as https://github.com/owner/name: no ssh, no user name, no branch or file path behind '#' or '?'"
	Git string `json:"git,omitempty"`

	// The commit in that repository, 40 hexadecimal digits.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{40}$')",message="spec.image.customNodes[].commit must be a full commit of 40 hexadecimal digits, because a branch or tag can move: see git ls-remote for the one you mean"
	Commit string `json:"commit,omitempty"`

	// The node's id in the Comfy Registry, such as comfyui-impact-pack.
	// +optional
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][A-Za-z0-9._-]*$')",message="spec.image.customNodes[].id must be an id of the Comfy Registry, such as comfyui-impact-pack: for anything else use git and commit"
	ID string `json:"id,omitempty"`

	// The version in the Comfy Registry, such as 8.22.2.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+[.][0-9]+[.][0-9]+([-+][A-Za-z0-9.+-]+)?$')",message="spec.image.customNodes[].version must be one full version such as 8.22.2: words such as latest or nightly and ranges are not pins"
	Version string `json:"version,omitempty"`

	// The sha256 of the registry's archive, 64 hexadecimal digits. If the archive
	// is another, the build fails instead of building something else. Left out,
	// whatever the registry has under that version when the image is built is taken.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{64}$')",message="spec.image.customNodes[].sha256 must be 64 hexadecimal digits in lower case: give it as sha256sum prints it"
	SHA256 string `json:"sha256,omitempty"`
}
