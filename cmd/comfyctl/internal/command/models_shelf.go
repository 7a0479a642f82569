package command

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/progress"
	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/checksum"
)

func newList(m *models) *cobra.Command {
	return &cobra.Command{
		Use: "ls [PREFIX]", Short: "List the models in the bucket", Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			s, err := m.open(cmd.Context())
			if err != nil {
				return err
			}

			all, err := s.objects(cmd.Context())
			if err != nil {
				return err
			}

			if len(given) == 1 {
				all = slices.DeleteFunc(all, func(o bucket.Object) bool { return !strings.HasPrefix(o.Key, given[0]) })
			}

			return m.list(s, all)
		},
	}
}

func (m *models) list(s shelf, all []bucket.Object) error {
	type row struct {
		Path     string    `json:"path"`
		Size     int64     `json:"size"`
		Modified time.Time `json:"modified"`
	}

	rows := []row{}
	for _, o := range all {
		rows = append(rows, row{o.Key, o.Size, o.Modified})
	}

	if m.json {
		return m.print(map[string]any{"bucket": s.name, fieldModels: rows, "size": total(all)})
	}

	w := tabwriter.NewWriter(m.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Path, size(r.Size), r.Modified.Format(time.DateTime))
	}

	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot print: %w", err)
	}

	fmt.Fprintf(m.log, "%d models, %s in bucket %s\n", len(rows), size(total(all)), s.name)

	return nil
}

func newRemove(m *models) *cobra.Command {
	return &cobra.Command{
		Use: "rm PATH...", Short: "Remove models from the bucket, and so from every node", Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, paths []string) error {
			s, err := m.open(cmd.Context())
			if err != nil {
				return err
			}

			b := bucket.New(s.client, s.name, connections)

			var all error

			for _, path := range paths {
				// S3 deletes what is not there as well, and says nothing.
				_, err := b.Head(cmd.Context(), path)
				if err == nil {
					_, err = s.client.DeleteObject(cmd.Context(), &s3.DeleteObjectInput{Bucket: &s.name, Key: &path})
				}

				if err != nil {
					all = errors.Join(all, fmt.Errorf("cannot remove %s: %w", path, err))
					continue
				}

				fmt.Fprintln(m.out, path, "removed")
			}

			return all
		},
	}
}

const verifyLong = `Read models from the bucket, byte for byte, and hold them against the checksums that
were stored when they were uploaded: the SHA-256 that comfyctl and the studio write
beside them, and S3's own of the whole object. Without a path all of them are read.`

func newVerify(m *models) *cobra.Command {
	return &cobra.Command{
		Use: "verify [PATH...]", Short: "Read models and hold them against their checksums", Long: verifyLong,
		RunE: func(cmd *cobra.Command, paths []string) error {
			s, err := m.open(cmd.Context())
			if err != nil {
				return err
			}

			all, err := s.objects(cmd.Context())
			if err != nil {
				return err
			}

			if all, err = chosenOf(all, paths); err != nil {
				return err
			}

			return m.verify(cmd.Context(), s, all)
		},
	}
}

func chosenOf(all []bucket.Object, paths []string) ([]bucket.Object, error) {
	if len(paths) == 0 {
		return all, nil
	}

	var out []bucket.Object

	for _, path := range paths {
		i := slices.IndexFunc(all, func(o bucket.Object) bool { return o.Key == path })
		if i < 0 {
			return nil, fmt.Errorf("the bucket has no %s", path)
		}

		out = append(out, all[i])
	}

	return out, nil
}

// checked is what is said of a model that was read.
type checked struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
	Sound  bool   `json:"sound"`
	Error  string `json:"error,omitempty"`
}

func (m *models) verify(ctx context.Context, s shelf, all []bucket.Object) error {
	rows, errs := make([]checked, len(all)), make([]error, len(all))
	b := bucket.New(s.client, s.name, connections)
	board, over := m.board()

	var g errgroup.Group

	g.SetLimit(4)

	for i, o := range all {
		g.Go(func() error {
			rows[i], errs[i] = check(ctx, b, o, board)

			return nil
		})
	}

	_ = g.Wait()

	over()

	if m.json {
		return errors.Join(errors.Join(errs...), m.print(map[string]any{fieldModels: rows}))
	}

	for i, r := range rows {
		if errs[i] == nil {
			fmt.Fprintln(m.out, r.Path, "is sound")
		}
	}

	return errors.Join(errs...)
}

// sums takes two sums at once.
type sums struct {
	hash.Hash

	other hash.Hash
}

func (s sums) Write(p []byte) (int, error) {
	_, _ = s.other.Write(p)

	return s.Hash.Write(p)
}

// nowhere is where bytes go that are only summed up.
type nowhere struct {
	bar  *progress.Bar
	size int64
}

func (n nowhere) WriteAt(p []byte, at int64) (int, error) {
	n.bar.To(at+int64(len(p)), n.size)

	return len(p), nil
}

func check(ctx context.Context, b *bucket.Bucket, o bucket.Object, board *progress.Board) (checked, error) {
	bar := board.Bytes(o.Key, o.Size)
	out := checked{Path: o.Key, Size: o.Size}

	err := func() error {
		head, err := b.Head(ctx, o.Key)
		if err != nil {
			return err
		}

		stored := head.Sum
		if stored.None() {
			stored.Algorithm = checksum.CRC64NVME
		}

		both := sums{checksum.SHA256.New(), stored.Algorithm.New()}
		if err := b.Range(ctx, head.Object, 0, head.Size, nowhere{bar, head.Size}, both, make([]byte, 1<<20)); err != nil {
			return err
		}

		out.SHA256 = hex.EncodeToString(both.Sum(nil))

		switch got := (checksum.Sum{Algorithm: stored.Algorithm, Value: both.other.Sum(nil)}); {
		case head.SHA256 != "" && head.SHA256 != out.SHA256:
			return fmt.Errorf("is damaged: its sha256 is %s, and was %s when it was uploaded", out.SHA256, head.SHA256)
		case !head.Sum.None() && !got.Matches(head.Sum):
			return fmt.Errorf("is damaged: its %s is not what S3 stored", stored.Algorithm)
		case head.SHA256 == "" && head.Sum.None():
			return errors.New("has no checksum of the whole that it could be held against")
		}

		return nil
	}()
	if err != nil {
		err = fmt.Errorf("%s: %w", o.Key, err)
		out.Error = err.Error()
	}

	out.Sound = err == nil
	bar.End(err, "")

	return out, err
}
