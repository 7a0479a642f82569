package workload

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
)

// How the double of the kubelet and kwok talk to each other.
const (
	// pullable is the kubelet's condition of a pod whose sandbox is there. A
	// pod whose images cannot be pulled does not get it.
	pullable = corev1.PodReadyToStartContainers
	// initFails is true of a pod whose init containers a fault makes fail.
	initFails corev1.PodConditionType = "InitContainersFail"
)

// How long a pod takes: the steps of a small one that runs from a small image,
// and of a ComfyUI server, whose init container waits for image and models
// ("GPU node 1.5, image + models 1.5-2.5, ComfyUI 0.5 minutes").
const (
	podCreate = time.Second
	podInit   = 5 * time.Second
	podStart  = 8 * time.Second
	podDelete = 2 * time.Second
	gpuInit   = 100 * time.Second
	gpuStart  = 30 * time.Second
)

//go:embed stages.yaml
var stagesTemplate string

// A podKind is one of the two tempos of pods.
type podKind struct {
	Name string
	// GPU is the operator that tells the kind by its limit of GPUs.
	GPU         string
	Init, Start time.Duration
}

// stages are kwok's, in the account's time.
func stages(c cloud.Clock) ([]byte, error) {
	t, err := template.New("stages").Delims("[[", "]]").Funcs(template.FuncMap{
		"ms": func(d time.Duration) int64 { return c.Real(d).Milliseconds() },
	}).Parse(stagesTemplate)
	if err != nil {
		return nil, fmt.Errorf("cannot parse kwok's stages: %w", err)
	}

	b := &bytes.Buffer{}
	if err := t.Execute(b, map[string]any{
		"Pullable": pullable, "InitFails": initFails, "Scale": c.Scale(),
		"Create": podCreate, "Delete": podDelete,
		"Kinds": []podKind{
			{Name: "plain", GPU: "DoesNotExist", Init: podInit, Start: podStart},
			{Name: "gpu", GPU: "Exists", Init: gpuInit, Start: gpuStart},
		},
	}); err != nil {
		return nil, fmt.Errorf("cannot make kwok's stages: %w", err)
	}

	return b.Bytes(), nil
}

// runKwok runs kwok until the context ends.
func runKwok(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "kwok-")
	if err != nil {
		return fmt.Errorf("cannot make a directory for kwok: %w", err)
	}
	defer os.RemoveAll(dir)

	kubeconfig, config := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "stages.yaml")

	data, err := stages(o.AWS.Clock())
	if err != nil {
		return err
	}

	if err := os.WriteFile(config, data, 0o600); err != nil {
		return fmt.Errorf("cannot write kwok's stages: %w", err)
	}

	if err := writeKubeconfig(o.Admin, kubeconfig); err != nil {
		return err
	}

	p, err := leash.Start(leash.Command{
		Name: "kwok", Path: o.Kwok, Output: o.Log,
		// Its own configuration directory would be the user's.
		Env: []string{"KWOK_WORKDIR=" + dir},
		Args: []string{
			"--kubeconfig=" + kubeconfig, "--config=" + config, "--manage-all-nodes", "--node-lease-duration-seconds=40",
			// Without a port it serves nothing: the default listens on all interfaces.
			"--node-port=0",
		},
	})
	if err != nil {
		return err
	}

	select {
	case <-p.Done():
		return fmt.Errorf("kwok of cluster %s ended: %w", o.Cluster, orNil(p.Err()))
	case <-ctx.Done():
		return p.Kill()
	}
}

func orNil(err error) error {
	if err == nil {
		return os.ErrProcessDone
	}

	return err
}

// writeKubeconfig writes credentials for a program of its own.
func writeKubeconfig(cfg *rest.Config, path string) error {
	const name = "admin"

	c := api.NewConfig()
	c.Clusters[name] = &api.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData, CertificateAuthority: cfg.CAFile}
	c.AuthInfos[name] = &api.AuthInfo{
		ClientCertificateData: cfg.CertData, ClientCertificate: cfg.CertFile, ClientKeyData: cfg.KeyData, ClientKey: cfg.KeyFile,
	}
	c.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	c.CurrentContext = name

	if err := clientcmd.WriteToFile(*c, path); err != nil {
		return fmt.Errorf("cannot write a kubeconfig: %w", err)
	}

	return nil
}
