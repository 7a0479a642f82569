package plan

import "fmt"

// utcOffsets are the regions' standard times in whole hours, from the time zones
// of the places that they are named after. A half hour or a summer time is
// within the margins of Workday.
var utcOffsets = map[string]int{ //nolint:gochecknoglobals // A constant that Go has no const for.
	"us-east-1": -5, "us-east-2": -5, "us-west-1": -8, "us-west-2": -8, "ca-central-1": -5, "ca-west-1": -7, "mx-central-1": -6, "sa-east-1": -3,
	"eu-west-1": 0, "eu-west-2": 0, "eu-west-3": 1, "eu-central-1": 1, "eu-central-2": 1, "eu-north-1": 1, "eu-south-1": 1, "eu-south-2": 1,
	"ap-northeast-1": 9, "ap-northeast-2": 9, "ap-northeast-3": 9, "ap-southeast-1": 8, "ap-southeast-2": 10, "ap-southeast-3": 7,
	"ap-southeast-4": 10, "ap-southeast-5": 8, "ap-southeast-6": 12, "ap-southeast-7": 7, "ap-east-1": 8, "ap-east-2": 8, "ap-south-1": 5, "ap-south-2": 5,
	"me-south-1": 3, "me-central-1": 4, "il-central-1": 2, "af-south-1": 2,
}

// workdayHours is how long nobody's node is replaced.
const workdayHours = 16

// Workday is when people work where the studio is: a cron schedule in UTC, the
// only zone that Karpenter knows, of the hour it begins at, and how long it
// lasts. It is every day: people in front of a deadline work on Sundays.
func (p Plan) Workday() (schedule, duration string) {
	const begins, day = 6, 24

	return fmt.Sprintf("0 %d * * *", (begins-utcOffsets[p.RegionName]+day)%day), fmt.Sprintf("%dh", workdayHours)
}
