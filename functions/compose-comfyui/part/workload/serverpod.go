package workload

import (
	"path"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

const (
	portHTTP = "http"
	gpu      = corev1.ResourceName("nvidia.com/gpu")

	// Directories that a server sees. Inputs and outputs are buckets; all that is
	// below scratch, user and local is on the node's instance store.
	inputs  = "/data/input"
	outputs = "/data/output"
	scratch = "/data/scratch"
	user    = "/data/user"
	// local and upload are the uploader's two sides.
	local, upload = "/data/local", "/data/upload"
	// own and kept are the two sides of what people save: the volume that the user
	// directory is in, and the bucket's copy of it.
	own, kept   = "/data/own", "/data/kept"
	userFiles   = "files"
	tools       = "/studio/bin"
	toolsVolume = "tools"
	node        = "/studio/node"
)

// ownPrefix is a server's place in the outputs bucket. Two servers that share one
// choose the same file name for two pictures, since ComfyUI counts the files that
// it finds. It is mounted, not given as an argument: a server sees nobody else's
// outputs, and counting stays quick.
const ownPrefix = "$(POOL)/$(POD_NAME)"

// keptPrefix is where people's workflows and settings are in the inputs bucket: one
// place for all servers of a pool, and not among outputs, which a claim may expire.
const keptPrefix = ".studio/user/$(POOL)"

// seeking are the directories below outputs whose files are written by seeking
// and renaming, which Mountpoint for S3 cannot do. They are on the node's own
// disk, where a server reads them back, and the uploader copies each file to the
// bucket when it is closed.
var seeking = []string{"3d", "audio", "video"} //nolint:gochecknoglobals // A constant that Go has no const for.

func serverPod(p plan.Plan, f facts.Facts, pool plan.Pool) corev1.PodSpec {
	return corev1.PodSpec{
		ServiceAccountName:           plan.ServerAccountName,
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(false),
		NodeSelector:                 map[string]string{plan.LabelPool: pool.Name},
		Tolerations:                  []corev1.Toleration{{Key: string(gpu), Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}},
		// What is queued is finished first: the queue is in the server's memory.
		TerminationGracePeriodSeconds: new(int64(plan.ServerGrace.Seconds())),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   new(true),
			RunAsUser:      new(int64(plan.ServerUID)),
			RunAsGroup:     new(int64(plan.ServerUID)),
			FSGroup:        new(int64(plan.ServerUID)),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		InitContainers: []corev1.Container{awaitModels(f), installTools(p), restore(p, pool), keep(p, pool), uploader(p, pool)},
		Containers:     []corev1.Container{comfyUI(f, pool)},
		Volumes: []corev1.Volume{
			hostPath("node", plan.NodeDirectory), hostPath("models", plan.ModelsDirectory),
			claim("inputs", plan.Inputs), claim("outputs", plan.Outputs),
			onNode("local"), onNode("scratch"), onNode(toolsVolume), onNode("tmp"),
			onNode("user"),
			// PyTorch's workers share tensors through it, and 64 MB are soon full.
			{Name: "shm", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{
				Medium: corev1.StorageMediumMemory, SizeLimit: new(resource.MustParse("1Gi")),
			}}},
		},
	}
}

// awaitModels holds a server back until the node has the models. It runs the same
// image, so that pulling the image and copying the models take place at the same
// time, and it is the first for that reason.
func awaitModels(f facts.Facts) corev1.Container {
	return corev1.Container{
		Name:    "models",
		Image:   f.Image.URI,
		Command: []string{"sh", "-c", "until [ -e " + path.Join(node, path.Base(plan.ModelsReady)) + " ]; do sleep 1; done"},
		// The smallest that runs: a pod needs what its containers need, not the sum.
		Resources:       resources("10m", "16Mi", "64Mi"),
		SecurityContext: contained(),
		VolumeMounts:    []corev1.VolumeMount{{Name: "node", MountPath: node, ReadOnly: true}},
	}
}

// installTools puts our own program where ComfyUI's container finds it: a hook
// runs in the container that it is for, whose image holds nothing of ours.
func installTools(p plan.Plan) corev1.Container {
	return corev1.Container{
		Name:            toolsVolume,
		Image:           p.AgentImage(),
		Args:            []string{"install", "--to=" + tools},
		Resources:       resources("10m", "32Mi", "128Mi"),
		SecurityContext: contained(),
		VolumeMounts:    []corev1.VolumeMount{{Name: toolsVolume, MountPath: tools}},
	}
}

// uploader is a sidecar that starts before ComfyUI and ends after it, so what the
// last prompt wrote is uploaded too. It writes through the mounted bucket, one
// file after the other and each once: neither it nor anything else in the pod has
// credentials for AWS.
func uploader(p plan.Plan, pool plan.Pool) corev1.Container {
	return corev1.Container{
		Name:            "uploader",
		Image:           p.AgentImage(),
		Args:            []string{"uploader", "--from=" + local, "--to=" + upload},
		RestartPolicy:   new(corev1.ContainerRestartPolicyAlways),
		Env:             place(pool),
		Resources:       resources("50m", "64Mi", "256Mi"),
		SecurityContext: contained(),
		VolumeMounts: []corev1.VolumeMount{
			{Name: "local", MountPath: local, ReadOnly: true},
			{Name: "outputs", MountPath: upload, SubPathExpr: ownPrefix},
		},
	}
}

// restore brings back what people saved in this pool before, and keep is a sidecar
// that keeps what they save from now on. ComfyUI writes its user directory in ways
// that Mountpoint does not take, so it works on the node's disk.
func restore(p plan.Plan, pool plan.Pool) corev1.Container {
	return saved(p, pool, "restore", kept, path.Join(own, userFiles))
}

func keep(p plan.Plan, pool plan.Pool) corev1.Container {
	c := saved(p, pool, "keep", path.Join(own, userFiles), kept)
	c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)

	return c
}

func saved(p plan.Plan, pool plan.Pool, command, from, to string) corev1.Container {
	return corev1.Container{
		Name:            command,
		Image:           p.AgentImage(),
		Args:            []string{command, "--from=" + from, "--to=" + to, "--ledger=" + path.Join(own, "ledger")},
		Env:             place(pool),
		Resources:       resources("10m", "32Mi", "128Mi"),
		SecurityContext: contained(),
		VolumeMounts: []corev1.VolumeMount{
			{Name: "user", MountPath: own},
			{Name: "inputs", MountPath: kept, SubPathExpr: keptPrefix},
		},
	}
}

func comfyUI(f facts.Facts, pool plan.Pool) corev1.Container {
	return corev1.Container{
		Name:  plan.NameComfyUI,
		Image: f.Image.URI,
		// Python as the first process and no shell, so that it gets the signal.
		Command: []string{"python", path.Join(plan.ComfyUIDirectory, "main.py")},
		Args:    arguments(pool),
		Env: append(place(pool),
			corev1.EnvVar{Name: "HOME", Value: "/tmp"},
			corev1.EnvVar{Name: "PYTHONDONTWRITEBYTECODE", Value: "1"},
		),
		Ports: []corev1.ContainerPort{{Name: portHTTP, ContainerPort: plan.ServerPort, Protocol: corev1.ProtocolTCP}},
		Resources: corev1.ResourceRequirements{
			// Room for Mountpoint's pods, which no scheduler counts, on the smallest
			// node. No limit of memory: ComfyUI keeps weights in what the node has.
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("8Gi")},
			Limits:   corev1.ResourceList{gpu: resource.MustParse("1")},
		},
		// It listens when all custom nodes are loaded, which may take minutes. The
		// answer comes from memory and does not touch the GPU.
		StartupProbe:   answering(5, 120),
		ReadinessProbe: answering(5, 3),
		// Loading a model or writing a picture holds the server up for seconds.
		LivenessProbe:   patient(answering(30, 6)),
		Lifecycle:       &corev1.Lifecycle{PreStop: drain()},
		SecurityContext: contained(),
		VolumeMounts:    serverMounts(),
	}
}

func serverMounts() []corev1.VolumeMount {
	out := []corev1.VolumeMount{
		{Name: "models", MountPath: path.Join(plan.ComfyUIDirectory, "models"), ReadOnly: true},
		{Name: "inputs", MountPath: inputs},
		{Name: "outputs", MountPath: outputs, SubPathExpr: ownPrefix},
	}

	for _, dir := range seeking {
		out = append(out, corev1.VolumeMount{Name: "local", MountPath: path.Join(outputs, dir), SubPath: dir})
	}

	return append(out,
		corev1.VolumeMount{Name: "scratch", MountPath: scratch},
		corev1.VolumeMount{Name: "user", MountPath: user, SubPath: userFiles},
		corev1.VolumeMount{Name: "tmp", MountPath: "/tmp"},
		corev1.VolumeMount{Name: "shm", MountPath: "/dev/shm"},
		corev1.VolumeMount{Name: toolsVolume, MountPath: tools, ReadOnly: true},
	)
}

// arguments are flags that every release of ComfyUI since 0.28 knows: with one
// that it does not know it does not start.
func arguments(pool plan.Pool) []string {
	return append([]string{
		"--listen", "0.0.0.0", "--port", strconv.Itoa(plan.ServerPort), "--disable-auto-launch",
		"--input-directory", inputs, "--output-directory", outputs, "--temp-directory", scratch, "--user-directory", user,
		// It is locked by one process, so it never lies where two servers may meet.
		"--database-url", "sqlite:///" + path.Join(scratch, "comfyui.db"),
	}, pool.Args...)
}

func place(pool plan.Pool) []corev1.EnvVar {
	return []corev1.EnvVar{{Name: "POOL", Value: pool.Name}, fromField("POD_NAME", "metadata.name")}
}

func answering(period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/prompt", Port: intstr.FromString(portHTTP), Scheme: corev1.URISchemeHTTP}},
		PeriodSeconds:    period,
		TimeoutSeconds:   5,
		FailureThreshold: failures,
	}
}

func patient(p *corev1.Probe) *corev1.Probe {
	p.TimeoutSeconds = 15
	return p
}

// drain waits until the queue is empty, and leaves the sidecars a minute of the
// pod's grace. It stops ComfyUI itself: an image of somebody else's may not say by
// which signal, and Python as the first process ignores the usual one.
func drain() *corev1.LifecycleHandler {
	limit := strconv.Itoa(int(plan.ServerGrace.Seconds()) - 60)

	return &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{
		path.Join(tools, "studio-agent"), "drain", "--server=http://127.0.0.1:" + strconv.Itoa(plan.ServerPort), "--limit=" + limit + "s", "--stop=1",
	}}}
}

func hostPath(name, path string) corev1.Volume {
	// Directory: on a node whose instance store is not mounted there is none, and
	// nothing is written to its small root disk instead.
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path, Type: new(corev1.HostPathDirectory)}}}
}

func claim(name string, b plan.BucketName) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "comfyui-" + string(b)},
	}}
}

func onNode(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
}
