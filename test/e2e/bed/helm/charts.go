package helm

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// A chart is a Helm chart that its project's Go module holds.
type chart struct {
	name, version string
	// module is the module with a version, dir the chart's directory in it.
	module, dir string
	// crds is a directory in the module whose files are the chart's CRDs, where
	// the release process puts them there.
	crds string
	// values are set in the chart's own values.yaml, as releases do.
	values map[string]string
}

// charts are those that a studio may install. The version of Karpenter's
// chart in its module is the one before: its release process sets it, together
// with the image's tag and digest. A digest is not known here.
func charts() []chart {
	const karpenter = "github.com/aws/karpenter-provider-aws@v" + KarpenterVersion

	return []chart{{
		name: "karpenter", version: KarpenterVersion, module: karpenter, dir: "charts/karpenter", crds: "pkg/apis/crds",
		values: map[string]string{"controller.image.tag": KarpenterVersion, "controller.image.digest": ""},
	}, {
		name: "karpenter-crd", version: KarpenterVersion, module: karpenter, dir: "charts/karpenter-crd",
	}, {
		name: "nvidia-device-plugin", version: DevicePluginVersion,
		module: "github.com/NVIDIA/k8s-device-plugin@v" + DevicePluginVersion, dir: "deployments/helm/nvidia-device-plugin",
	}}
}

// The versions of the charts there are.
const (
	KarpenterVersion    = "1.14.1"
	DevicePluginVersion = "0.18.2"
)

// FillCache writes the charts that exist into provider-helm's cache, where it
// looks before it pulls: <name>-<version>.tgz. Whatever else a Release asks for
// has to be pulled, and fails.
func FillCache(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the chart cache: %w", err)
	}

	for _, c := range charts() {
		file := filepath.Join(dir, c.name+"-"+c.version+".tgz")
		if _, err := os.Stat(file); err == nil {
			continue
		}

		if err := c.pack(ctx, file); err != nil {
			return fmt.Errorf("cannot pack chart %s: %w", c.name, err)
		}
	}

	return nil
}

// pack writes the chart as `helm package` does. Beds may pack side by side.
func (c chart) pack(ctx context.Context, file string) error {
	module, err := ModuleDir(ctx, c.module)
	if err != nil {
		return err
	}

	files, err := c.files(module)
	if err != nil {
		return err
	}

	temp, err := os.CreateTemp(filepath.Dir(file), "."+c.name)
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())

	if err := errors.Join(c.write(temp, files), temp.Close()); err != nil {
		return err
	}

	return os.Rename(temp.Name(), file)
}

// ModuleDir is where a module's files are; Go downloads it when need be.
func ModuleDir(ctx context.Context, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module).Output()
	m := struct {
		Dir   string `json:"Dir"`
		Error string `json:"Error"`
	}{}

	if uerr := json.Unmarshal(out, &m); uerr != nil || m.Dir == "" {
		return "", fmt.Errorf("cannot download module %s: %s: %w", module, m.Error, errors.Join(err, uerr))
	}

	return m.Dir, nil
}

// files are the chart's files by their path in it.
func (c chart) files(module string) (map[string][]byte, error) {
	files := map[string][]byte{}
	add := func(root, under string) error {
		return fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}

			files[path.Join(under, name)], err = os.ReadFile(filepath.Join(root, name))

			return err
		})
	}

	if err := add(filepath.Join(module, c.dir), "."); err != nil {
		return nil, err
	}

	if c.crds != "" {
		if err := add(filepath.Join(module, c.crds), "crds"); err != nil {
			return nil, err
		}
	}

	return files, c.release(files)
}

// release does what the chart's release process does, and adds a schema: Helm
// ignores a value that no template reads, so a slip of the pen in a Release
// would pass.
func (c chart) release(files map[string][]byte) error {
	meta := map[string]any{}
	if err := yaml.Unmarshal(files["Chart.yaml"], &meta); err != nil {
		return fmt.Errorf("cannot read Chart.yaml: %w", err)
	}

	meta["version"], meta["appVersion"] = c.version, c.version

	values := map[string]any{}
	if err := yaml.Unmarshal(files["values.yaml"], &values); err != nil {
		return fmt.Errorf("cannot read values.yaml: %w", err)
	}

	for key, value := range c.values {
		set(values, strings.Split(key, "."), value)
	}

	schema := schemaOf("", values)
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"

	var errs [3]error

	files["Chart.yaml"], errs[0] = yaml.Marshal(meta)
	files["values.yaml"], errs[1] = yaml.Marshal(values)
	files["values.schema.json"], errs[2] = json.Marshal(schema)

	return errors.Join(errs[:]...)
}

func set(values map[string]any, keys []string, value string) {
	for _, k := range keys[:len(keys)-1] {
		values, _ = values[k].(map[string]any)
	}

	values[keys[len(keys)-1]] = value
}

// open are the values that are Kubernetes' own types, or maps of anything,
// though the chart has a default for them.
func open() []string {
	return []string{
		"affinity", "nodeSelector", "strategy", "updateStrategy", "podSecurityContext", "securityContext", "nfd", "podDisruptionBudget",
	}
}

// schemaOf allows below a map with defaults the keys it has, and anything
// where the chart leaves a map empty.
func schemaOf(key string, v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 || slices.Contains(open(), key) {
		return map[string]any{}
	}

	properties := map[string]any{}
	for k, e := range m {
		properties[k] = schemaOf(k, e)
	}

	if key == "" {
		// Helm adds it by itself.
		properties["global"] = map[string]any{}
	}

	return map[string]any{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
}

// write makes the same bytes each time.
func (c chart) write(out *os.File, files map[string][]byte) error {
	z := gzip.NewWriter(out)
	t := tar.NewWriter(z)

	for _, name := range sortedKeys(files) {
		h := &tar.Header{
			Name: path.Join(c.name, name), Mode: 0o644, Size: int64(len(files[name])),
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}

		if _, err := t.Write(files[name]); err != nil {
			return err
		}
	}

	return errors.Join(t.Close(), z.Close())
}
