package command

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/saved"
)

const loginLong = `Save a studio under a name, so that later commands need not say which one.

With --url the token is asked for, or read from standard input where that is no
terminal, or taken from --token or COMFY_TOKEN. It is kept in a file that is
readable for you alone. With --studio no token is kept: the claim and its Secret are
asked each time.

The studio is asked once before it is saved.`

const loginExample = `  comfyctl login tokyo --url https://studio.example.com < token.txt
  comfyctl login tokyo --studio art/tokyo
  comfyctl login default --url http://127.0.0.1:8188 --no-token`

func newLogin(t *tool) *cobra.Command {
	var noToken, unchecked bool

	c := &cobra.Command{
		Use: "login NAME", Short: "Save a studio under a name and make it the current one", Long: loginLong, Example: loginExample,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if t.url == "" && t.studio == "" {
				return usageError{errors.New("which studio? Give --url or --studio NAMESPACE/NAME")}
			}

			c, err := t.chosen()
			if err != nil {
				return err
			}

			if c.URL != "" && c.Token == "" && !noToken {
				if c.Token, err = t.askToken(); err != nil {
					return err
				}
			}

			return t.login(cmd.Context(), given[0], c, unchecked)
		},
	}
	c.Flags().BoolVar(&noToken, "no-token", false, "the server wants none, as ComfyUI by itself does not")
	c.Flags().BoolVar(&unchecked, "unchecked", false, "save it even if it cannot be asked now")

	return c
}

func (t *tool) login(ctx context.Context, name string, c saved.Context, unchecked bool) error {
	if !unchecked {
		ctx, stop := context.WithTimeout(ctx, 30*time.Second)
		defer stop()

		at, err := t.enter(ctx)
		if err != nil {
			return err
		}

		at.Token = cmp.Or(c.Token, at.Token)

		client, err := t.clientOf(at)
		if err != nil {
			return err
		}

		if _, err := client.Remaining(ctx); err != nil {
			return fmt.Errorf("%w; to save it all the same, add --unchecked", err)
		}
	}

	f, err := saved.Read()
	if err != nil {
		return err
	}

	f.Contexts[name], f.Current = c, name

	if err := f.Write(); err != nil {
		return err
	}

	fmt.Fprintf(t.log, "saved %s, which is the current one now\n", name)

	return nil
}

// askToken reads a token without showing it.
func (t *tool) askToken() (string, error) {
	if f, ok := t.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(t.log, "token: ")

		b, err := term.ReadPassword(int(f.Fd()))

		fmt.Fprintln(t.log)

		return strings.TrimSpace(string(b)), err
	}

	line, err := bufio.NewReader(io.LimitReader(t.in, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}

	if line = strings.TrimSpace(line); line == "" {
		return "", usageError{errors.New("there is no token on standard input: give one, or --no-token")}
	}

	return line, nil
}

func newLogout() *cobra.Command {
	return &cobra.Command{
		Use: "logout NAME", Short: "Forget a studio that login saved", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: completeContexts,
		RunE: func(_ *cobra.Command, given []string) error {
			f, err := saved.Read()
			if err != nil {
				return err
			}

			if _, err := f.Named(given[0]); err != nil {
				return usageError{err}
			}

			delete(f.Contexts, given[0])

			if f.Current == given[0] {
				f.Current = ""
			}

			return f.Write()
		},
	}
}

func newContexts(t *tool) *cobra.Command {
	return &cobra.Command{
		Use: "contexts [NAME]", Short: "List the studios that login saved, or make one the current", Args: args(cobra.MaximumNArgs(1)), ValidArgsFunction: completeContexts,
		RunE: func(_ *cobra.Command, given []string) error {
			f, err := saved.Read()
			if err != nil {
				return err
			}

			if len(given) == 1 {
				if _, err := f.Named(given[0]); err != nil {
					return usageError{err}
				}

				f.Current = given[0]

				return f.Write()
			}

			return t.contexts(f)
		},
	}
}

// contexts lists them without their tokens.
func (t *tool) contexts(f saved.File) error {
	type row struct {
		Name    string `json:"name"`
		Current bool   `json:"current"`
		At      string `json:"at"`
	}

	rows := []row{}
	for _, name := range f.Names() {
		c := f.Contexts[name]
		rows = append(rows, row{name, name == f.Current, cmp.Or(c.URL, c.Studio)})
	}

	if t.json {
		return t.print(map[string]any{"contexts": rows})
	}

	for _, r := range rows {
		mark := " "
		if r.Current {
			mark = "*"
		}

		fmt.Fprintf(t.out, "%s %s  %s\n", mark, r.Name, r.At)
	}

	return nil
}
