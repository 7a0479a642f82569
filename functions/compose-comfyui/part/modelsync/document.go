package modelsync

import (
	"encoding/json"
	"fmt"

	ssm "github.com/upbound/provider-aws/v2/apis/namespaced/ssm/v1beta1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// command is a document of schema 2.2, as far as ours needs it. It has no
// parameters: whoever may run it can say "look now" and nothing else.
type command struct {
	SchemaVersion string `json:"schemaVersion"`
	Description   string `json:"description"`
	MainSteps     []step `json:"mainSteps"`
}

type step struct {
	Action string `json:"action"`
	Name   string `json:"name"`
	Inputs inputs `json:"inputs"`
}

type inputs struct {
	RunCommand     []string `json:"runCommand"`
	TimeoutSeconds string   `json:"timeoutSeconds"`
}

// document adds the document. The agent on a node runs a few commands at a time,
// so it only pokes the daemon and returns; the daemon turns many pokes into one
// look.
func document(d *kit.Desired) {
	d.Add(plan.SyncDocument, &ssm.Document{Spec: ssm.DocumentSpec{ForProvider: ssm.DocumentParameters{
		DocumentType:   new("Command"),
		DocumentFormat: new("JSON"),
		TargetType:     new("/AWS::EC2::Instance"),
		Content:        new(content()),
	}}})
}

func content() string {
	b, err := json.Marshal(command{
		SchemaVersion: "2.2",
		Description:   "Tells the daemon that keeps models in step to look at the bucket now",
		MainSteps: []step{{
			Action: "aws:runShellScript",
			Name:   "poke",
			Inputs: inputs{
				RunCommand:     []string{"systemctl kill --kill-whom=main --signal=USR1 " + plan.ModelSyncUnit},
				TimeoutSeconds: "30",
			},
		}},
	})
	if err != nil {
		// Strings and lists of them always marshal.
		panic(fmt.Sprintf("cannot marshal document: %v", err))
	}

	return string(b)
}
