package wire

import (
	"slices"
	"time"

	fnv1 "github.com/crossplane/crossplane/v2/proto/fn/v1"
	"google.golang.org/protobuf/proto"
)

// Run is one run of the function as the core saw it: the request before and
// the response after all hooks. It is kept encoded, a tenth of the size of
// what it decodes to, because a studio takes hundreds of runs.
type Run struct {
	Start time.Time
	// Took is how long the function and the hooks had it.
	Took time.Duration
	// Namespace and Name of the composite resource.
	Namespace string
	Name      string
	// Err is the gRPC error that the core got, if any.
	Err error

	request  []byte
	response []byte
}

// Request decodes the request.
func (r Run) Request() (*fnv1.RunFunctionRequest, error) {
	m := &fnv1.RunFunctionRequest{}
	return m, proto.Unmarshal(r.request, m)
}

// Response decodes the response. It is empty when there was an error.
func (r Run) Response() (*fnv1.RunFunctionResponse, error) {
	m := &fnv1.RunFunctionResponse{}
	return m, proto.Unmarshal(r.response, m)
}

// Size is the length of request and response on the wire, in bytes.
func (r Run) Size() (request, response int) { return len(r.request), len(r.response) }

// Runs returns the finished runs so far, oldest first.
func (p *Proxy) Runs() []Run {
	p.mu.Lock()
	defer p.mu.Unlock()

	return slices.Clone(p.runs)
}

// RunsOf returns the finished runs of one composite resource.
func (p *Proxy) RunsOf(namespace, name string) []Run {
	return slices.DeleteFunc(p.Runs(), func(r Run) bool {
		return r.Namespace != namespace || r.Name != name
	})
}

// Forget drops the runs recorded so far.
func (p *Proxy) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.runs = nil
}

func composite(req *fnv1.RunFunctionRequest) (namespace, name string) {
	meta := req.GetObserved().GetComposite().GetResource().GetFields()["metadata"].GetStructValue().GetFields()
	return meta["namespace"].GetStringValue(), meta["name"].GetStringValue()
}
