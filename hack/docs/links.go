package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// checkLinks finds links to files, pages and headings that are not there. What is
// elsewhere is not asked: a test must not fail with somebody else's server.
func checkLinks(root string, pages []*page) []error {
	byName := map[string]*page{}
	for _, p := range pages {
		byName[p.name] = p
	}

	var errs []error

	for _, p := range pages {
		for _, l := range p.links {
			if err := checkLink(root, byName, l); err != nil {
				errs = append(errs, fmt.Errorf("%s: the link to %s leads nowhere: %w", l.where(), l.target, err))
			}
		}
	}

	return errs
}

func checkLink(root string, pages map[string]*page, l link) error {
	u, err := url.Parse(l.target)
	if err != nil {
		return fmt.Errorf("it is no address: %w", err)
	}

	switch {
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme != "" || u.Host != "":
		return errors.New("it is neither https nor a file here")
	case path.IsAbs(u.Path):
		return errors.New("a file is named from the page's own folder")
	}

	file := l.page
	if u.Path != "" {
		file = path.Join(path.Dir(l.page), u.Path)
	}

	if strings.HasPrefix(file, "..") {
		return fmt.Errorf("%s is outside the repository", file)
	}

	if _, err := os.Stat(filepath.Join(root, file)); err != nil {
		return fmt.Errorf("there is no %s", file)
	}

	if u.Fragment == "" {
		return nil
	}

	p := pages[file]
	if p == nil {
		return fmt.Errorf("%s is no page, so it has no headings", file)
	}

	if !p.anchors[u.Fragment] {
		return fmt.Errorf("%s has no heading #%s", file, u.Fragment)
	}

	return nil
}
