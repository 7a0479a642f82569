// Package studio tests what a ComfyUIStudio does on a bed: the real API server,
// the real Crossplane core, the function as users run it, and the simulated AWS.
//
// The tests share one bed and run one after another; each has a namespace of its
// own. They judge by order, state and counts. No test depends on how long
// anything takes.
package studio
