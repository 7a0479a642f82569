// Package claims reads files of claims: the examples, and the cases of
// apis/v1alpha1/testdata that say what an API server accepts and refuses.
//
// A file holds one YAML document or several. The last one is what the file is
// about; those before it are earlier states of the same claim, applied in turn,
// which are always accepted. Claims of other names stand for themselves, and what
// is no claim, such as a Secret that one names, is passed over. A case that must be refused says so in comments at
// its top, one line for each error, in the API server's words:
//
//	# Refused: spec.region: Required value
//
// Any kubectl can apply such a file, one document after another.
package claims

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const refused = "# Refused: "

// A File is a file of claims.
type File struct { //nolint:recvcheck // It is a value; filling it in needs a pointer.
	// Name is the file's name without folder and extension.
	Name string
	// Before holds the claim's earlier states.
	Before []*unstructured.Unstructured
	// Claim is what the file is about.
	Claim *unstructured.Unstructured
	// Others are claims of other names in the same file, in their last state.
	Others []*unstructured.Unstructured
	// Refused holds the errors that an API server refuses the claim with. A claim
	// that it accepts has none.
	Refused []string
}

// Old returns the claim's last state before, or nil if it is new.
func (f File) Old() *unstructured.Unstructured {
	if len(f.Before) == 0 {
		return nil
	}
	return f.Before[len(f.Before)-1]
}

// Read reads all files of claims in a folder, in the order of their names.
func Read(fsys fs.FS) ([]File, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("cannot list claims: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("cannot find any claims: no *.yaml in the folder")
	}
	files := make([]File, 0, len(names))
	for _, name := range names {
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("cannot read claims: %w", err)
		}
		f, err := Parse(b)
		if err != nil {
			return nil, fmt.Errorf("cannot parse %s: %w", name, err)
		}
		f.Name = strings.TrimSuffix(path.Base(name), path.Ext(name))
		files = append(files, f)
	}
	return files, nil
}

// Parse parses one file of claims. The File has no name.
func Parse(b []byte) (File, error) {
	f := File{}
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		if msg, ok := strings.CutPrefix(strings.TrimSpace(line), refused); ok {
			f.Refused = append(f.Refused, msg)
		}
	}
	docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(b)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return File{}, fmt.Errorf("cannot read a document: %w", err)
		}
		u, err := decode(doc)
		if err != nil {
			return File{}, err
		}
		if u == nil || u.GetKind() != "ComfyUIStudio" && u.GetKind() != "" {
			continue
		}
		f.add(u)
	}
	if f.Claim == nil {
		return File{}, errors.New("there is no claim in it")
	}
	return f, nil
}

func (f *File) add(u *unstructured.Unstructured) {
	switch {
	case f.Claim == nil:
	case f.Claim.GetName() == u.GetName() && f.Claim.GetNamespace() == u.GetNamespace():
		f.Before = append(f.Before, f.Claim)
	default:
		f.Others = append(f.Others, f.Claim)
		f.Before = nil
	}
	f.Claim = u
}

// decode decodes one document, or returns nil if it holds comments only. It goes
// through the API machinery's JSON decoder: integers must stay integers, or rules
// that compare them fail.
func decode(doc []byte) (*unstructured.Unstructured, error) {
	js, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		return nil, fmt.Errorf("cannot decode a document: %w", err)
	}
	if bytes.Equal(bytes.TrimSpace(js), []byte("null")) {
		return nil, nil //nolint:nilnil // Nothing is there, and that is no fault.
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(js); err != nil {
		return nil, fmt.Errorf("cannot decode a document: %w", err)
	}
	return u, nil
}
