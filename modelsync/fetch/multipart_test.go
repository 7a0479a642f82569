package fetch

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc64"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

type openUpload struct {
	key      string
	metadata map[string]string
	parts    map[int]object
}

func (f *fakeS3) open() int {
	f.mu.Lock()
	defer f.mu.Unlock()

	return len(f.uploads)
}

// end forgets the uploads, as S3 does with one that it has completed.
func (f *fakeS3) end() {
	f.mu.Lock()
	defer f.mu.Unlock()

	clear(f.uploads)
}

func (f *fakeS3) create(w http.ResponseWriter, r *http.Request, key string) {
	if r.Header.Get("X-Amz-Checksum-Algorithm") != "CRC64NVME" || r.Header.Get("X-Amz-Checksum-Type") != "FULL_OBJECT" {
		refusal3(w, http.StatusBadRequest, "InvalidRequest")
		return
	}

	f.last++
	id := fmt.Sprintf("upload-%d", f.last)
	f.uploads[id] = &openUpload{key: key, metadata: metadataOf(r), parts: map[int]object{}}
	fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
}

func (f *fakeS3) part(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	u := f.uploads[r.URL.Query().Get("uploadId")]
	number, err := strconv.Atoi(r.URL.Query().Get("partNumber"))

	sum := make([]byte, 8)
	binary.BigEndian.PutUint64(sum, crc64.Checksum(body, crc64.MakeTable(0x9a6c9329ac4bc9b5)))

	switch {
	case u == nil || u.key != key:
		refusal3(w, http.StatusNotFound, "NoSuchUpload")
	case err != nil || number < 1 || number > 10000:
		refusal3(w, http.StatusBadRequest, "InvalidArgument")
	case r.Header.Get("X-Amz-Checksum-Crc64nvme") != base64.StdEncoding.EncodeToString(sum):
		refusal3(w, http.StatusBadRequest, "BadDigest")
	default:
		u.parts[number] = object{body: body}
		w.Header().Set("ETag", tag(body))
	}
}

func (f *fakeS3) list(w http.ResponseWriter, key, id, after string) {
	u := f.uploads[id]
	if u == nil || u.key != key {
		refusal3(w, http.StatusNotFound, "NoSuchUpload")
		return
	}

	from, _ := strconv.Atoi(after)
	fmt.Fprint(w, "<ListPartsResult>")

	n := 0

	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		if number <= from {
			continue
		}

		// Two to a page, so that pages are read.
		if n++; n > 2 {
			fmt.Fprintf(w, "<IsTruncated>true</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker>", from)
			break
		}

		from = number
		fmt.Fprintf(w, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag><Size>%d</Size></Part>", number, tag(u.parts[number].body), len(u.parts[number].body))
	}

	fmt.Fprint(w, "</ListPartsResult>")
}

func (f *fakeS3) complete(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	id := r.URL.Query().Get("uploadId")
	u := f.uploads[id]

	list := struct {
		Parts []struct {
			Number int    `xml:"PartNumber"`
			ETag   string `xml:"ETag"`
		} `xml:"Part"`
	}{}
	err := xml.Unmarshal(body, &list)
	_, taken := f.objects[key]

	switch {
	case u == nil || u.key != key:
		refusal3(w, http.StatusNotFound, "NoSuchUpload")
		return
	case r.Header.Get("If-None-Match") != "*":
		refusal3(w, http.StatusNotImplemented, "NotImplemented")
		return
	case taken:
		refusal3(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	case err != nil || len(list.Parts) == 0:
		refusal3(w, http.StatusBadRequest, "MalformedXML")
		return
	}

	var whole []byte

	for i, p := range list.Parts {
		have, ok := u.parts[p.Number]

		switch {
		case i > 0 && p.Number <= list.Parts[i-1].Number:
			refusal3(w, http.StatusBadRequest, "InvalidPartOrder")
			return
		case !ok || tag(have.body) != p.ETag:
			refusal3(w, http.StatusBadRequest, "InvalidPart")
			return
		case i < len(list.Parts)-1 && len(have.body) < f.leastPart:
			refusal3(w, http.StatusBadRequest, "EntityTooSmall")
			return
		}

		whole = append(whole, have.body...)
	}

	if strconv.Itoa(len(whole)) != r.Header.Get("X-Amz-Mp-Object-Size") {
		refusal3(w, http.StatusBadRequest, "InvalidRequest")
		return
	}

	f.objects[key] = object{body: whole, metadata: u.metadata}
	delete(f.uploads, id)
	fmt.Fprint(w, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
}
