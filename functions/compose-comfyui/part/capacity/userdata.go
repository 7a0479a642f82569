package capacity

import (
	"bytes"
	_ "embed"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"text/template"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

//go:embed userdata.sh
var userDataScript string

// script is filled in with what a node cannot find out: parsed once, from an
// embedded file.
var script = template.Must(template.New("userdata.sh").Option("missingkey=error").Parse(userDataScript)) //nolint:gochecknoglobals // A constant that needs parsing.

// boundary parts the user data. It is fixed: another one would be another node.
const boundary = "comfyui-studio-user-data"

// userData is what runs on a node before it joins, as MIME: Karpenter takes
// anything else for a configuration of the node or for a script by its looks, and
// adds a part of its own. The plan's release is the one that is in the account: a
// newer one that is not there yet would leave new nodes without models.
func userData(p plan.Plan) string {
	var sh, out bytes.Buffer

	err := script.Execute(&sh, map[string]string{
		"Bucket":    p.BucketName(plan.Models),
		"Artefacts": p.ArtefactBucket(),
		"Object":    p.NodeDaemonObject(),
		"SHA256":    p.Release.NodeDaemonSHA256,
		"Region":    p.RegionName,
		"Node":      plan.NodeDirectory,
		"Directory": plan.ModelsDirectory,
		"Status":    p.NodeStatus(),
		"Order":     p.Order(),
	})
	if err == nil {
		err = writeMIME(&out, sh.Bytes())
	}

	if err != nil {
		// Writing to memory does not fail, and the tests fill in the template.
		panic(fmt.Sprintf("cannot write user data: %v", err))
	}

	return out.String()
}

func writeMIME(out *bytes.Buffer, sh []byte) error {
	fmt.Fprintf(out, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%q\r\n\r\n", boundary)

	w := multipart.NewWriter(out)
	if err := w.SetBoundary(boundary); err != nil {
		return err
	}

	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {`text/x-shellscript; charset="us-ascii"`}})
	if err != nil {
		return err
	}

	if _, err := part.Write(sh); err != nil {
		return err
	}

	return w.Close()
}
