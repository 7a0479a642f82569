// Package whole tests whole studios: on two real API servers, the management
// cluster and the studio's own, with the real provider-kubernetes and
// provider-helm between them. AWS, provider-aws, machines, Karpenter and the
// front door are played (see package workload).
//
// The tests share one bed. They judge by order, state and counts; no test
// depends on how long anything takes. What waits in real time whatever the
// scale is provider-kubernetes: up to a minute after a failure, and thirty
// seconds before it believes that what it made is gone.
package whole
