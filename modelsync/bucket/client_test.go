package bucket

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestAuthority trusts whom AWS_CA_BUNDLE names: behind a company's proxy nothing else
// signs what S3 seems to say.
func TestAuthority(t *testing.T) {
	protocols := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protocols <- r.Proto }))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)

	authority := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Setenv("AWS_CA_BUNDLE", authority)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")

	tuned := false

	client, err := NewClient(t.Context(), "eu-west-1", server.URL, 4, func(tr *http.Transport) { tuned = tr.MaxIdleConnsPerHost == 4 })
	if err != nil {
		t.Fatal(err)
	}

	if _, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: new("b"), Key: new("k")}); err != nil {
		t.Fatal(err)
	}

	if got := <-protocols; got != "HTTP/1.1" {
		t.Errorf("S3 was asked by %s, which puts all connections into one", got)
	}

	if !tuned {
		t.Error("what tune changes came before ours")
	}
}
