package kit

import (
	"fmt"

	protection "github.com/crossplane/crossplane/apis/v2/protection/v1beta1"
	"github.com/crossplane/function-sdk-go/resource/composed"
	"k8s.io/apimachinery/pkg/runtime"
)

func init() { //nolint:gochecknoinits // See Register.
	Register(protection.AddToScheme)
}

// Register makes types known that a part composes. The SDK looks types up in a
// scheme that is global to the process, so parts call this from init; a type
// that is not registered fails at the first run that composes it.
func Register(add func(*runtime.Scheme) error) {
	if err := add(composed.Scheme); err != nil {
		panic(fmt.Sprintf("cannot register types: %v", err))
	}
}
