package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// pullAgain is how long after a failed pull the kubelet tries again, which it
// does up to every five minutes.
const pullAgain = 30 * time.Second

// kubelet does what kwok's stages cannot: it looks at the account, and lets a
// pod begin only when its images are there. It also deletes the pods of nodes
// that are gone, as the pod garbage collector of Kubernetes does.
type kubelet struct {
	Options

	client kubernetes.Interface
	shared informers.SharedInformerFactory
}

func (k *kubelet) run(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	pods, nodes := k.shared.Core().V1().Pods(), k.shared.Core().V1().Nodes()

	for _, i := range []cache.SharedIndexInformer{pods.Informer(), nodes.Informer()} {
		if err := notify(i, changed); err != nil {
			return err
		}
	}

	k.shared.Start(ctx.Done())
	cache.WaitForCacheSync(ctx.Done(), pods.Informer().HasSynced, nodes.Informer().HasSynced)

	for {
		faults := k.AWS.Changed()

		if err := k.pass(ctx, pods.Lister(), nodes.Lister()); err != nil && ctx.Err() == nil {
			k.Logf("kubelet of cluster %s: %v", k.Cluster, err)
		}

		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-faults:
		case <-time.After(k.AWS.Clock().Real(pullAgain)):
		}
	}
}

// notify makes a channel ready whenever something changes.
func notify(i cache.SharedIndexInformer, changed chan<- struct{}) error {
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}

	_, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { wake() }, UpdateFunc: func(any, any) { wake() }, DeleteFunc: func(any) { wake() },
	})
	if err != nil {
		return fmt.Errorf("cannot watch: %w", err)
	}

	return nil
}

func (k *kubelet) pass(ctx context.Context, lister corelisters.PodLister, nodes corelisters.NodeLister) error {
	pods, err := lister.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("cannot list pods: %w", err)
	}

	for _, p := range pods {
		if err := k.orphan(ctx, p, nodes); err != nil {
			return err
		}

		if p.Spec.NodeName == "" || p.DeletionTimestamp != nil || p.Status.Phase != corev1.PodPending {
			continue
		}

		if err := k.look(ctx, p); err != nil && !kerrors.IsNotFound(err) {
			return fmt.Errorf("cannot update pod %s/%s: %w", p.Namespace, p.Name, err)
		}
	}

	return nil
}

// orphan deletes a pod whose node is gone: its kubelet went with it. The list of
// nodes may be behind that of pods, so the API server has the last word.
func (k *kubelet) orphan(ctx context.Context, p *corev1.Pod, nodes corelisters.NodeLister) error {
	if p.Spec.NodeName == "" {
		return nil
	}

	if _, err := nodes.Get(p.Spec.NodeName); !kerrors.IsNotFound(err) {
		return nil
	}

	if _, err := k.client.CoreV1().Nodes().Get(ctx, p.Spec.NodeName, metav1.GetOptions{}); !kerrors.IsNotFound(err) {
		return nil
	}

	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64(0)), Preconditions: &metav1.Preconditions{UID: &p.UID}}
	if err := k.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, now); err != nil && !kerrors.IsNotFound(err) {
		return fmt.Errorf("cannot delete pod %s/%s, whose node is gone: %w", p.Namespace, p.Name, err)
	}

	return nil
}

// look says of a pod on a node whether it can begin.
func (k *kubelet) look(ctx context.Context, p *corev1.Pod) error {
	status := corev1.PodStatus{}

	if image, why := k.missing(p); why != "" {
		if waiting(p, image) {
			return nil
		}

		status.Conditions = []corev1.PodCondition{condition(pullable, corev1.ConditionFalse, "ImagePullBackOff", why)}
		status.ContainerStatuses = pulling(p.Spec.Containers, image, why)
		status.InitContainerStatuses = pulling(p.Spec.InitContainers, image, why)

		return k.patch(ctx, p, status)
	}

	if conditionOf(p, pullable) != corev1.ConditionTrue {
		status.Conditions = append(status.Conditions, condition(pullable, corev1.ConditionTrue, "", ""))
	}

	fails := corev1.ConditionFalse

	why := ""
	if err := k.AWS.Injected(k.fault("InitContainer", p.Name), cloud.OpCreate); err != nil {
		fails, why = corev1.ConditionTrue, strings.TrimPrefix(err.Error(), "api error InjectedFailure: ")
	}

	if was := conditionOf(p, initFails); was != fails && (was != "" || fails == corev1.ConditionTrue) {
		status.Conditions = append(status.Conditions, condition(initFails, fails, "Fault", why))
	}

	if len(status.Conditions) == 0 {
		return nil
	}

	return k.patch(ctx, p, status)
}

// fault is the call that a fault hits which is no call of AWS.
func (k *kubelet) fault(kind, name string) cloud.Call {
	return cloud.Call{Kind: cloud.Kind{Service: "workload", Name: kind}, Owner: cloud.Owner{Namespace: k.Cluster, Name: name}}
}

// missing is the first image of a pod that cannot be pulled, and why.
func (k *kubelet) missing(p *corev1.Pod) (image, why string) {
	for _, containers := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for _, c := range containers {
			if err := k.AWS.Injected(k.fault("Image", path.Base(c.Image)), cloud.OpCreate); err != nil {
				return c.Image, fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", c.Image, strings.TrimPrefix(err.Error(), "api error InjectedFailure: "))
			}

			if !k.inRegistry(c.Image) {
				return c.Image, fmt.Sprintf("Back-off pulling image %q: ErrImagePull: failed to pull and unpack image: failed to resolve reference: not found", c.Image)
			}
		}
	}

	return "", ""
}

// inRegistry tells whether the account's own registry has the repository of an
// image. What other registries have is not known here: those images are there.
func (k *kubelet) inRegistry(image string) bool {
	host, rest, ok := strings.Cut(image, "/")
	if !ok || host != fmt.Sprintf("%s.dkr.ecr.%s.amazonaws.com", k.AWS.AccountID(), k.Region) {
		return true
	}

	repository, _, _ := strings.Cut(rest, "@")
	repository, _, _ = strings.Cut(repository, ":")

	for _, r := range k.AWS.List(cloud.Kind{Service: "ecr", Name: "Repository"}, k.Region) {
		if r.ID == repository {
			return true
		}
	}

	return false
}

// patch writes the status of a pod as the kubelet does: conditions merge.
func (k *kubelet) patch(ctx context.Context, p *corev1.Pod, s corev1.PodStatus) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.UID}, "status": s})
	if err != nil {
		return fmt.Errorf("cannot encode a patch: %w", err)
	}

	_, err = k.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")

	return err
}

func condition(t corev1.PodConditionType, s corev1.ConditionStatus, reason, message string) corev1.PodCondition {
	return corev1.PodCondition{Type: t, Status: s, Reason: reason, Message: message, LastTransitionTime: metav1.Now()}
}

func conditionOf(p *corev1.Pod, t corev1.PodConditionType) corev1.ConditionStatus {
	for _, c := range p.Status.Conditions {
		if c.Type == t {
			return c.Status
		}
	}

	return ""
}

// waiting tells whether the pod says already that it waits for the image.
func waiting(p *corev1.Pod, image string) bool {
	for _, statuses := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, s := range statuses {
			if s.Image == image && s.State.Waiting != nil && s.State.Waiting.Reason == "ImagePullBackOff" {
				return true
			}
		}
	}

	return false
}

// pulling are the statuses of containers while an image is missing.
func pulling(containers []corev1.Container, image, why string) []corev1.ContainerStatus {
	out := []corev1.ContainerStatus{}

	for _, c := range containers {
		s := corev1.ContainerStatus{Name: c.Name, Image: c.Image, Started: new(false)}
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}

		if c.Image == image {
			s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: why}
		}

		out = append(out, s)
	}

	return out
}
