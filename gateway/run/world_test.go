package run

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
	"github.com/comfyui-studio/comfyui-studio/gateway/secret/secrettest"
	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

const (
	seed     = "0123456789abcdef0123456789abcdef"
	apiToken = "correct-horse-battery-staple"
	file     = `{"studio":"art/tokyo","region":"ap-northeast-1","pools":[{"name":"default","min":0,"max":1}],"login":{"mode":"Password"},"edge":{"cdn":false,"encrypted":false},"parameters":{"frontDoor":"front-door","apiTokens":"tokens"}}`
)

// A kube is a cluster whose Deployment starts servers when it is scaled.
type kube struct {
	*testing.T
	*fake.Clientset

	starting sync.WaitGroup
	mu       sync.Mutex
	replicas int32
	scales   int
	made     int
	// hold keeps pods from becoming ready.
	hold bool
}

func newKube(t *testing.T) *kube {
	t.Helper()

	// The newer one holds the schemas of all of Kubernetes in memory, which a front
	// door does not, and nothing is applied here.
	k := &kube{T: t, Clientset: fake.NewSimpleClientset(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "comfyui-default", Namespace: "comfyui", Labels: map[string]string{"comfyui-studio/pool": "default"}}})}

	t.Cleanup(k.starting.Wait)

	k.PrependReactor("get", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() != "scale" {
			return false, nil, nil
		}

		k.mu.Lock()
		defer k.mu.Unlock()

		return true, &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "comfyui-default", Namespace: "comfyui"}, Spec: autoscalingv1.ScaleSpec{Replicas: k.replicas}}, nil
	})
	k.PrependReactor("update", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() != "scale" {
			return false, nil, nil
		}

		s, _ := a.(clienttesting.UpdateAction).GetObject().(*autoscalingv1.Scale)

		k.mu.Lock()
		k.replicas = s.Spec.Replicas
		k.scales++
		k.mu.Unlock()

		// The clientset is locked meanwhile.
		k.starting.Go(func() { k.start(int(s.Spec.Replicas)) })

		return true, s, nil
	})

	return k
}

// start brings pods up, each with a ComfyUI of its own.
func (k *kube) start(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()

	for ; k.made < n; k.made++ {
		s, err := comfytest.New(comfytest.Options{Directory: k.TempDir(), Tick: time.Millisecond})
		if err != nil {
			k.Error(err)
			return
		}

		front := httptest.NewServer(s)
		k.Cleanup(func() { s.Close(); front.CloseClientConnections(); front.Close() })

		k.add(fmt.Sprintf("server-%d", k.made), strings.TrimPrefix(front.URL, "http://"))
	}
}

func (k *kube) add(name, addr string) {
	host, text, _ := net.SplitHostPort(addr)
	port, _ := strconv.ParseInt(text, 10, 32)
	labels := map[string]string{"comfyui-studio/pool": "default"}
	ready := !k.hold
	status := corev1.ConditionFalse

	if ready {
		status = corev1.ConditionTrue
	}

	ctx := context.Background()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "comfyui", UID: types.UID("uid-" + name), Labels: labels, CreationTimestamp: metav1.Now()},
		Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}},
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "comfyui", Labels: labels},
		Ports:      []discoveryv1.EndpointPort{{Port: new(int32(port))}},
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{host}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: name, UID: pod.UID}, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
		}},
	}

	if _, err := k.CoreV1().Pods("comfyui").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		k.Error(err)
	}

	if _, err := k.DiscoveryV1().EndpointSlices("comfyui").Create(ctx, slice, metav1.CreateOptions{}); err != nil {
		k.Error(err)
	}
}

func (k *kube) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()

	return k.scales
}

// running is a front door that runs.
type running struct {
	traffic, health string
	// end has it leave, and waits.
	end func()
}

func open(t *testing.T, k *kube, edits ...func(*Options)) running {
	t.Helper()

	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It is there at once.
		if err != nil {
			t.Fatal(err)
		}

		return l
	}

	traffic, health := listen(), listen()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	o := options(configFile(t), k)
	o.Traffic, o.Health = traffic, health

	for _, edit := range edits {
		edit(&o)
	}

	go func() { done <- Run(ctx, o) }()

	end := sync.OnceFunc(func() {
		stop()

		if err := <-done; err != nil {
			t.Errorf("the front door ended: %v", err)
		}
	})
	t.Cleanup(end)

	r := running{traffic: "http://" + traffic.Addr().String(), health: "http://" + health.Addr().String(), end: end}
	// Who waits in vain is ended by go test, which shows where.
	for get(t, r.health+"/readyz") != http.StatusOK {
		time.Sleep(5 * time.Millisecond)
	}

	return r
}

func options(path string, k kubernetes.Interface) Options {
	return Options{
		ConfigFile: path, HealthPort: 1, Kubernetes: k, Namespace: "comfyui", Pod: "front-door-0", Address: "127.0.0.1",
		Parameters: func(context.Context, string) (secret.Source, error) {
			return secrettest.Source{"front-door": string(secrets.Data(seed)[secrets.KeyFrontDoor]), "tokens": "ci=" + apiToken}, nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

func configFile(t *testing.T) string {
	t.Helper()

	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}

	return path
}

func get(t *testing.T, url string) int {
	t.Helper()

	res, err := http.Get(url) //nolint:noctx // It is there.
	if err != nil {
		return 0
	}
	defer res.Body.Close()

	return res.StatusCode
}

func (r running) login(t *testing.T) *http.Client {
	t.Helper()

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}

	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.traffic+"/_studio/login", strings.NewReader(url.Values{"password": {secrets.Password(seed)}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}

	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")

	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the login: %d", res.StatusCode)
	}

	return c
}

func page(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}

	req.Header.Set("Sec-Fetch-Dest", "document")
	req.Header.Set("Sec-Fetch-Site", "none")

	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()

	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}

	return res.StatusCode, string(b)
}

// raw writes bytes to the front door, and reads what it answers until it hangs up.
func (r running) raw(t *testing.T, text string) string {
	t.Helper()

	c, err := net.Dial("tcp", strings.TrimPrefix(r.traffic, "http://")) //nolint:noctx // It is there.
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}

	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}

	b, _ := io.ReadAll(bufio.NewReader(c))

	return string(b)
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A paper is a log that is read while it is written.
type paper struct {
	mu sync.Mutex
	b  strings.Builder
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.b.Write(b)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.b.String()
}
