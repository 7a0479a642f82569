package mirror

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// An identity says which object's bytes a file holds. It is on the file itself, so
// name, bytes and identity change in one rename.
type identity struct {
	// modified and size are the file's own when it was written. A file that
	// somebody wrote to has others, and no identity any more.
	modified, size int64
	// sum is that of the bytes.
	sum checksum.Sum
	// tags are the ETags under which a bucket had these bytes. A file that is two
	// objects' by hard links has one of each.
	tags []string
}

// identityVersion begins every identity and identityEnd ends it. MostTags bounds one: an extended
// attribute that fits beside the inode costs no block of its own.
const (
	identityVersion = "1"
	identityEnd     = "."
	mostTags        = 4
)

// text is the identity as it is put on a file.
func (i identity) text() string {
	return fmt.Sprintf("%s %d %d %s %s %s", identityVersion, i.modified, i.size, i.sum, strings.Join(i.tags, ","), identityEnd)
}

// identityOf reads the identity of a file, if it has one that is still true.
func identityOf(e disk.Entry) (identity, bool) {
	fields := strings.Split(e.Tag, " ")
	if len(fields) != 6 || fields[0] != identityVersion || fields[5] != identityEnd {
		return identity{}, false
	}

	modified, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return identity{}, false
	}

	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return identity{}, false
	}

	if e.Kind != disk.Regular || modified != e.Modified || size != e.Size {
		return identity{}, false
	}

	return identity{modified: modified, size: size, sum: checksum.FromString(fields[3]), tags: strings.Split(fields[4], ",")}, true
}

// also is the identity with one more ETag.
func (i identity) also(o bucket.Object) identity {
	if slices.Contains(i.tags, o.ETag) {
		return i
	}

	i.tags = append([]string{o.ETag}, i.tags...)
	i.tags = i.tags[:min(len(i.tags), mostTags)]

	return i
}
