package store

import (
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/versity/versitygw/backend"
)

// maxKey is S3's limit on a key, in bytes of UTF-8.
const maxKey = 1024

// Store holds buckets. Its methods are what tests do to it directly; clients
// come by Serve.
type Store struct {
	backend.BackendUnsupported

	// Clock gives the time of writes. Tests that need two in one second set it.
	Clock func() time.Time
	// OnChange is told of each change, in its order, before the writer is
	// answered. It must not call the store.
	OnChange func(Change)
	// OnPage is called after a listing's page was read and before it is sent,
	// so that writes can fall between two pages.
	OnPage func(bucket string)

	// PageSize makes listings' pages smaller than the 1,000 keys that S3 gives at
	// most, so that a few keys have many pages. S3 may give fewer at any time.
	PageSize int
	// OnGet is called before a GET looks its object up, so that a write can fall
	// between two ranges.
	OnGet func(bucket, key string)

	mu      sync.RWMutex
	buckets map[string]*bucket
	uploads map[string]*upload
	serial  uint64
	slow    int
	counts  map[Operation]int
}

// Operation is a kind of request, for counting.
type Operation string

// The operations that are counted.
const (
	OperationList Operation = "List"
	OperationHead Operation = "Head"
	OperationGet  Operation = "Get"
)

type bucket struct {
	objects map[string]*Object
	// keys are in S3's order: by the bytes of UTF-8.
	keys []string
	// unlisted is set when the client has no s3:ListBucket.
	unlisted bool
	// forbidden are objects that the client may list and not see.
	forbidden map[string]bool
}

// New returns a store without buckets.
func New() *Store {
	return &Store{Clock: time.Now, buckets: map[string]*bucket{}, uploads: map[string]*upload{}, counts: map[Operation]int{}}
}

// String names the backend to versitygw.
func (*Store) String() string { return "memory" }

// Make makes a bucket.
func (s *Store) Make(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.buckets[name] = &bucket{objects: map[string]*Object{}, forbidden: map[string]bool{}}
}

// Objects returns what a bucket holds, in order of keys.
func (s *Store) Objects(name string) []*Object {
	s.mu.RLock()
	defer s.mu.RUnlock()

	b := s.buckets[name]
	objects := make([]*Object, 0, len(b.keys))

	for _, k := range b.keys {
		objects = append(objects, b.objects[k])
	}

	return objects
}

// Object returns one object, or nil.
func (s *Store) Object(name, key string) *Object {
	s.mu.RLock()
	defer s.mu.RUnlock()

	return s.buckets[name].objects[key]
}

// Put stores an object as PutObject with one part does.
func (s *Store) Put(name, key string, c Content) *Object {
	o := &Object{Key: key, Content: c, ETag: contentETag(c)}
	s.put(name, o, CreatedPut)

	return o
}

// PutLarge stores an object as a multipart upload with parts of that size
// leaves it. The content is not read: the ETag is made up, as it is under
// SSE-KMS.
func (s *Store) PutLarge(name, key string, c Content, part int64) *Object {
	o := &Object{Key: key, Content: c}

	for left := c.Size(); left > 0; left -= part {
		o.parts = append(o.parts, min(part, left))
	}

	o.ETag = s.inventETag(len(o.parts))
	s.put(name, o, CreatedCompleteMultipartUpload)

	return o
}

// PutUnchecked stores an object of which S3 has no checksum, as it has none of
// many that are from before 2025.
func (s *Store) PutUnchecked(name, key string, c Content) *Object {
	o := &Object{Key: key, Content: c, ETag: contentETag(c), unchecked: true}
	s.put(name, o, CreatedPut)

	return o
}

// Archive moves an object to Glacier: it is listed, and cannot be read.
func (s *Store) Archive(name, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if o := s.buckets[name].objects[key]; o != nil {
		a, t, sum := o.Checksum()
		s.buckets[name].objects[key] = &Object{
			Key: o.Key, Content: o.Content, ETag: o.ETag, Modified: o.Modified, Metadata: o.Metadata,
			parts: o.parts, archived: true, unchecked: o.unchecked, algorithm: a, sumType: t, sum: sum,
		}
	}
}

// Delete deletes an object, if it is there.
func (s *Store) Delete(name, key string) { s.remove(name, key, RemovedDelete) }

// Expire deletes an object as a life-cycle rule does.
func (s *Store) Expire(name, key string) { s.remove(name, key, ExpirationDelete) }

// Copy copies an object within a bucket. S3 gives the copy an ETag of its own
// and the time of the copy.
func (s *Store) Copy(name, from, to string) *Object {
	source := s.Object(name, from)
	if source == nil {
		return nil
	}

	o := &Object{Key: to, Content: source.Content, ETag: contentETag(source.Content), Metadata: source.Metadata}
	s.put(name, o, CreatedCopy)

	return o
}

func (s *Store) put(name string, o *Object, kind Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.insert(name, s.buckets[name], o, kind)
}

// insert is called with the lock held.
func (s *Store) insert(name string, b *bucket, o *Object, kind Kind) {
	o.Key = strings.Clone(o.Key)
	o.Modified = s.Clock().UTC().Truncate(time.Second)

	if b.objects[o.Key] == nil {
		i := sort.SearchStrings(b.keys, o.Key)
		b.keys = append(b.keys, "")
		copy(b.keys[i+1:], b.keys[i:])
		b.keys[i] = o.Key
	}

	b.objects[o.Key] = o
	s.tell(name, o, kind)
}

func (s *Store) remove(name, key string, kind Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()

	b := s.buckets[name]

	o := b.objects[key]
	if o == nil {
		return
	}

	delete(b.objects, key)

	i := sort.SearchStrings(b.keys, key)
	b.keys = append(b.keys[:i], b.keys[i+1:]...)

	s.tell(name, &Object{Key: o.Key}, kind)
}

// tell is called with the lock held, so that changes are told in their order.
func (s *Store) tell(name string, o *Object, kind Kind) {
	s.serial++

	if s.OnChange != nil {
		s.OnChange(Change{Kind: kind, Bucket: strings.Clone(name), Object: o, Serial: s.serial, Time: s.Clock().UTC()})
	}
}
