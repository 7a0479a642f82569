package comfytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// onePixel is the smallest picture: what a preview shows.
var onePixel = encoded(picture{1, 1, 1, color.RGBA{A: 255}})

func encoded(p picture) []byte {
	i := image.NewPaletted(image.Rect(0, 0, p.width, p.height), color.Palette{p.colour})

	var b bytes.Buffer
	if err := png.Encode(&b, i); err != nil {
		// A buffer takes everything, and sizes were checked.
		panic(err)
	}

	return b.Bytes()
}

// place is where the next file of a prefix goes. The number is one more than the
// highest that the directory shows, so two servers that share a directory choose
// the same.
func (s *Server) place(kind, prefix string, p picture) (dir, subfolder, name string, next int, err error) {
	now := time.Now()
	prefix = strings.NewReplacer(
		"%width%", strconv.Itoa(p.width), "%height%", strconv.Itoa(p.height), "%year%", now.Format("2006"), "%month%", now.Format("01"),
		"%day%", now.Format("02"), "%hour%", now.Format("15"), "%minute%", now.Format("04"), "%second%", now.Format("05"),
	).Replace(prefix)
	subfolder, name = filepath.Split(prefix)
	subfolder = strings.TrimSuffix(subfolder, "/")
	dir = filepath.Join(s.directory(kind), subfolder)

	if !filepath.IsLocal(filepath.Join(".", subfolder)) && subfolder != "" {
		return "", "", "", 0, failure{"Exception", "**** ERROR: Saving image outside the output folder is not allowed."}
	}

	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", "", 0, failure{"OSError", err.Error()}
	}

	there, err := os.ReadDir(dir)
	if err != nil {
		return "", "", "", 0, failure{"OSError", err.Error()}
	}

	counted := regexp.MustCompile("^" + regexp.QuoteMeta(name) + `_(\d+)_`)
	for _, e := range there {
		if m := counted.FindStringSubmatch(e.Name()); m != nil {
			n, _ := strconv.Atoi(m[1])
			next = max(next, n)
		}
	}

	return dir, subfolder, name, next + 1, nil
}

type file struct {
	Filename  string `json:"filename"`
	Subfolder string `json:"subfolder"`
	Type      string `json:"type"`
}

func saveImage(r *run, in values) (made, error) {
	return r.savePictures(kindOutput, in.text("filename_prefix"), in.picture("images"))
}

func previewImage(r *run, in values) (made, error) {
	// Five letters that no other process has.
	id := strings.Map(func(c rune) rune { return 'a' + (c-'0')%26 }, newID()[:5])
	return r.savePictures(kindTemp, "ComfyUI_temp_"+id, in.picture("images"))
}

// savePictures opens each file as Pillow does: to read and write, cut short.
func (r *run) savePictures(kind, prefix string, p picture) (made, error) {
	dir, sub, name, n, err := r.server.place(kind, prefix, p)
	if err != nil {
		return made{}, err
	}

	files := []file{}

	for i := range p.count {
		f := file{fmt.Sprintf("%s_%05d_.png", name, n+i), sub, kind}
		if err := os.WriteFile(filepath.Join(dir, f.Filename), encoded(p), 0o644); err != nil {
			return made{}, failure{"OSError", err.Error()}
		}

		files = append(files, f)
	}

	return made{shown: map[string]any{"images": files}}, nil
}

// saveWEBP writes a file that begins like one. There is no encoder here.
func saveWEBP(r *run, in values) (made, error) {
	p := in.picture("images")

	dir, sub, name, n, err := r.server.place(kindOutput, in.text("filename_prefix"), p)
	if err != nil {
		return made{}, err
	}

	f := file{fmt.Sprintf("%s_%05d_.webp", name, n), sub, kindOutput}
	if err := os.WriteFile(filepath.Join(dir, f.Filename), []byte("RIFF\x04\x00\x00\x00WEBP"), 0o644); err != nil {
		return made{}, failure{"OSError", err.Error()}
	}

	return made{shown: map[string]any{"images": []file{f}, "animated": []bool{p.count > 1}}}, nil
}

// saveVideo writes as the muxer of mp4 does: the length of what is in a box is
// known at its end, so it goes back to write it.
func saveVideo(r *run, in values) (made, error) {
	p := in.picture("video")

	dir, sub, name, n, err := r.server.place(kindOutput, in.text("filename_prefix"), p)
	if err != nil {
		return made{}, err
	}

	f := file{fmt.Sprintf("%s_%05d_.mp4", name, n), sub, kindOutput}
	if err := writeBoxes(filepath.Join(dir, f.Filename), p); err != nil {
		return made{}, failure{"OSError", err.Error()}
	}

	return made{shown: map[string]any{"images": []file{f}, "animated": []bool{true}}}, nil
}

func writeBoxes(path string, p picture) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()

	frame := encoded(p)
	head := slices.Concat(binary.BigEndian.AppendUint32(nil, 16), []byte("ftypisom\x00\x00\x02\x00"), []byte("\x00\x00\x00\x00mdat"))

	if _, err := f.Write(head); err != nil {
		return err
	}

	for range p.count {
		if _, err := f.Write(frame); err != nil {
			return err
		}
	}

	if _, err := f.Seek(16, io.SeekStart); err != nil {
		return err
	}

	_, err = f.Write(binary.BigEndian.AppendUint32(nil, uint32(8+p.count*len(frame)))) //nolint:gosec // Small pictures.

	return err
}

// inputPath is where an image of a graph is; the kind may stand behind its name.
func (s *Server) inputPath(name string) string {
	kind := kindInput

	for _, k := range []string{kindInput, kindOutput, kindTemp} {
		if rest, ok := strings.CutSuffix(name, " ["+k+"]"); ok {
			name, kind = rest, k
		}
	}

	return filepath.Join(s.directory(kind), filepath.Clean("/"+name))
}

func (s *Server) getView(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	name, kind := q.Get("filename"), q.Get("type")

	if kind == "" {
		kind = kindOutput
	}

	dir := s.directory(kind)
	switch {
	case name == "":
		w.WriteHeader(http.StatusNotFound)
		return
	case strings.HasPrefix(name, "/") || strings.Contains(name, "..") || dir == "":
		w.WriteHeader(http.StatusBadRequest)
		return
	case q.Get("subfolder") != "" && !filepath.IsLocal(q.Get("subfolder")):
		w.WriteHeader(http.StatusForbidden)
		return
	}

	f, err := os.Open(filepath.Join(dir, q.Get("subfolder"), filepath.Base(name)))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	defer f.Close()

	about, err := f.Stat()
	if err != nil || about.IsDir() {
		w.WriteHeader(http.StatusNotFound)
		return
	}

	w.Header().Set("Content-Disposition", "filename=\""+filepath.Base(name)+"\"")
	w.Header().Set("ETag", fmt.Sprintf("\"%x-%x\"", about.ModTime().UnixNano(), about.Size()))
	http.ServeContent(w, r, name, about.ModTime(), f)
}

// postUpload keeps what is there: another file of the same name gets a number,
// and the same file is not written again.
func (s *Server) postUpload(w http.ResponseWriter, r *http.Request) {
	in, head, err := r.FormFile("image")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	defer in.Close()

	b, err := io.ReadAll(in)
	kind := r.FormValue("type")

	if kind == "" {
		kind = kindInput
	}

	dir, sub := s.directory(kind), r.FormValue("subfolder")
	if err != nil || dir == "" || (sub != "" && !filepath.IsLocal(sub)) || head.Filename == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}

	name := filepath.Base(head.Filename)
	dir = filepath.Join(dir, sub)

	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	if v := r.FormValue("overwrite"); v != "true" && v != "1" {
		name = free(dir, name, b)
	}

	if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}

	answer(w, http.StatusOK, map[string]any{"name": name, "subfolder": sub, "type": kind})
}

// free is the name under which nothing else is.
func free(dir, name string, content []byte) string {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)

	for i := 1; ; i++ {
		there, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || sha256.Sum256(there) == sha256.Sum256(content) {
			return name
		}

		name = fmt.Sprintf("%s (%d)%s", stem, i, ext)
	}
}
