package cloud

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var (
	kindRule     = Kind{"cloudwatchevents", "Rule"}
	kindTarget   = Kind{"cloudwatchevents", "Target"}
	kindLogGroup = Kind{"cloudwatchlogs", "Group"}
	kindSchedule = Kind{"scheduler", "Schedule"}
)

func eventRules() []rule {
	return []rule{{
		kind:     kindRule,
		required: []string{"eventBusName"},
		identity: func(c Call) string { return c.Name },
		create:   createEventRule,
		update:   checkEventRule,
		dependents: []dependent{
			{kind: kindTarget, path: "rule"},
		},
		inUse: func(*tx, *record) error {
			return refuse("ValidationException", "Rule can't be deleted since it has targets.")
		},
	}, {
		kind:     kindTarget,
		required: []string{"rule", "arn", "eventBusName"},
		identity: func(c Call) string { return joined(c.Args.String("rule"), "-", c.Args.String("targetId")) },
		create: func(t *tx) error {
			t.res.attrs = Values{"id": t.res.id}
			return checkTarget(t)
		},
		update: checkTarget,
	}, {
		kind:     kindLogGroup,
		identity: func(c Call) string { return c.Name },
		exists: func(*tx) error {
			return refuse("ResourceAlreadyExistsException", "The specified log group already exists")
		},
		create: createLogGroup,
		update: checkRetention,
	}, {
		kind:     kindSchedule,
		required: []string{"scheduleExpression", "target.arn", "target.roleArn", "flexibleTimeWindow.mode"},
		identity: func(c Call) string {
			group := c.Args.String("groupName")
			if group == "" {
				group = "default"
			}
			return joined(group, "/", c.Args.String("name"))
		},
		exists: func(t *tx) error {
			return refuse("ConflictException", "Schedule %s already exists.", t.args.String("name"))
		},
		create: createSchedule,
		made:   func(t *tx) { t.schedules = append(t.schedules, t.res) },
		update: checkSchedule,
	}}
}

var eventName = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

func createEventRule(t *tx) error {
	if !eventName.MatchString(t.call.Name) {
		return refuse("ValidationException", "1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must have length less than or equal to 64 and satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+", t.call.Name)
	}
	t.res.arn = t.arnOf("events", "rule/"+t.call.Name)
	t.res.attrs = Values{"arn": t.res.arn, "id": t.call.Name, "isEnabled": true, "state": "ENABLED"}
	given(t.res.attrs, t.args, "isEnabled", "state")
	return checkEventRule(t)
}

func checkEventRule(t *tx) error {
	if bus := t.args.String("eventBusName"); bus != "default" {
		return refuse("ResourceNotFoundException", "Event bus %s does not exist.", bus)
	}
	pattern, schedule := t.args.String("eventPattern"), t.args.String("scheduleExpression")
	if pattern == "" && schedule == "" {
		return refuse("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if pattern != "" {
		p := map[string]any{}
		if err := json.Unmarshal([]byte(pattern), &p); err != nil || len(p) == 0 {
			return refuse("InvalidEventPatternException", "Event pattern is not valid. Reason: Filter is not an object")
		}
		if err := checkPattern(p); err != nil {
			return err
		}
	}
	return nil
}

// checkPattern demands lists of values at the leaves, as EventBridge does.
func checkPattern(p map[string]any) error {
	for k, v := range p {
		switch v := v.(type) {
		case map[string]any:
			if err := checkPattern(v); err != nil {
				return err
			}
		case []any:
		default:
			return refuse("InvalidEventPatternException", "Event pattern is not valid. Reason: %q must be an object or an array", k)
		}
	}
	return nil
}

func checkTarget(t *tx) error {
	if t.find(kindRule, t.args.String("rule")) == nil {
		return refuse("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", t.args.String("rule"))
	}
	arn := t.args.String("arn")
	if strings.Count(arn, ":") < 5 || !strings.HasPrefix(arn, "arn:") {
		return refuse("ValidationException", "Parameter %s is not valid. Reason: Provided Arn is not in correct format.", arn)
	}
	if role := t.args.String("roleArn"); strings.HasPrefix(arn, "arn:aws:codebuild:") && role == "" {
		return refuse("ValidationException", "RoleArn is required for target %s.", arn)
	} else if role != "" && t.roleByARN(role) == nil {
		return refuse("ValidationException", "Provided role '%s' cannot be assumed by principal 'events.amazonaws.com'.", role)
	}
	return nil
}

// retentions are the days that CloudWatch Logs knows (PutRetentionPolicy).
var retentions = []int64{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

var logGroupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

func createLogGroup(t *tx) error {
	if !logGroupName.MatchString(t.call.Name) {
		return refuse("InvalidParameterException", "1 validation error detected: Value '%s' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+", t.call.Name)
	}
	t.res.arn = t.arnOf("logs", "log-group:"+t.call.Name)
	t.res.attrs = Values{"arn": t.res.arn, "id": t.call.Name}
	return checkRetention(t)
}

func checkRetention(t *tx) error {
	if d := t.args.Int("retentionInDays"); !slices.Contains(retentions, d) {
		return refuse("InvalidParameterException", "1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set", d)
	}
	return nil
}

var scheduleExpression = regexp.MustCompile(`^(rate\(\d+ (minutes?|hours?|days?)\)|cron\(.+\)|at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\))$`)

func createSchedule(t *tx) error {
	if !eventName.MatchString(t.args.String("name")) {
		return refuse("ValidationException", "1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must have length less than or equal to 64", t.args.String("name"))
	}
	t.res.arn = t.arnOf("scheduler", "schedule/"+t.res.id)
	t.res.attrs = Values{"arn": t.res.arn, "id": t.res.id, "groupName": "default", "scheduleExpressionTimezone": "UTC", "state": "ENABLED"}
	given(t.res.attrs, t.args, "groupName", "scheduleExpressionTimezone", "state")
	return checkSchedule(t)
}

func checkSchedule(t *tx) error {
	if e := t.args.String("scheduleExpression"); !scheduleExpression.MatchString(e) {
		return refuse("ValidationException", "Invalid Schedule Expression %s.", e)
	}
	role := t.roleByARN(t.args.String("target.roleArn"))
	if role == nil || !role.trusts("scheduler.amazonaws.com") {
		return refuse("ValidationException", "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	}
	return nil
}
