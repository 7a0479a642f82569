// Package view shows a studio coming up and going away. It is a client like
// kubectl: all it knows comes from the API server and from the ledger of the
// simulated AWS. A Source reads both into a Snapshot, the model of one studio
// at one moment; everything else (tree, log, chart, critical path, diagnosis)
// is a pure function of a Snapshot, so the same Snapshot always gives the same
// bytes. All times in a Snapshot are simulated seconds since the bed started;
// zero means "not yet".
package view
