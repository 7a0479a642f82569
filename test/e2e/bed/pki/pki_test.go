package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// rsaCA is a CA as Crossplane makes it.
func rsaCA(t *testing.T) Pair {
	t.Helper()

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}

	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Crossplane"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}

	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}

	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}
}

func TestIssue(t *testing.T) {
	own, err := NewCA("own")
	if err != nil {
		t.Fatal(err)
	}

	crossplane, err := LoadCA(rsaCA(t))
	if err != nil {
		t.Fatal(err)
	}

	type want struct {
		host string
		ok   bool
	}

	cases := map[string]struct {
		reason string
		ca     *CA
		roots  *CA
		hosts  []string
		want   []want
	}{
		"OwnCA": {
			reason: "A certificate is good for its names and addresses, and for no other.",
			ca:     own, roots: own,
			hosts: []string{"localhost", "127.0.0.1"},
			want:  []want{{"localhost", true}, {"127.0.0.1", true}, {"example.org", false}},
		},
		"CrossplaneCA": {
			reason: "Crossplane's RSA CA signs as well.",
			ca:     crossplane, roots: crossplane,
			hosts: []string{"localhost"},
			want:  []want{{"localhost", true}},
		},
		"OtherCA": {
			reason: "A certificate is not good with another CA.",
			ca:     own, roots: crossplane,
			hosts: []string{"localhost"},
			want:  []want{{"localhost", false}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p, err := tc.ca.Issue(pkix.Name{CommonName: name}, tc.hosts...)
			if err != nil {
				t.Fatal(err)
			}

			kp, err := tls.X509KeyPair(p.Cert, p.Key)
			if err != nil {
				t.Fatal(err)
			}

			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(tc.roots.Cert)

			for _, w := range tc.want {
				_, err := kp.Leaf.Verify(x509.VerifyOptions{DNSName: w.host, Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
				if (err == nil) != w.ok {
					t.Errorf("%s\nVerify(%s): want ok %t, got %v", tc.reason, w.host, w.ok, err)
				}
			}
		})
	}
}
