// Package whole tests whole studios: on two real API servers, the management
// cluster and the studio's own, with the real provider-kubernetes and
// provider-helm between them. AWS, provider-aws, machines, Karpenter and the
// front door are played (see package workload).
//
// A studio's cluster takes about half a gigabyte: 330 MB for its API server,
// 120 MB for controllers and scheduler, 60 MB for kwok. The management cluster
// takes 1.8 GB with four claims, of which its API server and etcd have 1.3.
//
// The tests share one bed. They judge by order, state and counts; no test
// depends on how long anything takes. What waits in real time whatever the
// scale is provider-kubernetes: up to a minute after a failure, and thirty
// seconds before it believes that what it made is gone.
package whole
