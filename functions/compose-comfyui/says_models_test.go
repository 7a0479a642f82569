package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
)

// TestWhyNot holds that everything that the fetcher may say is said in words.
func TestWhyNot(t *testing.T) {
	a := answerOf(t, testRelease(), facts.Image{}, func(s *v1alpha1.ComfyUIStudioSpec) {
		s.Models.Files = []v1alpha1.ModelFile{{Path: "loras/a", Size: 1, TokenSecretRef: &v1alpha1.SecretKeyRef{Name: "hub", Key: "token"}}}
	})

	// Read from its source: the function is not made of the fetcher.
	b, err := os.ReadFile("../../modelsync/fetch/result.go")
	if err != nil {
		t.Fatal(err)
	}

	codes := regexp.MustCompile(`(?m)^\t\w+ +Code = "([a-z-]+)"`).FindAllStringSubmatch(string(b), -1)
	if len(codes) < 16 {
		t.Fatalf("codes of the fetcher: got %v", codes)
	}

	for _, c := range codes {
		if got := whyNot(a.plan, facts.ModelFailure{Path: "loras/a", Why: c[1]}); strings.HasPrefix(got, "the build says") {
			t.Errorf("whyNot(%s): nobody can act on %q", c[1], got)
		}
	}

	if got := whyNot(a.plan, facts.ModelFailure{Path: "loras/a", Why: "token"}); !strings.Contains(got, "Secret hub, key token") {
		t.Errorf("whyNot(token): the Secret is not named: %s", got)
	}

	if got := whyNot(a.plan, facts.ModelFailure{Path: "loras/a", Why: strings.Repeat("\x00", 2000)}); len(got) > 1024 {
		t.Errorf("whyNot(…): the status takes 1024 bytes, not %d", len(got))
	}

	if got := whyNot(a.plan, facts.ModelFailure{Path: "loras/a", Why: "moon"}); got != `the build says "moon"` {
		t.Errorf("whyNot(moon): got %s", got)
	}
}
