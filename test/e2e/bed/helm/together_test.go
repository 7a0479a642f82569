package helm_test

import (
	"context"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/workload/awstest"
)

// TestTogether installs both charts as a studio does into a cluster whose
// system nodes are played: Karpenter's two pods find their two nodes, and what
// the chart hands them is what Karpenter's double works by.
func TestTogether(t *testing.T) {
	login(t, "fresh", "fresh")

	s := awstest.New(t, 120)
	s.Permit()

	s.Play(clusters.Workload.Config)

	values := `{fullnameOverride: karpenter, serviceAccount: {name: karpenter}, replicas: 2, settings: {clusterName: studio, interruptionQueue: studio-interruptions, eksControlPlane: true}, controller: {env: [{name: AWS_REGION, value: us-east-1}], resources: {requests: {cpu: 250m, memory: 512Mi}}}}`
	affinity := `{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: karpenter.k8s.aws/instance-gpu-manufacturer, operator: In, values: [nvidia]}]}]}}}}`

	for _, m := range []string{release("both-karpenter", karpenterChart, everything, values), release("both-plugin", pluginChart, everything, affinity)} {
		if err := apply(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}

	condition(t, "both-plugin", "Ready", "True", "Available")
	eventually(t, "both pods of Karpenter", func(ctx context.Context) error {
		d, err := clusters.Workload.Client.AppsV1().Deployments("kube-system").Get(ctx, "karpenter", metav1.GetOptions{})
		if err != nil || d.Status.AvailableReplicas != 2 {
			return fmt.Errorf("%w: %v", err, d.Status)
		}

		return nil
	})

	pool(t, s)
	server(t)
	eventually(t, "a server on a GPU node", func(ctx context.Context) error {
		d, err := clusters.Workload.Client.AppsV1().Deployments("default").Get(ctx, "server", metav1.GetOptions{})
		if err != nil || d.Status.ReadyReplicas != 1 {
			return fmt.Errorf("%w: %v", err, d.Status)
		}

		return nil
	})

	remove(t, "both-karpenter")
}

// pool makes the least pool there is.
func pool(t *testing.T, s *awstest.Studio) {
	t.Helper()

	class := fmt.Sprintf(`{apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {name: gpu}, spec: {amiSelectorTerms: [{alias: al2023@latest}], instanceProfile: gpu-profile, subnetSelectorTerms: [{id: %s}], securityGroupSelectorTerms: [{id: %s}]}}`, s.ID("one"), s.SecurityGroup())

	for path, m := range map[string]string{
		"/apis/karpenter.k8s.aws/v1/ec2nodeclasses/gpu": class,
		"/apis/karpenter.sh/v1/nodepools/gpu":           `{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: gpu}, spec: {template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: gpu}, requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [g6.xlarge]}]}}}}`,
	} {
		eventually(t, path, func(ctx context.Context) error {
			return clusters.Workload.Client.Discovery().RESTClient().Patch("application/apply-patch+yaml").AbsPath(path).
				Param("fieldManager", "test").Body([]byte(m)).Do(ctx).Error()
		})
	}
}

func server(t *testing.T) {
	t.Helper()

	labels := map[string]string{"app": "server"}
	gpu := corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "server", Namespace: "default"},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.org/comfyui:1", Resources: gpu}}},
		}},
	}

	if _, err := clusters.Workload.Client.AppsV1().Deployments("default").Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
