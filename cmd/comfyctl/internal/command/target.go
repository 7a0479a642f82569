package command

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/spf13/pflag"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/claim"
	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/saved"
	"github.com/comfyui-studio/comfyui-studio/comfy"
)

// A target is which studio a command is for, as it was said.
type target struct {
	url, token, pool        string
	studio, tokenName       string
	kubeconfig, kubeContext string
	context                 string
}

func (t *target) flags(f *pflag.FlagSet) {
	f.StringVar(&t.url, "url", "", "address of the studio or server (COMFY_URL)")
	// A token as a default would be shown by --help.
	f.StringVar(&t.token, "token", "", "token for programs (better: COMFY_TOKEN, which no list of processes shows)")
	f.StringVar(&t.pool, "pool", "", "pool of the studio, if it is not the first one")
	f.StringVar(&t.studio, "studio", "", "the studio's claim as NAMESPACE/NAME, which is asked for address and token")
	f.StringVar(&t.tokenName, "token-name", "", "which of the tokens in the claim's Secret to use, if it is not the first")
	f.StringVar(&t.kubeconfig, "kubeconfig", "", "kubeconfig of the cluster that the claim is in (KUBECONFIG)")
	f.StringVar(&t.kubeContext, "kube-context", "", "its context, if it is not the current one")
	f.StringVar(&t.context, "context", "", "a studio that comfyctl login saved, if it is not the current one")
}

// check refuses what contradicts itself.
func (t *target) check() error {
	said := 0

	for _, s := range []string{t.url, t.studio, t.context} {
		if s != "" {
			said++
		}
	}

	if said > 1 {
		return usageError{errors.New("give one of --url, --studio and --context")}
	}

	return nil
}

// errNoStudio is of a command line that does not say which studio.
var errNoStudio = usageError{errors.New("which studio? Give --url, --studio NAMESPACE/NAME or COMFY_URL, or save one with comfyctl login")}

// chosen is what was said as a context: by flags, or else by the environment, or
// else the one that is current. A token goes to nobody but whom it was given for.
func (t *target) chosen() (saved.Context, error) {
	var out saved.Context

	f, err := saved.Read()

	switch {
	case t.url != "":
		out = saved.Context{URL: t.url, Token: environment("COMFY_TOKEN")}
	case t.studio != "":
		out = saved.Context{Studio: t.studio}
	case t.context != "" && err == nil:
		out, err = f.Named(t.context)
		if err != nil {
			return out, usageError{err}
		}
	case environment("COMFY_URL") != "":
		out = saved.Context{URL: environment("COMFY_URL"), Token: environment("COMFY_TOKEN")}
	case err != nil:
		return out, err
	case f.Current == "":
		return out, errNoStudio
	default:
		if out, err = f.Named(""); err != nil {
			return out, err
		}
	}

	for to, from := range map[*string]string{&out.Token: t.token, &out.Pool: t.pool, &out.Kubeconfig: t.kubeconfig, &out.KubeContext: t.kubeContext} {
		if from != "" {
			*to = from
		}
	}

	return out, nil
}

// A found is a studio that can be asked.
type found struct {
	saved.Context

	// claim is nil where only an address is known.
	claim   *v1alpha1.ComfyUIStudio
	cluster *claim.Cluster
}

// find asks the claim, if there is one.
func (t *target) find(ctx context.Context) (found, error) {
	c, err := t.chosen()
	if err != nil {
		return found{}, err
	}

	out := found{Context: c}
	if c.Studio == "" {
		return out, nil
	}

	if out.cluster, err = claim.Open(c.Kubeconfig, c.KubeContext); err != nil {
		return found{}, err
	}

	if out.claim, err = out.cluster.Studio(ctx, c.Studio); err != nil {
		return found{}, err
	}

	out.URL = out.claim.Status.URL

	return out, nil
}

// enter is a studio with an address and a token.
func (t *target) enter(ctx context.Context) (found, error) {
	out, err := t.find(ctx)
	if err != nil {
		return out, err
	}

	return t.admit(ctx, out)
}

// admit gets a token of a studio that was found.
func (t *target) admit(ctx context.Context, out found) (found, error) {
	var err error

	switch {
	case out.claim == nil:
	case out.URL == "":
		err = fmt.Errorf("studio %s has no address yet: see comfyctl status --studio %s", out.Studio, out.Studio)
	case out.Token == "":
		out.Token, err = out.cluster.Token(ctx, out.claim, t.tokenName)
	}

	return out, err
}

// client is a client of the studio.
func (t *tool) client(ctx context.Context) (*comfy.Client, error) {
	at, err := t.enter(ctx)
	if err != nil {
		return nil, err
	}

	return t.clientOf(at)
}

func (t *tool) clientOf(at found) (*comfy.Client, error) {
	var said atomic.Value

	c, err := comfy.New(at.URL, comfy.WithToken(at.Token), comfy.WithPool(at.Pool), comfy.WithWaiting(func(w comfy.Wait) {
		// The same is said once, however long it lasts.
		if said.Swap(w.Reason) != w.Reason {
			fmt.Fprintf(t.log, "waiting: %s\n", w.Reason)
		}
	}))
	if err != nil {
		return nil, usageError{err}
	}

	return c, nil
}

func contextNames() []string {
	f, err := saved.Read()
	if err != nil {
		return nil
	}

	return f.Names()
}
