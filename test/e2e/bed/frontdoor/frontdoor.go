// Package frontdoor plays what a studio's front door does in its cluster: it
// scales the ComfyUI Deployments and tells how the studio goes.
//
// It works while a Deployment with the label app.kubernetes.io/name: front-door
// is Available. In that Deployment's namespace it scales each Deployment with
// the label app.kubernetes.io/name: comfyui, once that has had a Ready server,
// between its annotations comfyui-studio/min-servers and max-servers: to as
// many as prompts wait, and nobody waits unless a test says so with the
// annotation bed.comfyui-studio.io/queue. Servers that nobody needs stay for ten
// simulated minutes, the shortest spec.sleep.afterIdle. It writes the ConfigMap studio-status,
// key status.json, when something changed and once a simulated minute at most.
package frontdoor

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// What a front door finds its Deployments by, and what it reads from them.
const (
	labelName = "app.kubernetes.io/name"
	labelPool = "comfyui-studio/pool"

	annotationMin   = "comfyui-studio/min-servers"
	annotationMax   = "comfyui-studio/max-servers"
	annotationQueue = "bed.comfyui-studio.io/queue"

	configMap = "studio-status"
	key       = "status.json"
)

// The times of a front door: how often it looks, and how seldom it tells.
const (
	lookPeriod = 5 * time.Second
	tellPeriod = time.Minute
	idlePeriod = 10 * time.Minute
)

// Options say whose front door it is.
type Options struct {
	Client kubernetes.Interface
	Clock  cloud.Clock
	// Informers of the cluster. Default: its own.
	Informers informers.SharedInformerFactory
	// Logf gets a line for what a person would want to know.
	Logf func(format string, args ...any)
}

type frontDoor struct {
	Options

	// told is what the ConfigMap says, and since when.
	told   string
	toldAt time.Duration
	// needed is when a Deployment's servers were needed last; one that never had a
	// Ready server is not in it.
	needed map[string]time.Duration
}

// Run plays the front door until the context ends.
func Run(ctx context.Context, o Options) error {
	if o.Informers == nil {
		o.Informers = informers.NewSharedInformerFactory(o.Client, 0)
	}

	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}

	f := &frontDoor{Options: o, needed: map[string]time.Duration{}}
	synced := []cache.InformerSynced{
		o.Informers.Apps().V1().Deployments().Informer().HasSynced, o.Informers.Core().V1().Pods().Informer().HasSynced,
		o.Informers.Core().V1().Nodes().Informer().HasSynced, o.Informers.Core().V1().Events().Informer().HasSynced,
	}
	o.Informers.Start(ctx.Done())
	cache.WaitForCacheSync(ctx.Done(), synced...)

	for {
		if err := f.pass(ctx); err != nil && ctx.Err() == nil {
			f.Logf("front door: %v", err)
		}

		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(o.Clock.Real(lookPeriod), 50*time.Millisecond)):
		}
	}
}

func (f *frontDoor) pass(ctx context.Context) error {
	doors, err := f.deployments(metav1.NamespaceAll, "front-door")
	if err != nil {
		return err
	}

	for _, d := range doors {
		if !available(d) {
			continue
		}

		if err := f.work(ctx, d.Namespace); err != nil {
			return err
		}
	}

	return nil
}

func (f *frontDoor) deployments(namespace, name string) ([]*appsv1.Deployment, error) {
	out, err := f.Informers.Apps().V1().Deployments().Lister().Deployments(namespace).List(labels.SelectorFromSet(labels.Set{labelName: name}))
	if err != nil {
		return nil, fmt.Errorf("cannot list Deployments: %w", err)
	}

	return out, nil
}

func available(d *appsv1.Deployment) bool {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentAvailable && c.Status == corev1.ConditionTrue {
			return d.DeletionTimestamp == nil
		}
	}

	return false
}

func (f *frontDoor) work(ctx context.Context, namespace string) error {
	servers, err := f.deployments(namespace, "comfyui")
	if err != nil {
		return err
	}

	for _, d := range servers {
		if _, had := f.needed[string(d.UID)]; !had && d.Status.ReadyReplicas > 0 {
			f.needed[string(d.UID)] = f.Clock.Now()
		}

		if err := f.scale(ctx, d); err != nil {
			return err
		}
	}

	return f.tell(ctx, namespace, servers)
}

// scale sets the replicas of a pool that has had its first server.
func (f *frontDoor) scale(ctx context.Context, d *appsv1.Deployment) error {
	needed, had := f.needed[string(d.UID)]
	if !had || d.DeletionTimestamp != nil || d.Spec.Replicas == nil {
		return nil
	}

	want := max(number(d, annotationMin), min(number(d, annotationQueue), number(d, annotationMax)))
	if want >= *d.Spec.Replicas {
		f.needed[string(d.UID)] = max(needed, f.Clock.Now())
	} else if f.Clock.Now() < needed+idlePeriod {
		return nil
	}

	if *d.Spec.Replicas == want {
		return nil
	}

	s, err := f.Client.AppsV1().Deployments(d.Namespace).GetScale(ctx, d.Name, metav1.GetOptions{})
	if err != nil {
		return ignoreGone(err, "cannot read the scale of Deployment "+d.Name)
	}

	s.Spec.Replicas = want
	if _, err := f.Client.AppsV1().Deployments(d.Namespace).UpdateScale(ctx, d.Name, s, metav1.UpdateOptions{FieldManager: "front-door"}); err != nil {
		return ignoreGone(err, "cannot scale Deployment "+d.Name)
	}

	return nil
}

func ignoreGone(err error, what string) error {
	if kerrors.IsNotFound(err) || kerrors.IsConflict(err) {
		return nil
	}

	return fmt.Errorf("%s: %w", what, err)
}

func number(d *appsv1.Deployment, annotation string) int32 {
	n, err := strconv.ParseInt(d.Annotations[annotation], 10, 32)
	if err != nil {
		return 0
	}

	return int32(n)
}

// tell writes the report when it changed, and not too often.
func (f *frontDoor) tell(ctx context.Context, namespace string, servers []*appsv1.Deployment) error {
	r, err := f.report(servers)
	if err != nil {
		return err
	}

	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("cannot encode the report: %w", err)
	}

	if string(data) == f.told || f.told != "" && f.Clock.Now() < f.toldAt+tellPeriod {
		return nil
	}

	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: configMap, Namespace: namespace}, Data: map[string]string{key: string(data)}}

	_, err = f.Client.CoreV1().ConfigMaps(namespace).Update(ctx, cm, metav1.UpdateOptions{})
	if kerrors.IsNotFound(err) {
		_, err = f.Client.CoreV1().ConfigMaps(namespace).Create(ctx, cm, metav1.CreateOptions{})
	}

	if err != nil {
		return fmt.Errorf("cannot write ConfigMap %s: %w", configMap, err)
	}

	f.told, f.toldAt = string(data), f.Clock.Now()

	return nil
}
