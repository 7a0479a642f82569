package events_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/events"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// seen is what matters of a record.
type seen struct {
	Version, Name, Key, ETag, Sequencer string
	Size                                float64
}

func TestBody(t *testing.T) {
	s := store.New()
	s.Make("models")

	var changes []store.Change
	s.OnChange = func(c store.Change) { changes = append(changes, c) }

	s.Put("models", "a key+ü", store.Bytes([]byte("123456789")))
	s.Copy("models", "a key+ü", "copy")
	s.PutLarge("models", "large", store.Seeded(1, 10), 5)
	s.Delete("models", "a key+ü")
	s.Delete("models", "never there")
	s.Expire("models", "copy")

	got := []seen{}

	for _, c := range changes {
		var n struct {
			Records []struct {
				EventVersion string `json:"eventVersion"`
				EventName    string `json:"eventName"`
				S3           struct {
					Object map[string]any `json:"object"`
				} `json:"s3"`
			} `json:"Records"`
		}
		if err := json.Unmarshal([]byte(events.Body(c)), &n); err != nil {
			t.Fatal(err)
		}

		r := n.Records[0]
		o := r.S3.Object
		etag, _ := o["eTag"].(string)
		size, _ := o["size"].(float64)

		if c.Object.Key == "large" {
			// Made up, and different each time.
			etag = ""
		}

		got = append(got, seen{Version: r.EventVersion, Name: r.EventName, Key: o["key"].(string), Size: size, ETag: etag, Sequencer: o["sequencer"].(string)})
	}

	want := []seen{
		{"2.1", "ObjectCreated:Put", "a+key%2B%C3%BC", "25f9e794323b453885f5181f1b624d0b", "0000000000000001", 9},
		{"2.1", "ObjectCreated:Copy", "copy", "25f9e794323b453885f5181f1b624d0b", "0000000000000002", 9},
		{"2.1", "ObjectCreated:CompleteMultipartUpload", "large", "", "0000000000000004", 10},
		{"2.1", "ObjectRemoved:Delete", "a+key%2B%C3%BC", "", "0000000000000005", 0},
		{"2.3", "LifecycleExpiration:Delete", "copy", "", "0000000000000006", 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("each change has its event, and what changes nothing has none, -want, +got:\n%s", diff)
	}
}

func TestTest(t *testing.T) {
	var n map[string]string
	if err := json.Unmarshal([]byte(events.Test("models", time.Unix(0, 0))), &n); err != nil {
		t.Fatal(err)
	}

	if n["Event"] != "s3:TestEvent" || n["Bucket"] != "models" {
		t.Errorf("the first message tells of no object: got %v", n)
	}
}
