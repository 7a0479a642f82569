// Package wire turns typed objects into the protobuf structs that travel between
// a function and Crossplane, and reads those. It is what the SDK does by way of
// JSON and untyped maps, in one step.
//
// It upholds:
//
//   - What comes out is what JSON would give, to the byte: its tests compare both
//     ways for every object that a studio is made of. Two sets of rules exist, as
//     there are two encoders of JSON that people write types for: see Encoder.
//   - What it cannot encode as JSON would is an error that names the type, never
//     a guess.
//   - The answer depends on the object alone. What is remembered between calls is
//     how a type is laid out, which is the same for ever.
package wire
