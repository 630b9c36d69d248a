// Where the results of a translation go.

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestFindJobs(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{
		"in/b.jpg", "in/sub/a.png", "in/sub/a.jpg", "in/notes.txt", "in/.hidden.png", "in/out/b.png", "other/b.png", "other/a.png", "odd.dat",
		"films/a.mov", "films/a.png", "films/b.webm", "films/b.MP4", "films/.c.mp4", "films/still.gif",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	saveAnimation(t, "films/moving.gif")
	for _, c := range []struct {
		name, out string
		operands  []string
		want      []job
		refusal   string
	}{
		{"a folder keeps its paths", "out", []string{"in/sub"}, []job{{"in/sub/a.jpg", "out/a.jpg.png", picture}, {"in/sub/a.png", "out/a.png.png", picture}}, ""},
		{"a file is taken whatever its name", "out", []string{"odd.dat", "in/b.jpg"}, []job{{"in/b.jpg", "out/b.png", picture}, {"odd.dat", "out/odd.png", picture}}, ""},
		{"results within the folder are no pictures", "in/out", []string{"in"}, []job{
			{"in/b.jpg", "in/out/b.png", picture}, {"in/sub/a.jpg", "in/out/sub/a.jpg.png", picture}, {"in/sub/a.png", "in/out/sub/a.png.png", picture},
		}, ""},
		{"videos, beside a picture of the same name", "out", []string{"films"}, []job{
			{"films/a.mov", "out/a.mp4", film},
			{"films/a.png", "out/a.png", picture},
			{"films/b.webm", "out/b.webm.mp4", film},
			{"films/b.MP4", "out/b.MP4.mp4", film},
			{"films/still.gif", "out/still.png", picture},
			{"films/moving.gif", "out/moving.gif", animation},
		}, ""},
		{"two pictures of one name", "out", []string{"in/out", "other"}, nil, "would both become out/b.png:"},
		{"over the input", "other", []string{"other"}, nil, "overwrite other/a.png"},
		{"over another input", "in/sub", []string{"other/a.png", "in/sub/a.png"}, nil, "both become in/sub/a.png"},
		{"beside another input", "other", []string{"in/b.jpg", "other/b.png"}, []job{{"in/b.jpg", "other/b.jpg.png", picture}, {"other/b.png", "other/b.png.png", picture}}, ""},
		{"nothing given", "out", nil, nil, "no pictures given"},
		{"missing", "out", []string{"nowhere"}, nil, "nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			jobs, err := findJobs(filepath.FromSlash(c.out), c.operands)
			if c.refusal != "" {
				if err == nil || !strings.Contains(filepath.ToSlash(err.Error()), c.refusal) {
					t.Errorf("error %v, want %q", err, c.refusal)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range jobs {
				jobs[i] = job{filepath.ToSlash(jobs[i].in), filepath.ToSlash(jobs[i].out), jobs[i].kind}
			}
			byInput := cmpopts.SortSlices(func(a, b job) bool { return a.in < b.in })
			if diff := cmp.Diff(c.want, jobs, byInput, cmp.AllowUnexported(job{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
