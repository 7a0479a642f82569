package store

import "github.com/versity/versitygw/s3err"

// Unlist takes s3:ListBucket away from clients, or gives it back.
func (s *Store) Unlist(name string, unlisted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.buckets[name].unlisted = unlisted
}

// Forbid takes the right to see one object away, as a policy or the key that it is
// encrypted with does. Permit gives all such rights back.
func (s *Store) Forbid(name, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.buckets[name].forbidden[key] = true
}

// Permit gives back what Forbid took.
func (s *Store) Permit(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()

	clear(s.buckets[name].forbidden)
}

// SlowDown refuses the next n requests for objects and listings.
func (s *Store) SlowDown(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.slow = n
}

// Count tells how many requests of a kind were served since the start.
func (s *Store) Count(op Operation) int {
	s.mu.RLock()
	defer s.mu.RUnlock()

	return s.counts[op]
}

// admit counts a request and refuses it when it is one too many.
func (s *Store) admit(name string, op Operation) (*bucket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.counts[op]++

	if s.slow > 0 {
		s.slow--
		return nil, s3err.GetAPIError(s3err.ErrSlowDown)
	}

	b := s.buckets[name]
	if b == nil {
		return nil, s3err.GetBucketErr(s3err.ErrNoSuchBucket, name)
	}

	if op == OperationList && b.unlisted {
		return nil, s3err.GetAPIError(s3err.ErrAccessDenied)
	}

	return b, nil
}

// find returns the object that a GET or a HEAD is about.
func (s *Store) find(name, key string, op Operation) (*Object, error) {
	b, err := s.admit(name, op)
	if err != nil {
		return nil, err
	}

	s.mu.RLock()
	defer s.mu.RUnlock()

	o := b.objects[key]
	if o != nil && !b.forbidden[key] {
		return o, nil
	}

	if o != nil || b.unlisted {
		// Who may not list is not told whether a key exists.
		return nil, s3err.GetAPIError(s3err.ErrAccessDenied)
	}

	return nil, s3err.GetAPIError(s3err.ErrNoSuchKey)
}
