package image

import (
	"bytes"
	"crypto/x509"
	"testing"
)

// TestCertificates holds that a program finds certificates that it can read.
func TestCertificates(t *testing.T) {
	for _, f := range System() {
		if f.Path == Certificates && !x509.NewCertPool().AppendCertsFromPEM(f.Content) {
			t.Error("No certificate is readable.")
		}

		if f.Path == Certificates && bytes.Count(f.Content, []byte("BEGIN CERTIFICATE")) < 50 {
			t.Error("Mozilla trusts more than that.")
		}
	}
}
