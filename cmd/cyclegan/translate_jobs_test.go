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
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, out string
		operands  []string
		want      []job
		refusal   string
	}{
		{"a folder keeps its paths", "out", []string{"in/sub"}, []job{{"in/sub/a.jpg", "out/a.jpg.png"}, {"in/sub/a.png", "out/a.png.png"}}, ""},
		{"a file is taken whatever its name", "out", []string{"odd.dat", "in/b.jpg"}, []job{{"in/b.jpg", "out/b.png"}, {"odd.dat", "out/odd.png"}}, ""},
		{"results within the folder are no pictures", "in/out", []string{"in"}, []job{
			{"in/b.jpg", "in/out/b.png"}, {"in/sub/a.jpg", "in/out/sub/a.jpg.png"}, {"in/sub/a.png", "in/out/sub/a.png.png"},
		}, ""},
		{"two pictures of one name", "out", []string{"in/out", "other"}, nil, "would both become out/b.png:"},
		{"over the input", "other", []string{"other"}, nil, "overwrite the picture other/a.png"},
		{"over another input", "in/sub", []string{"other/a.png", "in/sub/a.png"}, nil, "both become in/sub/a.png"},
		{"beside another input", "other", []string{"in/b.jpg", "other/b.png"}, []job{{"in/b.jpg", "other/b.jpg.png"}, {"other/b.png", "other/b.png.png"}}, ""},
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
				jobs[i] = job{filepath.ToSlash(jobs[i].in), filepath.ToSlash(jobs[i].out)}
			}
			byInput := cmpopts.SortSlices(func(a, b job) bool { return a.in < b.in })
			if diff := cmp.Diff(c.want, jobs, byInput, cmp.AllowUnexported(job{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
