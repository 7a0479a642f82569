// Chainsaw, which uptest runs, pinned. Only its own sums are needed: it is built as
// the module that it is, with the versions that its authors tested.
module github.com/comfyui-studio/comfyui-studio/hack/chainsaw

go 1.26.0

require github.com/kyverno/chainsaw v0.2.14
