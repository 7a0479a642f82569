package keep

import (
	"testing"
	"time"
)

func TestDecide(t *testing.T) {
	const hour = time.Hour

	cases := map[string]struct {
		reason string
		state  State
		want   int32
	}{
		"Min":        {reason: "A pool has its least.", state: State{Min: 2, Max: 3, Replicas: 1}, want: 2},
		"Kept":       {reason: "Without sleep idleness takes nothing away.", state: State{Min: 1, Max: 3, Replicas: 1, Idle: 100 * hour, Calm: 100 * hour}, want: 1},
		"Idle":       {reason: "Idle for long enough is asleep, whatever the least.", state: State{Min: 1, Max: 3, Replicas: 1, Idle: hour, AfterIdle: hour}, want: 0},
		"NotYet":     {reason: "And not before.", state: State{Min: 1, Max: 3, Replicas: 1, Idle: hour - 1, AfterIdle: hour}, want: 1},
		"Runs":       {reason: "What runs is never put to sleep.", state: State{Min: 0, Max: 3, Replicas: 1, Queue: 1, Idle: 100 * hour, AfterIdle: hour, Asleep: true}, want: 1},
		"StaysDown":  {reason: "What sleeps is not woken by its least while it is idle.", state: State{Min: 1, Max: 3, Idle: 2 * hour, AfterIdle: hour}, want: 0},
		"Window":     {reason: "In a window servers stop after ten minutes.", state: State{Min: 1, Max: 3, Replicas: 1, Idle: 10 * time.Minute, Asleep: true}, want: 0},
		"WindowUsed": {reason: "And not under somebody who works.", state: State{Min: 2, Max: 3, Replicas: 1, Idle: time.Minute, Asleep: true}, want: 1},
		"WindowEnds": {reason: "After it they start again.", state: State{Min: 2, Max: 3, Idle: 10 * hour}, want: 2},
		"Deep":       {reason: "A deep queue brings another.", state: State{Min: 1, Max: 3, Replicas: 1, Queue: 9, Deep: time.Minute}, want: 2},
		"DeepFull":   {reason: "Up to the most.", state: State{Min: 1, Max: 1, Replicas: 1, Queue: 9, Deep: time.Hour}, want: 1},
		"DeepShort":  {reason: "A moment brings none.", state: State{Min: 1, Max: 3, Replicas: 1, Queue: 9, Deep: time.Second}, want: 1},
		"Calm":       {reason: "Several with nothing to do become fewer, one at a time.", state: State{Min: 1, Max: 5, Replicas: 4, Calm: 10 * time.Minute}, want: 3},
		"CalmLast":   {reason: "The last one stays for who comes back.", state: State{Min: 0, Max: 5, Replicas: 1, Calm: 10 * hour}, want: 1},
		"TooMany":    {reason: "A most that was lowered holds.", state: State{Min: 1, Max: 2, Replicas: 4, Queue: 9}, want: 2},
		"Zero":       {reason: "Nobody needs one.", state: State{Min: 0, Max: 2}, want: 0},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got, why := Decide(tc.state); got != tc.want || why == "" {
				t.Errorf("%s\nDecide(%+v): want %d, got %d (%s)", tc.reason, tc.state, tc.want, got, why)
			}
		})
	}
}
