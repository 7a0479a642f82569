// Package pki issues the certificates of the bed: for the API server and its
// admin, and, with Crossplane's own CA, for the composition function. Keys and
// certificates are PEM, as Kubernetes and Crossplane keep them.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime is far more than any bed's life.
const lifetime = 365 * 24 * time.Hour

// A Pair is a certificate and its private key.
type Pair struct {
	Cert []byte
	Key  []byte
}

// A CA signs certificates.
type CA struct {
	Pair

	cert *x509.Certificate
	key  crypto.Signer
}

// NewCA makes a certificate authority.
func NewCA(name string) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot generate the key of CA %s: %w", name, err)
	}

	t, err := template(pkix.Name{CommonName: name})
	if err != nil {
		return nil, err
	}

	t.IsCA = true
	t.BasicConstraintsValid = true
	t.KeyUsage |= x509.KeyUsageCertSign

	pair, err := sign(t, t, key, key)
	if err != nil {
		return nil, err
	}

	return LoadCA(pair)
}

// LoadCA reads a certificate authority, such as the one in Crossplane's secret
// crossplane-root-ca, whose key is RSA in PKCS #1.
func LoadCA(p Pair) (*CA, error) {
	block, _ := pem.Decode(p.Cert)
	if block == nil {
		return nil, errors.New("cannot load CA: its certificate is not PEM")
	}

	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("cannot load CA: %w", err)
	}

	key, err := parseKey(p.Key)
	if err != nil {
		return nil, fmt.Errorf("cannot load CA %s: %w", cert.Subject.CommonName, err)
	}

	return &CA{Pair: p, cert: cert, key: key}, nil
}

func parseKey(b []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("its key is not PEM")
	}

	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}

	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}

	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("its key is neither PKCS #1, SEC 1 nor PKCS #8")
	}

	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("its key is a %T, which cannot sign", key)
	}

	return signer, nil
}

// Issue signs a certificate for a subject, good for serving at the given hosts
// (names or IP addresses) and for logging in as the subject.
func (c *CA) Issue(subject pkix.Name, hosts ...string) (Pair, error) {
	key, err := NewKey()
	if err != nil {
		return Pair{}, err
	}

	signer, err := parseKey(key)
	if err != nil {
		return Pair{}, err
	}

	t, err := template(subject)
	if err != nil {
		return Pair{}, err
	}

	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}

	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}

	return sign(t, c.cert, signer, c.key)
}

// NewKey makes a private key, such as the API server's for service accounts.
func NewKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot generate a key: %w", err)
	}

	return encodeKey(key)
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("cannot encode a key: %w", err)
	}

	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func template(subject pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("cannot draw a serial number: %w", err)
	}

	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    time.Now().Add(-time.Hour), // clocks that go back a little
		NotAfter:     time.Now().Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}, nil
}

func sign(t, parent *x509.Certificate, key, by crypto.Signer) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), by)
	if err != nil {
		return Pair{}, fmt.Errorf("cannot sign the certificate of %s: %w", t.Subject.CommonName, err)
	}

	k, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return Pair{}, fmt.Errorf("cannot encode a %T", key)
	}

	kpem, err := encodeKey(k)
	if err != nil {
		return Pair{}, err
	}

	return Pair{Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), Key: kpem}, nil
}

// WriteFiles writes each file into dir, readable by the owner only.
func WriteFiles(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make %s: %w", dir, err)
	}

	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return fmt.Errorf("cannot write %s: %w", name, err)
		}
	}

	return nil
}
