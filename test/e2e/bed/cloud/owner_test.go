package cloud

import "testing"

// TestOwner: what has an owner is nobody else's. What was kept on purpose, or lost
// its owner, is the next one's that asks for it.
func TestOwner(t *testing.T) {
	cases := map[string]struct {
		reason string
		before func(*AWS, Call)
		want   bool
	}{
		"Owned":     {reason: "Two owners of one name would fight.", before: func(*AWS, Call) {}},
		"Retained":  {reason: "It was left for whoever comes.", before: func(a *AWS, c Call) { a.Retain(c) }, want: true},
		"Abandoned": {reason: "Nobody looks after it any more.", before: func(a *AWS, c Call) { a.Abandon(c.Kind, c.Owner) }, want: true},
		"OfOthers":  {reason: "It is another's owner that went.", before: func(a *AWS, c Call) { a.Abandon(c.Kind, Owner{"film", c.Owner.Name}) }},
		"OtherKind": {reason: "Names are one kind's.", before: func(a *AWS, c Call) { a.Abandon(Kind{Service: "iam", Name: "Policy"}, c.Owner) }},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := w.call("apiVersion: iam.aws.m.upbound.io/v1beta1\nkind: Role\nmetadata: {name: jobs}\nspec: {forProvider: {assumeRolePolicy: '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}'}}")
			r, err := w.Create(c)
			if err != nil {
				t.Fatal(err)
			}
			c.ID = r.ID
			tc.before(w.AWS, c)

			other := c
			other.Owner = Owner{"art", "another"}
			if _, err := w.Read(other); (err == nil) != tc.want {
				t.Errorf("%s\nRead(...): want %t, got %v", tc.reason, tc.want, err)
			}
			if _, err := w.Read(c); (err == nil) == tc.want {
				t.Errorf("%s\nafter another, Read(...) by the owner before: %v", tc.reason, err)
			}
		})
	}
}
