package key

import "fmt"

// A Refusal is a key that cannot be a file, and why.
type Refusal struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// Tree tells which of keys can be files beside one another. Where one key is also
// the folder of another the folder wins: with the file in its place everything
// below would be lost. Keys come in the order in which they are given.
func Tree(keys []string) ([]string, []Refusal) {
	var (
		sound   = make([]string, 0, len(keys))
		refused []Refusal
		// folders names one key in each folder.
		folders = map[string]string{}
	)

	for _, k := range keys {
		if err := Check(k); err != nil {
			refused = append(refused, Refusal{Key: k, Reason: err.Error()})
			continue
		}

		sound = append(sound, k)

		for _, f := range Folders(k) {
			if _, ok := folders[f]; !ok {
				folders[f] = k
			}
		}
	}

	taken := sound[:0]

	for _, k := range sound {
		if inside, ok := folders[k]; ok {
			refused = append(refused, Refusal{Key: k, Reason: fmt.Sprintf("is also the folder of %q", inside)})
			continue
		}

		taken = append(taken, k)
	}

	return taken, refused
}
