// Package apitest is a small Kubernetes API server in memory, for tests of
// controllers: the real one takes seconds to start and megabytes to link.
//
// It serves any custom resource a Server is told of, with what controllers
// depend on: resource versions and conflicts, generations, the status
// subresource, finalizers, server-side apply with field ownership, and
// watches. Lists are atomic for apply, unless a CRD's schema would say
// otherwise: nobody here reads schemas. It has no admission, no defaulting and
// no garbage collection.
package apitest
