package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Weekday is a day of the week.
//
// +kubebuilder:validation:Enum=Mon;Tue;Wed;Thu;Fri;Sat;Sun
type Weekday string

// The days of the week.
const (
	Monday    Weekday = "Mon"
	Tuesday   Weekday = "Tue"
	Wednesday Weekday = "Wed"
	Thursday  Weekday = "Thu"
	Friday    Weekday = "Fri"
	Saturday  Weekday = "Sat"
	Sunday    Weekday = "Sun"
)

// Sleep is when the studio's GPU servers stop by themselves. A running prompt
// is never cut off: the server stops after it.
//
// +kubebuilder:validation:XValidation:rule="has(self.afterIdle) || (has(self.schedule) && size(self.schedule) > 0)",message="spec.sleep needs afterIdle or schedule: give one, or remove spec.sleep to keep the servers running"
type Sleep struct {
	// How long a pool must be idle before its servers stop, such as 30m or 1h30m,
	// 10 minutes to 24 hours. Idle means that nothing is queued or running and
	// nobody works in the interface; a forgotten browser tab does not count as
	// work, a quiet GPU does not count as idleness. The next visit or prompt wakes
	// the pool, which takes minutes. Left out, idleness puts nothing to sleep.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,4}h)?([0-9]{1,4}m)?([0-9]{1,5}s)?$') && size(self) > 0",message="spec.sleep.afterIdle must be a duration such as 30m or 1h30m: use h, m and s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,4}h)?([0-9]{1,4}m)?([0-9]{1,5}s)?$') || size(self) == 0 || (duration(self) >= duration('10m') && duration(self) <= duration('24h'))",message="spec.sleep.afterIdle must be 10m to 24h: a shorter time would put servers to sleep between two looks at a picture, and a longer one is what schedule is for"
	AfterIdle *metav1.Duration `json:"afterIdle,omitempty"`

	// Times of the week in which the studio sleeps. In such a window
	// spec.pools[].servers.min counts as 0: servers stop once they are idle for 10
	// minutes, a visit or a prompt still wakes one, and at the end of the window
	// servers start again up to min.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Schedule []SleepWindow `json:"schedule,omitempty"`
}

// A SleepWindow is a time of the week in which the studio sleeps.
//
// +kubebuilder:validation:XValidation:rule="self.start != self.end",message="spec.sleep.schedule[].start and end must differ: for a whole day write 00:00 and 24:00"
type SleepWindow struct {
	// The days on which the window starts: Mon, Tue, Wed, Thu, Fri, Sat, Sun.
	// +optional
	// +listType=set
	// +kubebuilder:default={"Mon","Tue","Wed","Thu","Fri","Sat","Sun"}
	// +kubebuilder:validation:MaxItems=7
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="spec.sleep.schedule[].days must hold at least one day: add one, or leave the field out for every day"
	Days []Weekday `json:"days,omitempty"`

	// When the window starts, by the clock of the time zone: 00:00 to 23:59.
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:XValidation:rule="self.matches('^([01][0-9]|2[0-3]):[0-5][0-9]$')",message="spec.sleep.schedule[].start must be a time of day such as 20:00: use two digits each and the 24-hour clock"
	Start string `json:"start"`

	// When the window ends: 00:00 to 24:00. An end that is earlier than the start
	// lies on the next day.
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:XValidation:rule="self.matches('^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$')",message="spec.sleep.schedule[].end must be a time of day such as 08:00, or 24:00: use two digits each and the 24-hour clock"
	End string `json:"end"`

	// The time zone that start and end are in, by its IANA name, such as
	// Asia/Tokyo or UTC. It follows that zone's daylight saving time.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^(UTC|[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+){1,2})$')",message="spec.sleep.schedule[].timeZone must be an IANA name such as Asia/Tokyo or UTC: abbreviations such as JST and offsets such as +09:00 do not follow daylight saving time"
	TimeZone string `json:"timeZone"`
}
