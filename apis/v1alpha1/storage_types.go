package v1alpha1

// OnDelete is what becomes of a bucket when the studio is deleted.
//
// +kubebuilder:validation:Enum=Retain;Delete
type OnDelete string

const (
	// OnDeleteRetain leaves the bucket and its objects in the account. A studio of
	// the same namespace and name adopts it again.
	OnDeleteRetain OnDelete = "Retain"
	// OnDeleteDelete empties and deletes the bucket with the studio.
	OnDeleteDelete OnDelete = "Delete"
)

// Models is what ComfyUI can load.
//
// +kubebuilder:validation:XValidation:rule="has(self.bucketName) == has(oldSelf.bucketName) && (!has(self.bucketName) || self.bucketName == oldSelf.bucketName)",message="spec.models.bucketName cannot be changed, because nodes mirror the bucket that they know: set it back, or make a new ComfyUIStudio that adopts the other bucket"
type Models struct {
	// The name of an existing bucket to adopt as the models bucket, in the studio's
	// region and account: one you had, or one that an earlier studio retained under
	// another name. Left out, the studio makes one, or adopts its own retained one.
	// The notifications that an adopted bucket has are left alone: nodes then find
	// changes within a minute, and ModelSyncReady names the queue that the bucket
	// may notify for them to be found within seconds. It cannot be changed later.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$')",message="spec.models.bucketName must be a bucket's name of 3 to 63 characters a-z, 0-9 and '-': leave out s3:// and paths, and use no bucket with dots, which TLS cannot reach"
	BucketName string `json:"bucketName,omitempty"`

	// What becomes of the models bucket, adopted or made, when the studio is
	// deleted: Retain or Delete. Delete takes every object in it along.
	// +optional
	// +kubebuilder:default=Retain
	OnDelete OnDelete `json:"onDelete,omitempty"`

	// Models that the studio fetches into the bucket by itself, inside AWS and
	// never through anyone's machine. A file already in the bucket under the same
	// path but with other content is not overwritten: status.models reports the
	// conflict. Taking a file off this list does not delete it from the bucket. Nodes
	// copy them first and in this order, which decides where a node has not room for
	// all that is in the bucket.
	// +optional
	// +listType=map
	// +listMapKey=path
	// +kubebuilder:validation:MaxItems=128
	Files []ModelFile `json:"files,omitempty"`
}

// A ModelFile is a model that the studio fetches into its bucket.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tokenSecretRef) || self.url.startsWith('https://')",message="spec.models.files[].tokenSecretRef is only for https sources: remove it, and let the bucket's policy admit the studio's account"
type ModelFile struct {
	// Where the file lies under ComfyUI's models directory, folder included, such
	// as checkpoints/sd_xl_base_1.0.safetensors.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^/\\\\\\\\\\\\pC]+(/[^/\\\\\\\\\\\\pC]+)+$')",message="spec.models.files[].path must be a folder and a file under ComfyUI's models directory, such as loras/style.safetensors: use '/' between names and none at either end"
	// +kubebuilder:validation:XValidation:rule="!('/' + self + '/').contains('/../') && !('/' + self + '/').contains('/./')",message="spec.models.files[].path must not hold '.' or '..' as a folder: write the path from the models directory downwards"
	Path string `json:"path"`

	// Where the file comes from: https://host/path, or s3://bucket/key for a bucket
	// that lets the studio's account read. Secrets do not belong here.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^(https://[^/@?#[:space:]]+|s3://[a-z0-9.-]{3,63})/[^[:space:]]+$')",message="spec.models.files[].url must be https://host/path or s3://bucket/key, with no user name or password in it: use https, and tokenSecretRef for gated sources"
	// +kubebuilder:validation:XValidation:rule="!self.matches('[?&](token|access_token|api_key|apikey|X-Amz-Signature)=')",message="spec.models.files[].url must not hold a token, because everyone who can read the studio would see it: put it into a Secret and name that in tokenSecretRef"
	URL string `json:"url"`

	// The SHA-256 of the file's content, 64 lower-case hexadecimal digits. A file
	// with another content is not put into the bucket.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{64}$')",message="spec.models.files[].sha256 must be 64 lower-case hexadecimal digits: see sha256sum FILE, or the file's page at its source"
	SHA256 string `json:"sha256"`

	// The file's size in bytes, exactly: a file of another size is not put into
	// the bucket, which is known before it is fetched. The sum of all sizes must
	// fit the smallest instance store among the pools' instance types; a studio
	// whose models do not fit is refused with both numbers.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10995116277760
	Size int64 `json:"size"`

	// The key of a Secret in the studio's namespace that holds a bearer token, for
	// sources that ask for one. It is carried to AWS Secrets Manager, where only the
	// build that fetches models can read it. To change a token, put it under another
	// key and name that: AWS's copy of a key is made once.
	// +optional
	TokenSecretRef *SecretKeyRef `json:"tokenSecretRef,omitempty"`
}

// Outputs is where ComfyUI's results are kept.
//
// +kubebuilder:validation:XValidation:rule="has(self.bucketName) == has(oldSelf.bucketName) && (!has(self.bucketName) || self.bucketName == oldSelf.bucketName)",message="spec.outputs.bucketName cannot be changed, because servers write to the bucket that they know: set it back, or make a new ComfyUIStudio that adopts the other bucket"
// +kubebuilder:validation:XValidation:rule="!has(self.archiveAfterDays) || !has(self.expireAfterDays) || self.archiveAfterDays < self.expireAfterDays",message="spec.outputs.archiveAfterDays must be less than spec.outputs.expireAfterDays, or results are deleted before they are archived: lower it or leave it out"
type Outputs struct {
	// The name of an existing bucket to adopt as the outputs bucket, in the
	// studio's region and account. Left out, the studio makes one, or adopts its
	// own retained one. It cannot be changed later.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$')",message="spec.outputs.bucketName must be a bucket's name of 3 to 63 characters a-z, 0-9 and '-': leave out s3:// and paths, and use no bucket with dots, which TLS cannot reach"
	BucketName string `json:"bucketName,omitempty"`

	// What becomes of the outputs bucket, adopted or made, when the studio is
	// deleted: Retain or Delete. Delete takes every result in it along.
	// +optional
	// +kubebuilder:default=Retain
	OnDelete OnDelete `json:"onDelete,omitempty"`

	// Days after which a result is deleted, counted from when it was written. Left
	// out, results stay for ever.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	ExpireAfterDays int32 `json:"expireAfterDays,omitempty"`

	// Days after which a result moves to a cheaper storage class from which it can
	// still be read at once. Left out, results are not moved.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	ArchiveAfterDays int32 `json:"archiveAfterDays,omitempty"`
}

// Inputs is where the files are kept that people upload for their workflows.
type Inputs struct {
	// What becomes of the inputs bucket when the studio is deleted: Retain or
	// Delete. Delete takes every upload in it along, and the workflows and settings
	// that people saved, which are kept there too.
	// +optional
	// +kubebuilder:default=Retain
	OnDelete OnDelete `json:"onDelete,omitempty"`
}
