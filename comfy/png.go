package comfy

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var pngHead = []byte("\x89PNG\r\n\x1a\n") //nolint:gochecknoglobals // Bytes that Go has no const for.

// largestText bounds a text that comes compressed.
const largestText = 64 << 20

// pngText finds a text in a picture. ComfyUI writes the graph that made it as tEXt,
// and other tools write it again as zTXt or iTXt.
func pngText(b []byte, key string) ([]byte, error) {
	for rest := b[len(pngHead):]; len(rest) >= 12; {
		size := int(binary.BigEndian.Uint32(rest))
		if size < 0 || size > len(rest)-12 {
			break
		}

		kind, data := string(rest[4:8]), rest[8:8+size]
		rest = rest[12+size:]

		name, value, ok := bytes.Cut(data, []byte{0})
		if !ok || string(name) != key {
			continue
		}

		switch kind {
		case "tEXt":
			return value, nil
		case "zTXt":
			if len(value) > 0 {
				return inflate(value[1:])
			}
		case "iTXt":
			return internationalText(value)
		}
	}

	return nil, fmt.Errorf("cannot find a workflow in the picture: it has no text %q, which ComfyUI writes unless it is told not to", key)
}

// internationalText has a flag and a method of compression, a language and a
// translated name before the text.
func internationalText(b []byte) ([]byte, error) {
	if len(b) < 2 {
		return nil, errors.New("cannot read the text of the picture: it is too short")
	}

	parts := bytes.SplitN(b[2:], []byte{0}, 3)
	if len(parts) < 3 {
		return nil, errors.New("cannot read the text of the picture: it is too short")
	}

	if b[0] == 1 {
		return inflate(parts[2])
	}

	return parts[2], nil
}

func inflate(b []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("cannot read the text of the picture: %w", err)
	}

	out, err := io.ReadAll(io.LimitReader(r, largestText))
	if err != nil {
		return nil, fmt.Errorf("cannot read the text of the picture: %w", err)
	}

	return out, nil
}
