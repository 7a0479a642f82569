package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const bucket = "comfyui-models"

// put is what S3 writes for one object, with the key as it comes: form-encoded.
func put(name, bucket, key string) string {
	return fmt.Sprintf(`{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-11-26T12:00:00.000Z",`+
		`"eventName":%q,"s3":{"s3SchemaVersion":"1.0","configurationId":"studio","bucket":{"name":%q,"arn":"arn:aws:s3:::x"},`+
		`"object":{"key":%q,"size":7,"eTag":"0","sequencer":"0055AED6DCD90281E5"}}}`, name, bucket, key)
}

func records(all ...string) string { return `{"Records":[` + strings.Join(all, ",") + `]}` }

// batch is what Lambda makes of bodies: the first message is m0.
func batch(t testing.TB, bodies ...string) []byte {
	t.Helper()

	e := envelope{}
	for i, b := range bodies {
		e.Records = append(e.Records, message{ID: fmt.Sprintf("m%d", i), Body: b})
	}

	out, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}

	return out
}

const testEvent = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-26T12:00:00.000Z","Bucket":"comfyui-models","RequestId":"1","HostId":"2"}`

func TestRead(t *testing.T) {
	cases := map[string]struct {
		reason  string
		bodies  []string
		want    counts
		changed []string
	}{
		"Created": {
			reason: "An upload is a change.", bodies: []string{records(put("ObjectCreated:Put", bucket, "loras/a"))},
			want: counts{messages: 1, records: 1, changes: 1}, changed: []string{"m0"},
		},
		"Removed": {
			reason: "So is a delete, and a delete marker.", bodies: []string{records(put("ObjectRemoved:Delete", bucket, "a"), put("ObjectRemoved:DeleteMarkerCreated", bucket, "a"))},
			want: counts{messages: 1, records: 2, changes: 2}, changed: []string{"m0"},
		},
		"Expired": {
			reason: "And what a life cycle takes away.", bodies: []string{records(put("LifecycleExpiration:Delete", bucket, "a"))},
			want: counts{messages: 1, records: 1, changes: 1}, changed: []string{"m0"},
		},
		"Unknown": {
			reason: "An event that S3 does not know yet is looked after.", bodies: []string{records(put("ObjectRenamed:Atomic", bucket, "a"))},
			want: counts{messages: 1, records: 1, changes: 1}, changed: []string{"m0"},
		},
		"Test":    {reason: "What S3 sends first tells of nothing.", bodies: []string{testEvent}, want: counts{messages: 1, tests: 1}},
		"Foreign": {reason: "Another bucket is not ours.", bodies: []string{records(put("ObjectCreated:Put", "other", "a"))}, want: counts{messages: 1, records: 1, foreign: 1}},
		"Escape": {
			reason: "A key is never decoded, so none is too odd.", bodies: []string{records(put("ObjectCreated:Put", bucket, "100%")), records(put("ObjectCreated:Put", bucket, "a+%zz%00$(reboot)"))},
			want: counts{messages: 2, records: 2, changes: 2}, changed: []string{"m0", "m1"},
		},
		"Malformed": {
			reason: "What is broken takes nothing along: not the batch, not its own message.",
			bodies: []string{`{`, `[]`, `null`, `{}`, `"x"`, ``, records(`{"eventSource":7}`, `{"eventSource":"aws:s3","s3":"x"}`, put("ObjectCreated:Put", bucket, "a"))},
			want:   counts{messages: 7, records: 3, changes: 1, malformed: 8}, changed: []string{"m6"},
		},
		"NoRecords": {reason: "No records are none.", bodies: []string{records()}, want: counts{messages: 1}},
		"Empty":     {reason: "Nothing is nothing."},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, changed, err := read(batch(t, tc.bodies...), bucket)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(counts{})); diff != "" {
				t.Errorf("%s\ncounts: -want, +got:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.changed, changed); diff != "" {
				t.Errorf("%s\nchanged: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestReadNoBatch holds that what is no batch at all comes back as a whole.
func TestReadNoBatch(t *testing.T) {
	for _, payload := range []string{"", "{", `"x"`, `{"Records":{}}`} {
		if _, _, err := read([]byte(payload), bucket); err == nil {
			t.Errorf("read(%q): want an error", payload)
		}
	}
}

// FuzzBody puts any body beside one that tells of a change: the change is always
// told of, what is wrong with the other is counted, and nothing is counted twice.
func FuzzBody(f *testing.F) {
	for _, name := range []string{"created.json", "removed.json", "expired.json", "test.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}

		f.Add(string(b))
	}

	for _, s := range []string{"", "{", "null", `{"Records":null}`, `{"Records":[null,1,"",[]]}`, records(put("ObjectCreated:Put", bucket, "%")), "\xff", strings.Repeat("[", 10001)} {
		f.Add(s)
	}

	f.Fuzz(func(t *testing.T, body string) {
		good := records(put("ObjectCreated:Put", bucket, "a"))

		c, changed, err := read(batch(t, body, good), bucket)
		if err != nil {
			t.Fatalf("a body spoils the batch: %v", err)
		}

		if len(changed) == 0 || changed[len(changed)-1] != "m1" {
			t.Errorf("a body hides a change: changed %v", changed)
		}

		alone := c.malformed == 1 && c.records == 1 || c.tests == 1
		if !alone && c.records != c.changes+c.foreign+c.malformed {
			t.Errorf("counts do not add up: %+v", c)
		}
	})
}
