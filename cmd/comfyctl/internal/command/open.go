package command

import (
	"fmt"

	"github.com/cli/browser"
	"github.com/spf13/cobra"
)

func newOpen(t *tool) *cobra.Command {
	var only bool

	c := &cobra.Command{
		Use: "open", Short: "Open the studio's page in a browser",
		Long: "Open the studio's page in a browser, and print its address and how to log in.",
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := t.find(cmd.Context())
			if err != nil {
				return err
			}

			if at.URL == "" {
				return fmt.Errorf("studio %s has no address yet: see comfyctl status --studio %s", at.Studio, at.Studio)
			}

			if at.claim != nil && at.claim.Status.LoginSecretRef != nil {
				fmt.Fprintf(t.log, "the password: kubectl get secret -n %s %s -o jsonpath='{.data.password}' | base64 -d\n", at.claim.GetNamespace(), at.claim.Status.LoginSecretRef.Name)
			}

			fmt.Fprintln(t.out, at.URL)

			if only {
				return nil
			}

			browser.Stdout, browser.Stderr = t.log, t.log

			if err := browser.OpenURL(at.URL); err != nil {
				return fmt.Errorf("cannot open a browser: %w; open the address yourself", err)
			}

			return nil
		},
	}
	c.Flags().BoolVar(&only, "print", false, "only print the address")

	return c
}
