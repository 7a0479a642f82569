package workload

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/incluster"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// namespace holds everything of ours in the cluster, and the service accounts.
func namespace(d *kit.Desired) {
	d.Add(plan.WorkloadNamespace, incluster.New(d, &corev1.Namespace{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: plan.StudioNamespace, Labels: map[string]string{
			// Servers read models from the node's instance store, and a hostPath is
			// refused by every level below. Nothing else in the namespace needs it.
			"pod-security.kubernetes.io/enforce": "privileged",
		}},
	}))

	account := func(k kit.Key, name string, token bool) {
		d.AddWhen(kit.After(plan.WorkloadNamespace), k, incluster.New(d, &corev1.ServiceAccount{
			TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
			ObjectMeta:                   inNamespace(name),
			AutomountServiceAccountToken: &token,
		}))
	}

	account(plan.FrontDoorAccount, plan.FrontDoorName, true)
	// Custom nodes are other people's code: there is no token for them to find.
	account(plan.ServerAccount, plan.ServerAccountName, false)
}

// volumes mount the buckets that servers read from and write to. The driver has
// the credentials, so no server needs any.
func volumes(p plan.Plan, d *kit.Desired) {
	for _, b := range []plan.BucketName{plan.Inputs, plan.Outputs} {
		name, bucket := "comfyui-"+string(b), p.BucketName(b)

		d.AddWhen(kit.All(kit.Needs(bucket, "the account id"), kit.After(plan.BucketKey(b, plan.BucketItself))), plan.Volume(b), incluster.New(d, &corev1.PersistentVolume{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolume"},
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: corev1.PersistentVolumeSpec{
				Capacity:                      capacity(),
				AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
				PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
				// Bound by name and not by class: no other claim takes it.
				ClaimRef:     &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: plan.StudioNamespace, Name: name},
				MountOptions: mountOptions(p),
				PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{
					Driver: "s3.csi.aws.com",
					// Two volumes of one handle would be taken for one mount.
					VolumeHandle:     bucket,
					VolumeAttributes: map[string]string{"bucketName": bucket, "authenticationSource": "driver"},
				}},
			},
		}))

		d.AddWhen(kit.After(plan.WorkloadNamespace, plan.Volume(b)), plan.VolumeClaim(b), incluster.New(d, &corev1.PersistentVolumeClaim{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
			ObjectMeta: inNamespace(name),
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
				Resources:   corev1.VolumeResourceRequirements{Requests: capacity()},
				// Empty, not left out: the default class would make a disk.
				StorageClassName: new(""),
				VolumeName:       name,
			},
		}))
	}
}

// capacity is asked for by the API and ignored by the driver: a bucket has none.
func capacity() corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Ti")}
}

// mountOptions are Mountpoint's. Servers are not root, so the mount must be
// theirs and open to others than the one who mounted it.
func mountOptions(p plan.Plan) []string {
	return []string{
		"allow-other", fmt.Sprintf("uid=%d", plan.ServerUID), fmt.Sprintf("gid=%d", plan.ServerUID),
		"region " + p.RegionName,
		// ComfyUI overwrites an upload of the same name when asked, and removes what
		// it could not finish.
		"allow-overwrite", "allow-delete",
	}
}
