package cloud

import "strings"

var (
	kindQueue       = Kind{"sqs", "Queue"}
	kindQueuePolicy = Kind{"sqs", "QueuePolicy"}
)

// queueTakes tells whether a queue exists and its policy lets a service send
// to it on behalf of a resource.
func (t *tx) queueTakes(arn, service, source string) bool {
	for q := range t.each(kindQueue) {
		if q.arn != arn {
			continue
		}
		doc := q.args.String("policy")
		if p := t.find(kindQueuePolicy, q.id); p != nil && p.usable(t.now) {
			doc = p.args.String("policy")
		}
		return strings.Contains(doc, service) && (!strings.Contains(doc, "SourceArn") || strings.Contains(doc, source))
	}
	return false
}
