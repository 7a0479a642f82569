package workcluster

import (
	"crypto/x509/pkix"
	"fmt"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/pki"
)

// credentials of a cluster.
type credentials struct {
	ca         []byte
	pair       pki.Pair // the endpoint's
	admin      *rest.Config
	kubeconfig string
}

// issue makes the cluster's certificates, writes those of the API server into
// dir, and an administrator's kubeconfig beside them.
func issue(dir, server string) (credentials, error) {
	ca, err := pki.NewCA("kubernetes")
	if err != nil {
		return credentials{}, err
	}

	pair, err := ca.Issue(pkix.Name{CommonName: "kube-apiserver"}, "localhost", "127.0.0.1", "172.20.0.1", "kubernetes.default.svc")
	if err != nil {
		return credentials{}, err
	}

	login, err := ca.Issue(pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}})
	if err != nil {
		return credentials{}, err
	}

	accounts, err := pki.NewKey()
	if err != nil {
		return credentials{}, err
	}

	files := map[string][]byte{"ca.crt": ca.Cert, "apiserver.crt": pair.Cert, "apiserver.key": pair.Key, "sa.key": accounts}
	if err := pki.WriteFiles(dir, files); err != nil {
		return credentials{}, err
	}

	kc := api.NewConfig()
	const name = "workload"

	kc.Clusters[name] = &api.Cluster{Server: server, CertificateAuthorityData: ca.Cert}
	kc.AuthInfos[name] = &api.AuthInfo{ClientCertificateData: login.Cert, ClientKeyData: login.Key}
	kc.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	kc.CurrentContext = name

	path := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*kc, path); err != nil {
		return credentials{}, fmt.Errorf("cannot write a kubeconfig: %w", err)
	}

	admin, err := clientcmd.NewDefaultClientConfig(*kc, nil).ClientConfig()
	if err != nil {
		return credentials{}, fmt.Errorf("cannot read the kubeconfig: %w", err)
	}

	admin.QPS = -1 // As everywhere in the bed.

	return credentials{ca: ca.Cert, pair: pair, admin: admin, kubeconfig: path}, nil
}
