package keep

import (
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
)

func TestAsleep(t *testing.T) {
	night := config.Window{Days: []string{"Mon"}, Start: "20:00", End: "08:00", TimeZone: "Europe/Paris"}
	weekend := config.Window{Days: []string{"Sat", "Sun"}, Start: "00:00", End: "24:00", TimeZone: "Europe/Paris"}
	early := config.Window{Start: "02:00", End: "03:00", TimeZone: "Europe/Paris"}

	cases := map[string]struct {
		reason string
		window config.Window
		at     string
		want   bool
	}{
		"Before":      {reason: "It begins to the minute.", window: night, at: "2026-11-23T18:59:59Z"},
		"Start":       {reason: "In the zone's time.", window: night, at: "2026-11-23T19:00:00Z", want: true},
		"After":       {reason: "It goes on over midnight.", window: night, at: "2026-11-24T06:59:00Z", want: true},
		"End":         {reason: "And ends.", window: night, at: "2026-11-24T07:00:00Z"},
		"OtherDay":    {reason: "It starts on its days alone.", window: night, at: "2026-11-24T19:00:00Z"},
		"MorningOf":   {reason: "The morning of its day belongs to the night before.", window: night, at: "2026-11-23T05:00:00Z"},
		"Midnight":    {reason: "A whole day ends at midnight.", window: weekend, at: "2026-11-29T22:59:59Z", want: true},
		"Monday":      {reason: "And not later.", window: weekend, at: "2026-11-29T23:00:00Z"},
		"Gap":         {reason: "In the night in which 02:00 is 03:00 there is no such hour.", window: early, at: "2026-03-29T01:00:00Z"},
		"BeforeGap":   {reason: "Nor before it.", window: early, at: "2026-03-29T00:59:00Z"},
		"FirstRepeat": {reason: "In the night in which it comes twice it lasts two.", window: early, at: "2026-10-25T00:30:00Z", want: true},
		"Repeat":      {reason: "Both times.", window: early, at: "2026-10-25T01:30:00Z", want: true},
		"AfterRepeat": {reason: "And not a third time.", window: early, at: "2026-10-25T02:00:00Z"},
		"Summer":      {reason: "It is an hour earlier in summer, as the zone's people are.", window: night, at: "2026-07-06T18:00:00Z", want: true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tc.at)
			if err != nil {
				t.Fatal(err)
			}

			got, err := Asleep([]config.Window{tc.window}, at)
			if err != nil || got != tc.want {
				t.Errorf("%s\nAsleep(%s): want %t, got %t, %v", tc.reason, tc.at, tc.want, got, err)
			}
		})
	}

	for _, bad := range []string{"", "8", "25:00", "24:01", "12:60", "-1:00", "aa:bb"} {
		if _, err := minutes(bad); err == nil {
			t.Errorf("minutes(%q): no error", bad)
		}
	}
}
