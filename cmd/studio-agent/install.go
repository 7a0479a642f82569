package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// program is what this program is called wherever it is put.
const program = "studio-agent"

type installCommand struct {
	To string `help:"Directory to copy it to." required:"" type:"existingdir"`
}

// Run copies. Under its name is nothing or all of it.
func (c *installCommand) Run() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}

	from, err := os.Open(self)
	if err != nil {
		return fmt.Errorf("cannot read this program: %w", err)
	}
	defer from.Close()

	at := filepath.Join(c.To, program)

	to, err := os.OpenFile(at+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755) //nolint:gosec // Another user runs it.
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", at, err)
	}

	_, err = io.Copy(to, from)
	if closed := to.Close(); err == nil {
		err = closed
	}

	if err == nil {
		err = os.Rename(at+".new", at)
	}

	if err != nil {
		return fmt.Errorf("cannot write %s: %w", at, err)
	}

	return nil
}
