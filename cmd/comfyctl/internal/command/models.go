package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
)

const modelsLong = `Look after the models of a studio: what is in its models bucket is mirrored to every
GPU node within seconds.

The bucket is the one of the claim (--studio, or a context that was saved with one),
or the one of --bucket. Access to it is that of your own AWS credentials, as the AWS
command line finds them.`

// models is what all commands about models share.
type models struct {
	*tool

	bucket, region, endpoint string
}

// fieldModels is what JSON output calls them.
const fieldModels = "models"

func newModels(t *tool) *cobra.Command {
	m := &models{tool: t}
	c := &cobra.Command{Use: fieldModels, Short: "Push, list, remove and verify models, and see what a workflow needs", Long: modelsLong}

	f := c.PersistentFlags()
	f.StringVar(&m.bucket, "bucket", "", "the models bucket, if there is no claim to ask")
	f.StringVar(&m.region, "region", "", "its region, if it is not the claim's or AWS_REGION's")
	f.StringVar(&m.endpoint, "endpoint-url", environment("AWS_ENDPOINT_URL_S3"), "address of an S3 server that is not AWS's")

	c.AddCommand(newPush(m), newList(m), newRemove(m), newVerify(m), newFromWorkflow(m))

	return c
}

// A shelf is the models bucket of a studio.
type shelf struct {
	client *s3.Client
	name   string
	// claim is nil where only the bucket is known.
	claim *v1alpha1.ComfyUIStudio
}

// open finds the bucket.
func (m *models) open(ctx context.Context) (shelf, error) {
	out := shelf{name: m.bucket}

	// A bucket that is named needs no studio, but one that is named is asked too.
	if m.bucket == "" || m.studio != "" || m.context != "" {
		at, err := m.find(ctx)
		if err != nil {
			return out, err
		}

		out.claim = at.claim
	}

	if out.name == "" {
		switch {
		case out.claim == nil:
			return out, usageError{errors.New("an address does not tell which bucket: give --studio NAMESPACE/NAME, or --bucket")}
		case out.claim.Status.Buckets == nil || out.claim.Status.Buckets.Models == "":
			return out, fmt.Errorf("studio %s/%s has no models bucket yet", out.claim.GetNamespace(), out.claim.GetName())
		}

		out.name = out.claim.Status.Buckets.Models
	}

	region := m.region
	if region == "" && out.claim != nil {
		region = out.claim.Spec.Region
	}

	var err error

	out.client, err = newClient(ctx, cmp.Or(region, environment("AWS_REGION"), environment("AWS_DEFAULT_REGION"), "us-east-1"), m.endpoint)

	return out, err
}

// objects lists the bucket without the marks of empty folders.
func (s shelf) objects(ctx context.Context) ([]bucket.Object, error) {
	all, err := bucket.New(s.client, s.name, connections).List(ctx)
	if err != nil {
		return nil, err
	}

	return slices.DeleteFunc(all, func(o bucket.Object) bool { return strings.HasSuffix(o.Key, "/") }), nil
}

// total is how large objects are together.
func total(all []bucket.Object) int64 {
	var out int64
	for _, o := range all {
		out += o.Size
	}

	return out
}

// fits says whether so many bytes of models fit every node of the studio, in words,
// and as an error where they do not.
func fits(claim *v1alpha1.ComfyUIStudio, bytes int64) (string, error) {
	p, err := plan.New(claim)
	if err != nil {
		return "", err
	}

	p.Models = []plan.Model{{Size: bytes}}
	needed := p.InstanceStoreGB()

	var smallest plan.InstanceType

	for _, pool := range p.Pools {
		for _, t := range pool.Types() {
			if smallest.Name == "" || t.NVMeGB < smallest.NVMeGB {
				smallest = t
			}
		}
	}

	if smallest.NVMeGB > needed {
		return fmt.Sprintf("%s of models fit: they need more than %d GB of instance store with images and scratch space, and %s has %d GB", size(bytes), needed, smallest.Name, smallest.NVMeGB), nil
	}

	return "", fmt.Errorf("%s of models do not fit: they need an instance store of more than %d GB, images and scratch space included, and %s has %d GB; remove some, or use larger types in spec.pools[].instanceTypes",
		size(bytes), needed, smallest.Name, smallest.NVMeGB)
}

// size is a number of bytes for people.
func size(n int64) string {
	const step = 1000

	if n < step {
		return fmt.Sprintf("%d B", n)
	}

	value, unit := float64(n), 0
	for ; value >= step && unit < len(units); unit++ {
		value /= step
	}

	return fmt.Sprintf("%.1f %cB", value, units[unit-1])
}

const units = "kMGT"

// pickles are formats that run code when they are loaded.
func pickle(name string) bool {
	return slices.Contains([]string{".ckpt", ".pt", ".pth", ".bin", ".pkl"}, strings.ToLower(path.Ext(name)))
}
