package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/loopback"
)

const (
	// target is before the name of an operation in the header X-Amz-Target.
	target = "AmazonSQS."
	// maxBatch, maxWait, maxVisibility and maxBody are SQS's limits.
	maxBatch      = 10
	maxWait       = 20
	maxVisibility = 43200
	maxBody       = 1 << 20
)

// Name is what the queue is called.
const Name = "models"

type request struct {
	QueueURL            string  `json:"QueueUrl"`
	QueueName           string  `json:"QueueName"`
	MessageBody         string  `json:"MessageBody"`
	MaxNumberOfMessages *int    `json:"MaxNumberOfMessages"`
	WaitTimeSeconds     int     `json:"WaitTimeSeconds"`
	VisibilityTimeout   *int    `json:"VisibilityTimeout"`
	ReceiptHandle       string  `json:"ReceiptHandle"`
	Entries             []entry `json:"Entries"`
}

type entry struct {
	ID            string `json:"Id"`
	ReceiptHandle string `json:"ReceiptHandle"`
}

// failure is an error of SQS. Its type is what clients decide by.
type failure struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func fail(code, format string, args ...any) *failure {
	return &failure{Type: "com.amazonaws.sqs#" + code, Message: fmt.Sprintf(format, args...)}
}

// Serve answers SQS's protocol on a free port until stop is called. The
// endpoint is that of the service.
func (q *Queue) Serve() (endpoint string, stop func(), err error) { return loopback.Serve(q) }

// ServeHTTP answers one request.
func (q *Queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, failed := q.answer(r)

	w.Header().Set("Content-Type", "application/x-amz-json-1.0")

	if failed != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = failed
	}

	_ = json.NewEncoder(w).Encode(out) //nolint:errchkjson // A client that is gone needs no answer.
}

func (q *Queue) answer(r *http.Request) (any, *failure) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		return nil, fail("MissingAuthenticationToken", "Request is missing Authentication Token")
	}

	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, fail("SerializationException", "%v", err)
	}

	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), target)
	url := "http://" + r.Host + "/123456789012/" + Name

	if operation == "GetQueueUrl" && in.QueueName == Name {
		return map[string]string{"QueueUrl": url}, nil
	}

	if in.QueueURL != url {
		return nil, fail("QueueDoesNotExist", "The specified queue does not exist.")
	}

	switch operation {
	case "SendMessage":
		if in.MessageBody == "" || len(in.MessageBody) > maxBody {
			return nil, fail("InvalidParameterValue", "The message has %d bytes", len(in.MessageBody))
		}

		return map[string]string{"MessageId": q.Send(in.MessageBody)}, nil
	case "ReceiveMessage":
		return q.poll(r.Context(), in)
	case "DeleteMessage":
		if !q.remove(in.ReceiptHandle) {
			return nil, fail("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
		}

		return struct{}{}, nil
	case "DeleteMessageBatch":
		return q.removeAll(in.Entries)
	default:
		return nil, fail("InvalidAction", "The action %s is not valid for this endpoint.", operation)
	}
}

func (q *Queue) poll(ctx context.Context, in request) (any, *failure) {
	limit := 1
	if in.MaxNumberOfMessages != nil {
		limit = *in.MaxNumberOfMessages
	}

	if limit < 1 || limit > maxBatch {
		return nil, fail("InvalidParameterValue", "Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", limit)
	}

	if in.WaitTimeSeconds < 0 || in.WaitTimeSeconds > maxWait {
		return nil, fail("InvalidParameterValue", "Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.", in.WaitTimeSeconds)
	}

	visibility := q.settings.Visibility

	if v := in.VisibilityTimeout; v != nil {
		if *v < 0 || *v > maxVisibility {
			return nil, fail("InvalidParameterValue", "Value %d for parameter VisibilityTimeout is invalid.", *v)
		}

		visibility = time.Duration(*v) * time.Second
	}

	over := time.After(time.Duration(in.WaitTimeSeconds) * time.Second)

	for {
		taken, changed := q.receive(limit, visibility)
		if len(taken) > 0 || in.WaitTimeSeconds == 0 {
			return messages(taken), nil
		}

		select {
		case <-changed:
		case <-over:
			return messages(nil), nil
		case <-ctx.Done():
			return messages(nil), nil
		}
	}
}

func messages(taken []Message) any {
	type message struct {
		MessageID     string `json:"MessageId"`
		ReceiptHandle string
		Body          string
		Attributes    map[string]string
	}

	out := struct{ Messages []message }{}
	for _, m := range taken {
		out.Messages = append(out.Messages, message{m.ID, m.Receipt, m.Body, map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.Receives)}})
	}

	return out
}

func (q *Queue) removeAll(entries []entry) (any, *failure) {
	if len(entries) == 0 {
		return nil, fail("EmptyBatchRequest", "There should be at least one DeleteMessageBatchRequestEntry in the request.")
	}

	if len(entries) > maxBatch {
		return nil, fail("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(entries))
	}

	type failed struct {
		ID          string `json:"Id"`
		Code        string
		SenderFault bool
	}

	out := struct {
		Successful []map[string]string
		Failed     []failed
	}{}

	for _, e := range entries {
		if q.remove(e.ReceiptHandle) {
			out.Successful = append(out.Successful, map[string]string{"Id": e.ID})
			continue
		}

		out.Failed = append(out.Failed, failed{e.ID, "ReceiptHandleIsInvalid", true})
	}

	return out, nil
}
