package cloud

import (
	"regexp"
	"slices"
	"strings"
)

var (
	kindLambda  = Kind{"lambda", "Function"}
	kindMapping = Kind{"lambda", "EventSourceMapping"}
)

func lambdaRules() []rule {
	return []rule{{
		kind:     kindLambda,
		required: []string{"role"},
		identity: func(c Call) string { return c.Name },
		exists: func(t *tx) error {
			return refuse("ResourceConflictException", "Function already exist: %s", t.call.Name)
		},
		create: createLambda,
		update: checkLambda,
	}, {
		kind:     kindMapping,
		required: []string{"functionName", "eventSourceArn"},
		create:   createMapping,
		update:   checkMapping,
	}}
}

var (
	lambdaName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)
	// runtimes that a Go program runs on, and those of examples.
	runtimes = []string{"provided.al2023", "provided.al2", "python3.13", "python3.12", "nodejs22.x"}
)

func createLambda(t *tx) error {
	name := t.call.Name
	if !lambdaName.MatchString(name) {
		return refuse("ValidationException", "1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64", name)
	}
	if err := checkLambda(t); err != nil {
		return err
	}
	arn := t.arnOf("lambda", "function:"+name)
	invoke := "arn:aws:apigateway:" + t.call.region() + ":lambda:path/2015-03-31/functions/" + arn
	t.res.arn = arn
	t.res.attrs = Values{
		"arn": arn, "id": name, "invokeArn": invoke + "/invocations", "lastModified": t.clock.Wall().Format("2006-01-02T15:04:05.000-0700"),
		"qualifiedArn": arn + ":$LATEST", "qualifiedInvokeArn": invoke + ":$LATEST/invocations", "version": "$LATEST",
		"responseStreamingInvokeArn": strings.Replace(invoke, "2015-03-31", "2021-11-15", 1) + "/response-streaming-invocations",
		"ephemeralStorage":           map[string]any{"size": int64(512)}, "reservedConcurrentExecutions": int64(-1),
		"tracingConfig": map[string]any{"mode": "PassThrough"}, "memorySize": int64(128), "timeout": int64(3), "packageType": "Zip",
		"architectures": []any{"x86_64"},
	}
	given(t.res.attrs, t.args, "ephemeralStorage", "reservedConcurrentExecutions", "tracingConfig", "memorySize", "timeout", "packageType", "architectures")
	return nil
}

func checkLambda(t *tx) error {
	role := t.roleByARN(t.args.String("role"))
	if role == nil || !role.trusts("lambda.amazonaws.com") {
		return refuse("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
	}
	for path, limit := range map[string][2]int64{"memorySize": {128, 10240}, "timeout": {1, 900}} {
		if v := t.args.Int(path); t.args.Has(path) && (v < limit[0] || v > limit[1]) {
			return refuse("ValidationException", "1 validation error detected: Value '%d' at '%s' failed to satisfy constraint: Member must be between %d and %d", v, path, limit[0], limit[1])
		}
	}
	if t.args.String("packageType") == "Image" {
		return nil
	}
	if !slices.Contains(runtimes, t.args.String("runtime")) || t.args.String("handler") == "" {
		return refuse("InvalidParameterValueException", "Runtime and Handler are mandatory parameters for functions created with deployment packages. The runtime %q is not supported", t.args.String("runtime"))
	}
	if b := t.args.String("s3Bucket"); b != "" && t.find(kindObject, joined(b, "/", t.args.String("s3Key"))) == nil {
		return refuse("InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
	}
	return nil
}

func createMapping(t *tx) error {
	if err := checkMapping(t); err != nil {
		return err
	}
	f := t.lambda(t.args.String("functionName"))
	for m := range t.each(kindMapping) {
		if m.args.String("eventSourceArn") == t.args.String("eventSourceArn") && t.lambda(m.args.String("functionName")) == f {
			return refuse("ResourceConflictException", "An event source mapping with SQS arn (\" %s \") and function (\" %s \") already exists. Please update or delete the existing mapping with UUID %s", t.args.String("eventSourceArn"), f.id, m.id)
		}
	}
	t.res.id = t.uuid()
	t.res.arn = t.arnOf("lambda", "event-source-mapping:"+t.res.id)
	t.res.attrs = Values{
		"arn": t.res.arn, "id": t.res.id, "uuid": t.res.id, "functionArn": f.arn, "lastModified": t.date(),
		"state": "Enabled", "stateTransitionReason": "User initiated", "enabled": true, "batchSize": int64(10),
	}
	given(t.res.attrs, t.args, "enabled", "batchSize")
	return nil
}

// lambda finds a function by name or ARN.
func (t *tx) lambda(name string) *record {
	for f := range t.each(kindLambda) {
		if f.id == name || f.arn == name {
			return f
		}
	}
	return nil
}

func checkMapping(t *tx) error {
	f := t.lambda(t.args.String("functionName"))
	if f == nil {
		return refuse("ResourceNotFoundException", "Function not found: %s", t.args.String("functionName"))
	}
	q := t.queueByARN(t.args.String("eventSourceArn"))
	if q == nil {
		return refuse("InvalidParameterValueException", "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue.")
	}
	if !t.mayReceive(f.args.String("role")) {
		return refuse("InvalidParameterValueException", "The provided execution role does not have permissions to call ReceiveMessage on SQS")
	}
	if v, limit := q.observed().Int("visibilityTimeoutSeconds"), f.observed().Int("timeout"); v < limit {
		return refuse("InvalidParameterValueException", "Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", v, limit)
	}
	if t.args.Int("batchSize") > 10 && t.args.Int("maximumBatchingWindowInSeconds") < 1 {
		return refuse("InvalidParameterValueException", "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	}
	if c := t.args.Int("scalingConfig.maximumConcurrency"); t.args.Has("scalingConfig.maximumConcurrency") && c < 2 {
		return refuse("InvalidParameterValueException", "MaximumConcurrency must be at least 2")
	}
	return nil
}

// mayReceive tells whether a role's policies let it read a queue.
func (t *tx) mayReceive(arn string) bool {
	role := t.roleByARN(arn)
	if role == nil {
		return false
	}
	allows := func(doc string) bool {
		return strings.Contains(doc, "sqs:ReceiveMessage") || strings.Contains(doc, "sqs:*")
	}
	for p := range t.each(kindRolePolicy) {
		if p.args.String("role") == role.id && allows(p.args.String("policy")) {
			return true
		}
	}
	for a := range t.each(kindAttachment) {
		if a.args.String("role") != role.id {
			continue
		}
		policy := a.args.String("policyArn")
		if strings.HasSuffix(policy, "service-role/AWSLambdaSQSQueueExecutionRole") {
			return true
		}
		if p := t.policyByARN(policy); p != nil && allows(p.args.String("policy")) {
			return true
		}
	}
	return false
}
