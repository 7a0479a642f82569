package recipe

// A Model is a file to fetch into the models bucket.
type Model struct {
	Path   string `json:"path"`
	URL    string `json:"url"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// TokenSecret is the name of the secret in AWS Secrets Manager that holds the
	// bearer token, or empty.
	TokenSecret string `json:"tokenSecret,omitempty"`
}

// models is the manifest of a fetch.
type models struct {
	Files []Model `json:"files"`
}

// Models is the recipe of a fetch of declared models. What could not be fetched
// is told by the file's place in the list.
func Models(files []Model) string { return text("models", models{Files: files}, nil) }
