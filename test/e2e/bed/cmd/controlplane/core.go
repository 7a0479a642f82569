package main

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	"github.com/crossplane/crossplane/apis/v2"
	"github.com/crossplane/crossplane/v2/cmd/crossplane/core"
	"github.com/crossplane/crossplane/v2/cmd/crossplane/rbac"
	admv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// coreCLI and rbacCLI are the parts of Crossplane's own command line that the
// bed uses.
type coreCLI struct {
	Core core.Command `cmd:"" default:"withargs" help:"Start core Crossplane controllers."`
}

type rbacCLI struct {
	RBAC rbac.Command `cmd:"" default:"withargs" help:"Start Crossplane RBAC Manager controllers."`
}

// runCore is Crossplane's core.
func runCore([]string) error { return runCrossplane(&coreCLI{}) }

// runRBAC is Crossplane's RBAC manager. It has no flag for the port of its
// metrics, which two beds would both want.
func runRBAC([]string) error {
	metrics.DefaultBindAddress = "0"

	return runCrossplane(&rbacCLI{})
}

// runCrossplane is cmd/crossplane's main (v2.4.0) without the commands the bed
// has no use for. The scheme must hold every kind that a package may contain.
func runCrossplane(cli any) error {
	zl := zap.New().WithName("crossplane")
	logging.SetFilteredKlogLogger(zl)
	// controller-runtime's own logger is very verbose, and without any it warns.
	ctrl.SetLogger(zap.New(zap.WriteTo(io.Discard)))

	ctx := kong.Parse(cli,
		kong.Name("crossplane"),
		kong.BindTo(logging.NewLogrLogger(zl), (*logging.Logger)(nil)),
		core.KongVars,
	)

	s := runtime.NewScheme()

	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme,
		authv1.AddToScheme,
		appsv1.AddToScheme,
		rbacv1.AddToScheme,
		coordinationv1.AddToScheme,
		extv1.AddToScheme,
		extv1beta1.AddToScheme,
		admv1.AddToScheme,
		apis.AddToScheme,
	} {
		if err := add(s); err != nil {
			return fmt.Errorf("cannot add API types to the scheme: %w", err)
		}
	}

	return ctx.Run(s)
}
