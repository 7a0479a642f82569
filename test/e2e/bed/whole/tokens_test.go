package whole

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// losesProvider: with provider-aws away for an hour, nobody renews the token
// that leads into the cluster, which EKS takes for 15 minutes. Nothing is lost,
// and when the provider is back all is as it was.
func losesProvider(p production) {
	before, nodes := p.uids(), living(p.cluster.name)

	shared.StopProvider()
	pause(p.t, time.Hour)

	// Something must ask for the cluster to notice that the way there is shut.
	if !p.shut() {
		p.t.Error("no Object says that it cannot reach the cluster, so tokens do not end")
	}

	p.same(before)

	if err := shared.StartProvider(); err != nil {
		p.t.Fatal(err)
	}

	p.open()
	p.awaitReady()
	p.same(before)

	if now := living(p.cluster.name); len(now) != len(nodes) {
		p.t.Errorf("the nodes were %v and are %v", nodes, now)
	}
}

// losesKubeconfig: deleted by hand, the Secret that leads into the cluster is
// written again at ClusterAuth's next refresh.
func losesKubeconfig(p production) {
	before := p.uids()
	ref := nested(p.composed()["cluster-auth"], "spec", "writeConnectionSecretToRef")

	if err := p.client(secretKind).Delete(p.t.Context(), text(ref["name"]), metav1.DeleteOptions{}); err != nil {
		p.t.Fatal(err)
	}

	p.cluster.await(func(ctx context.Context) error {
		_, err := p.client(secretKind).Get(ctx, text(ref["name"]), metav1.GetOptions{})
		return err
	})
	p.open()
	p.awaitReady()
	p.same(before)
}

// shut says whether an Object cannot reach the cluster.
func (p production) shut() bool {
	for _, o := range p.composed() {
		if c := conditionOf(o, "Synced"); o.GetKind() == "Object" && c["status"] == "False" {
			return true
		}
	}

	return false
}

// open waits until every Object and Release reaches the cluster.
func (p production) open() {
	p.t.Helper()
	p.cluster.await(func(context.Context) error {
		for k, o := range p.composed() {
			if c := conditionOf(o, "Synced"); c != nil && c["status"] != "True" {
				return errors.New(k + ": " + text(c["message"]))
			}
		}

		return nil
	})
}
