// Package install holds what users install, from a registry and through Crossplane's
// package manager: that a studio comes up on it, and that it stays what it is when
// all of it is upgraded.
package install
