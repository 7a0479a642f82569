// Package events writes S3's event notifications, as they arrive in a queue.
package events

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// stamp is how S3 writes times in events: with milliseconds.
const stamp = "2006-01-02T15:04:05.000Z"

type notification struct {
	Records []record `json:"Records"`
}

type record struct {
	EventVersion string            `json:"eventVersion"`
	EventSource  string            `json:"eventSource"`
	AWSRegion    string            `json:"awsRegion"`
	EventTime    string            `json:"eventTime"`
	EventName    string            `json:"eventName"`
	UserIdentity map[string]string `json:"userIdentity"`
	S3           s3Entity          `json:"s3"`
}

type s3Entity struct {
	SchemaVersion   string `json:"s3SchemaVersion"`
	ConfigurationID string `json:"configurationId"`
	Bucket          bucket `json:"bucket"`
	Object          object `json:"object"`
}

type bucket struct {
	Name string `json:"name"`
	ARN  string `json:"arn"`
}

type object struct {
	Key string `json:"key"`
	// Size and ETag are told of what was created.
	Size int64  `json:"size,omitempty"`
	ETag string `json:"eTag,omitempty"`
	// Sequencer orders the events of one key.
	Sequencer string `json:"sequencer"`
}

// Body is the message that tells of one change.
func Body(c store.Change) string {
	r := record{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: store.Region, EventTime: c.Time.Format(stamp), EventName: string(c.Kind),
		UserIdentity: map[string]string{"principalId": "AWS:AIDAEXAMPLE"},
		S3: s3Entity{
			SchemaVersion: "1.0", ConfigurationID: "models",
			Bucket: bucket{Name: c.Bucket, ARN: "arn:aws:s3:::" + c.Bucket},
			// Keys are form-encoded: a space is a plus.
			Object: object{Key: url.QueryEscape(c.Object.Key), Sequencer: fmt.Sprintf("%016X", c.Serial)},
		},
	}
	if c.Kind == store.ExpirationDelete {
		// Life-cycle events came with a later version of the format.
		r.EventVersion, r.UserIdentity = "2.3", map[string]string{"principalId": "s3.amazonaws.com"}
	}

	if c.Object.Content != nil {
		r.S3.Object.Size, r.S3.Object.ETag = c.Object.Size(), strings.Trim(c.Object.ETag, `"`)
	}

	return encode(notification{Records: []record{r}})
}

// Test is what S3 sends once when notifications are switched on.
func Test(bucket string, at time.Time) string {
	return encode(map[string]string{
		"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": at.UTC().Format(stamp), "Bucket": bucket, "RequestId": "5582815E1AEA5ADF", "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
	})
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		// Strings and numbers always can be encoded.
		panic(err)
	}

	return string(b)
}
