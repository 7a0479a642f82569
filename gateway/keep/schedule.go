// Package keep decides how many servers a pool has, and takes those away that
// nobody needs: one after the other, and never one that works.
package keep

import (
	"fmt"
	"slices"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/config"
)

// Asleep says that a time is in one of the windows. A window is of its zone's
// clock: where the clock is put forward it is shorter, and where it is put back
// longer, by the hour that people there have less or more.
func Asleep(windows []config.Window, now time.Time) (bool, error) {
	for i, w := range windows {
		in, err := within(w, now)
		if err != nil {
			return false, fmt.Errorf("sleep.schedule[%d]: %w", i, err)
		}

		if in {
			return true, nil
		}
	}

	return false, nil
}

func within(w config.Window, now time.Time) (bool, error) {
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil {
		return false, err
	}

	start, err := minutes(w.Start)
	if err != nil {
		return false, err
	}

	end, err := minutes(w.End)
	if err != nil {
		return false, err
	}

	local := now.In(zone)
	at := local.Hour()*60 + local.Minute()
	today, yesterday := on(w, local.Weekday()), on(w, (local.Weekday()+6)%7)

	if start < end {
		return today && at >= start && at < end, nil
	}

	// It ends on the day after the one that it is named by.
	return (today && at >= start) || (yesterday && at < end), nil
}

func on(w config.Window, day time.Weekday) bool {
	return len(w.Days) == 0 || slices.Contains(w.Days, day.String()[:3])
}

// minutes reads a time of day from 00:00 to 24:00.
func minutes(text string) (int, error) {
	var h, m int
	if n, err := fmt.Sscanf(text, "%d:%d", &h, &m); n != 2 || err != nil || h < 0 || m < 0 || m > 59 || h*60+m > 24*60 {
		return 0, fmt.Errorf("%q is no time of day", text)
	}

	return h*60 + m, nil
}
