package main

import (
	"encoding/json"
	"fmt"
)

// envelope is a batch as Lambda's event source mapping hands it over. Only what
// is needed is read: what nobody reads cannot be malformed.
type envelope struct {
	Records []message `json:"Records"`
}

type message struct {
	ID   string `json:"messageId"`
	Body string `json:"body"`
}

// notification is the body of a message that S3 sends. Each record is decoded by
// itself, so that one that is broken takes no other along. Keys are not read:
// they are form-encoded, and a decoder that minds a bad escape fails the whole
// body for it, as the one in aws-lambda-go does.
type notification struct {
	Records []json.RawMessage `json:"Records"`
	// Event is s3:TestEvent in what S3 sends when notifications are switched on. It
	// has no records.
	Event string `json:"Event"`
}

type record struct {
	Source string `json:"eventSource"`
	S3     struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
	} `json:"s3"`
}

// counts are what a batch was made of.
type counts struct {
	// Messages of the queue, and records of S3 in them.
	messages, records int
	// Changes are records of the models bucket.
	changes int
	// Foreign are records of anything else.
	foreign int
	// Tests are what S3 sends when notifications are switched on.
	tests int
	// Malformed are bodies and records that cannot be read.
	malformed int
}

// read counts what is in a batch, and lists the messages that tell of a change.
// Any event of the bucket counts as one, also of a kind that S3 does not know
// yet: to look once too often costs one listing.
func read(payload []byte, bucket string) (counts, []string, error) {
	var (
		batch   envelope
		c       counts
		changed []string
	)

	if err := json.Unmarshal(payload, &batch); err != nil {
		return counts{}, nil, fmt.Errorf("cannot read batch: %w", err)
	}

	c.messages = len(batch.Records)

	for _, m := range batch.Records {
		before := c.changes
		c.add(m.Body, bucket)

		if c.changes > before {
			changed = append(changed, m.ID)
		}
	}

	return c, changed, nil
}

func (c *counts) add(body, bucket string) {
	var n notification
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		c.malformed++
		return
	}

	if n.Event == "s3:TestEvent" {
		c.tests++
		return
	}

	// Whatever it is, it is nothing of S3's.
	if n.Records == nil {
		c.malformed++
		return
	}

	c.records += len(n.Records)

	for _, raw := range n.Records {
		var r record

		err := json.Unmarshal(raw, &r)

		switch {
		case err != nil:
			c.malformed++
		case r.Source == "aws:s3" && r.S3.Bucket.Name == bucket:
			c.changes++
		default:
			c.foreign++
		}
	}
}
