package kit

// List is a list of strings as the providers' types take it. It keeps the order.
func List(in ...string) []*string {
	out := make([]*string, 0, len(in))
	for _, s := range in {
		out = append(out, &s)
	}

	return out
}
