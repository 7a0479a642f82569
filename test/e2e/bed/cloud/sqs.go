package cloud

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

var (
	kindQueue       = Kind{"sqs", "Queue"}
	kindQueuePolicy = Kind{"sqs", "QueuePolicy"}
)

// queueNameFree is how long the name of a deleted queue stays taken.
const queueNameFree = time.Minute

func sqsRules() []rule {
	return []rule{{
		kind:   kindQueue,
		create: createQueue,
		update: checkQueue,
		read:   readQueue,
		remove: func(t *tx) error {
			if p := t.find(kindQueuePolicy, t.res.id); p != nil {
				t.drop(p, t.now)
			}
			return nil
		},
	}, {
		kind:     kindQueuePolicy,
		required: []string{"queueUrl", "policy"},
		identity: func(c Call) string { return c.Args.String("queueUrl") },
		create: func(t *tx) error {
			t.res.attrs = Values{"id": t.res.id}
			return checkQueuePolicy(t)
		},
		update: checkQueuePolicy,
	}}
}

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func createQueue(t *tx) error {
	name := t.args.String("name")
	if name == "" {
		name = "terraform-" + t.hex(26)
		t.args["name"] = name
	}
	if len(name) > 80 || !queueName.MatchString(strings.TrimSuffix(name, ".fifo")) {
		return refuse("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length: %s", name)
	}
	for _, q := range t.records {
		if q.kind != kindQueue || q.region != t.call.region() || q.args.String("name") != name {
			continue
		}
		if q.exists(t.now) {
			return refuse("QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute tags")
		}
		if t.now < q.deleted+queueNameFree {
			return refuse("AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
		}
	}
	if err := checkQueue(t); err != nil {
		return err
	}
	t.res.id = "https://sqs." + t.call.region() + ".amazonaws.com/" + t.account + "/" + name
	t.res.arn = t.arnOf("sqs", name)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "url": t.res.id,
		"kmsDataKeyReusePeriodSeconds": int64(300), "maxMessageSize": int64(262144), "messageRetentionSeconds": int64(345600),
		"visibilityTimeoutSeconds": int64(30), "sqsManagedSseEnabled": true,
	}
	given(t.res.attrs, t.args, "kmsDataKeyReusePeriodSeconds", "maxMessageSize", "messageRetentionSeconds", "visibilityTimeoutSeconds", "sqsManagedSseEnabled")
	return nil
}

func checkQueue(t *tx) error {
	for path, limit := range map[string][2]int64{
		"visibilityTimeoutSeconds": {0, 43200}, "messageRetentionSeconds": {60, 1209600}, "receiveWaitTimeSeconds": {0, 20}, "delaySeconds": {0, 900},
	} {
		if v := t.args.Int(path); t.args.Has(path) && (v < limit[0] || v > limit[1]) {
			return refuse("InvalidAttributeValue", "Invalid value for the parameter %s.", path)
		}
	}
	if doc := t.args.String("policy"); doc != "" {
		if err := checkPolicy(doc, resourcePolicy); err != nil {
			return err
		}
	}
	doc := t.args.String("redrivePolicy")
	if doc == "" {
		return nil
	}
	p := struct {
		Target string      `json:"deadLetterTargetArn"`
		Max    json.Number `json:"maxReceiveCount"`
	}{}
	if json.Unmarshal([]byte(doc), &p) != nil || p.Target == "" || p.Max == "" {
		return refuse("InvalidParameterValue", "Value %s for parameter RedrivePolicy is invalid. Reason: Redrive policy is not a valid JSON map.", doc)
	}
	for q := range t.each(kindQueue) {
		if q.arn == p.Target {
			// SQS gives the document back without blanks, keys in order.
			t.args["redrivePolicy"] = `{"deadLetterTargetArn":"` + p.Target + `","maxReceiveCount":` + p.Max.String() + `}`
			return nil
		}
	}
	return refuse("InvalidParameterValue", "Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.", doc)
}

func readQueue(t *tx) {
	delete(t.res.attrs, "policy")
	if p := t.find(kindQueuePolicy, t.res.id); p != nil {
		t.res.attrs["policy"] = p.args.String("policy")
	}
}

func checkQueuePolicy(t *tx) error {
	if t.find(kindQueue, t.args.String("queueUrl")) == nil {
		return refuse("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
	}
	return checkPolicy(t.args.String("policy"), resourcePolicy)
}

// queueByARN finds a queue.
func (t *tx) queueByARN(arn string) *record {
	for q := range t.each(kindQueue) {
		if q.arn == arn {
			return q
		}
	}
	return nil
}

// queueTakes tells whether a queue exists and its policy lets a service send
// to it on behalf of a resource.
func (t *tx) queueTakes(arn, service, source string) bool {
	q := t.queueByARN(arn)
	if q == nil {
		return false
	}
	doc := q.args.String("policy")
	for p := range t.each(kindQueuePolicy) {
		if p.id == q.id && p.usable(t.now) {
			doc = p.args.String("policy")
		}
	}
	return strings.Contains(doc, service) && (!strings.Contains(doc, "SourceArn") || strings.Contains(doc, source))
}
