// Pages parsed as a browser parses them, with names that try to break out.

package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cyclevk/cyclegan/report"
	"cyclevk/cyclegan/report/reporttest"
)

// hostile are names that a file may have and that mean something to HTML, to addresses or to templates.
var hostile = []string{
	"<script>alert(1)", `"><img src=x onerror=alert(1)>`, "' onload='x", "a&amp;b", "50%25 #1?x=y", "javascript:alert(1)",
	"//example.org", "{{.}}", "ä \u2028 漢", `back\slash`, "new\nline", "plus+space ",
}

func TestResults(t *testing.T) {
	folder := t.TempDir()
	r := &report.Results{Title: "Experiment = <b>x</b>, Phase = test", Facts: []report.Fact{{Name: "generators", Value: "</style><script>"}}}
	var want []string
	for i, name := range hostile {
		file := "images/" + strings.ReplaceAll(name, "/", "_") + "_real_A.png"
		write(t, filepath.Join(folder, filepath.FromSlash(file)), "")
		r.Rows = append(r.Rows, report.Row{Strips: []report.Strip{{Name: name, Pictures: []report.Picture{{Label: "real_A", File: file, W: i, H: 2}}}}})
		want = append(want, file)
	}
	path := filepath.Join(folder, "index.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := r.Write(f); err != nil {
		t.Fatal(err)
	}
	page := reporttest.Read(t, path)
	if diff := cmp.Diff(reporttest.Page{Title: r.Title, Text: page.Text, Links: want, Pictures: want}, page); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range append(hostile, r.Title, r.Facts[0].Value) {
		if !strings.Contains(page.Text, strings.TrimSpace(text)+"\n") {
			t.Errorf("the page does not show %q", text)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
