package cloud

// rules is the table of all kinds.
func rules() map[Kind]rule {
	out := map[Kind]rule{}
	for _, service := range [][]rule{
		vpcRules(),
		eksRules(),
	} {
		for _, r := range service {
			out[r.kind] = r
		}
	}
	return out
}
