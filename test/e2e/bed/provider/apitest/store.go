package apitest

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// An event is one change of one object.
type event struct {
	kind    string
	version int64
	at      target
	object  *unstructured.Unstructured
}

type store struct {
	mu      sync.Mutex
	changed *sync.Cond
	closed  bool
	rv      int64
	objects map[target]*unstructured.Unstructured
	events  []event
}

func newStore() *store {
	s := &store{objects: map[target]*unstructured.Unstructured{}}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
}

func (s *store) version(rv string) int64 {
	n, err := strconv.ParseInt(rv, 10, 64)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.rv
	}
	return n
}

func whole(at target) target {
	at.status = false
	return at
}

func (s *store) notFound(at target) error {
	return kerrors.NewNotFound(at.gvr.GroupResource(), at.name)
}

func (s *store) get(at target) (*unstructured.Unstructured, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.objects[whole(at)]
	if u == nil {
		return nil, s.notFound(at)
	}
	return u.DeepCopy(), nil
}

func (s *store) list(at target) *unstructured.UnstructuredList {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": at.gvr.GroupVersion().String(), "kind": "List"}}
	l.SetResourceVersion(strconv.FormatInt(s.rv, 10))
	for t, u := range s.objects {
		if t.gvr == at.gvr && (at.namespace == "" || at.namespace == t.namespace) {
			l.Items = append(l.Items, *u.DeepCopy())
		}
	}
	return l
}

// put stores an object and tells the watchers. The lock is held.
func (s *store) put(kind string, at target, u *unstructured.Unstructured) *unstructured.Unstructured {
	s.rv++
	u.SetResourceVersion(strconv.FormatInt(s.rv, 10))
	at = whole(at)
	if kind == "DELETED" {
		delete(s.objects, at)
	} else {
		s.objects[at] = u
	}
	s.events = append(s.events, event{kind: kind, version: s.rv, at: at, object: u})
	s.changed.Broadcast()
	return u.DeepCopy()
}

func (s *store) create(at target, u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at.name = u.GetName()
	if s.objects[at] != nil {
		return nil, kerrors.NewAlreadyExists(at.gvr.GroupResource(), at.name)
	}
	if at.namespace != "" {
		u.SetNamespace(at.namespace)
	}
	u.SetUID(uuid.NewUUID())
	u.SetGeneration(1)
	u.SetCreationTimestamp(metav1.NewTime(time.Now().Truncate(time.Second)))
	if at.gvr.Resource != "customresourcedefinitions" {
		unstructured.RemoveNestedField(u.Object, "status")
	}
	if manager != "" {
		owned, err := fields(at, u).Update(empty(u), u, manager)
		if err != nil {
			return nil, err
		}
		u, _ = owned.(*unstructured.Unstructured)
	}
	return s.put("ADDED", at, u), nil
}

func (s *store) update(at target, u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.objects[whole(at)]
	if old == nil {
		return nil, s.notFound(at)
	}
	if rv := u.GetResourceVersion(); rv != "" && rv != old.GetResourceVersion() {
		return nil, kerrors.NewConflict(at.gvr.GroupResource(), at.name, modifiedError{})
	}
	if at.status {
		next := old.DeepCopy()
		next.Object["status"] = u.Object["status"]
		u = next
	} else if st, ok := old.Object["status"]; ok {
		u.Object["status"] = runtime.DeepCopyJSONValue(st)
	} else {
		delete(u.Object, "status")
	}
	if manager != "" {
		owned, err := fields(at, u).Update(old.DeepCopy(), u, manager)
		if err != nil {
			return nil, err
		}
		u, _ = owned.(*unstructured.Unstructured)
	}
	return s.store(at, old, u), nil
}

type modifiedError struct{}

func (modifiedError) Error() string {
	return "the object has been modified; please apply your changes to the latest version and try again"
}

// store keeps what a client may not change and counts generations. An object
// whose last finalizer goes after its deletion is gone.
func (s *store) store(at target, old, u *unstructured.Unstructured) *unstructured.Unstructured {
	u.SetUID(old.GetUID())
	u.SetCreationTimestamp(old.GetCreationTimestamp())
	u.SetDeletionTimestamp(old.GetDeletionTimestamp())
	u.SetGeneration(old.GetGeneration())
	u.SetResourceVersion(old.GetResourceVersion())
	if !reflect.DeepEqual(content(old), content(u)) {
		u.SetGeneration(old.GetGeneration() + 1)
	}
	if reflect.DeepEqual(old.Object, u.Object) {
		return old.DeepCopy()
	}
	if u.GetDeletionTimestamp() != nil && len(u.GetFinalizers()) == 0 {
		return s.put("DELETED", at, u)
	}
	return s.put("MODIFIED", at, u)
}

// content is what the generation counts: all but metadata and status.
func content(u *unstructured.Unstructured) map[string]any {
	out := map[string]any{}
	for k, v := range u.Object {
		if k != "metadata" && k != "status" {
			out[k] = v
		}
	}
	return out
}

func (s *store) remove(at target) (*unstructured.Unstructured, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.objects[at]
	if old == nil {
		return nil, s.notFound(at)
	}
	u := old.DeepCopy()
	if len(u.GetFinalizers()) == 0 {
		return s.put("DELETED", at, u), nil
	}
	if u.GetDeletionTimestamp() == nil {
		now := metav1.Now()
		u.SetDeletionTimestamp(&now)
		u.SetGeneration(u.GetGeneration() + 1)
		return s.put("MODIFIED", at, u), nil
	}
	return u, nil
}

func (s *store) patch(at target, kind types.PatchType, body []byte, manager string) (*unstructured.Unstructured, error) {
	s.mu.Lock()
	old := s.objects[whole(at)]
	s.mu.Unlock()
	if kind == types.ApplyPatchType {
		return s.apply(at, old, body, manager)
	}
	if old == nil {
		return nil, s.notFound(at)
	}
	before, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	after, err := jsonpatch.MergePatch(before, body)
	if err != nil {
		return nil, kerrors.NewBadRequest(err.Error())
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(after, u); err != nil {
		return nil, kerrors.NewBadRequest(err.Error())
	}
	return s.update(at, u, manager)
}

func (s *store) apply(at target, old *unstructured.Unstructured, body []byte, manager string) (*unstructured.Unstructured, error) {
	applied := &unstructured.Unstructured{}
	if err := json.Unmarshal(body, applied); err != nil {
		return nil, kerrors.NewBadRequest(err.Error())
	}
	applied.SetName(at.name)
	applied.SetNamespace(at.namespace)
	live := old.DeepCopy()
	if old == nil {
		live = empty(applied)
	}
	merged, err := fields(at, applied).Apply(live, applied, manager, true)
	if err != nil {
		return nil, err
	}
	u, _ := merged.(*unstructured.Unstructured)
	if old == nil {
		return s.create(at, u, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store(at, old, u), nil
}

func empty(u *unstructured.Unstructured) *unstructured.Unstructured {
	e := &unstructured.Unstructured{}
	e.SetGroupVersionKind(u.GroupVersionKind())
	e.SetName(u.GetName())
	e.SetNamespace(u.GetNamespace())
	return e
}

// fields is the field manager of one request.
func fields(at target, u *unstructured.Unstructured) *managedfields.FieldManager {
	sub := ""
	if at.status {
		sub = "status"
	}
	fm, err := managedfields.NewDefaultCRDFieldManager(managedfields.NewDeducedTypeConverter(), plain{}, plain{}, plain{},
		u.GroupVersionKind(), u.GroupVersionKind().GroupVersion(), sub, nil)
	if err != nil {
		panic(err)
	}
	return fm
}

// plain converts nothing: there is one version of everything.
type plain struct{}

func (plain) Default(runtime.Object)    {}
func (plain) Convert(_, _, _ any) error { return nil }
func (plain) New(k schema.GroupVersionKind) (runtime.Object, error) {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(k)
	return u, nil
}

func (plain) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}

func (plain) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

// follow sends the events after a version until the context ends.
func (s *store) follow(ctx context.Context, at target, since int64, send func(event) bool) {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	defer stop()
	for next := 0; ; {
		s.mu.Lock()
		for next == len(s.events) && ctx.Err() == nil && !s.closed {
			s.changed.Wait()
		}
		if ctx.Err() != nil || s.closed {
			s.mu.Unlock()
			return
		}
		batch := slices.Clone(s.events[next:])
		next = len(s.events)
		s.mu.Unlock()
		for _, e := range batch {
			if e.version > since && e.at.gvr == at.gvr && (at.namespace == "" || at.namespace == e.at.namespace) && !send(e) {
				return
			}
		}
	}
}
