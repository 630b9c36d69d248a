// The page, as text and, where there is a Chromium, as a browser shows it.

package profile

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// writePage writes the page of a sample with both modes.
func writePage(t *testing.T) (path, text string) {
	t.Helper()
	m := sample("", 1)
	m.Runs[Concurrent] = m.Runs[Isolated]
	m.Pipelines = []Pipeline{{[]string{"conv"}, "conv_forward", []uint32{8, 4}, []Executable{{hostile, "", 32, []Statistic{{hostile, "", 40}}}}}}
	var out bytes.Buffer
	if err := m.Report().HTML(&out); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path, out.String()
}

func TestPageIsSelfContained(t *testing.T) {
	_, text := writePage(t)
	text = strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "") // a name, not a place
	for _, reference := range []string{"http:", "https:", "src=", "href=", "@import", "url("} {
		if strings.Contains(text, reference) {
			t.Errorf("the page refers to something outside: %s", reference)
		}
	}
	if strings.Contains(text, hostile) || strings.Count(text, "<script") != 2 {
		t.Error("names are not escaped")
	}
}

func TestPageInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium")
	}
	path, _ := writePage(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--user-data-dir="+t.TempDir(), "file://"+path)
	cmd.WaitDelay = time.Second
	dom, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	count := func(pattern string) int { return len(regexp.MustCompile(pattern).FindAll(dom, -1)) }
	for what, c := range map[string][2]int{
		"rows of the table":     {count(`<tr><td>`), 3},
		"pipelines":             {count(`<tr class="pipeline"><td>conv</td><td>conv_forward</td><td>8 4</td><td>32</td><td>40</td></tr>`), 1},
		"circles":               {count(`<circle `), 1}, // kernels with operations
		"bars":                  {count(`<rect `), 4 + 2},
		"modes":                 {count(`<option>(isolated|concurrent)</option>`), 2},
		"headings that sort":    {count(`<button type="button">`), 10},
		"tiles":                 {count(`<b>[^<]+</b><span>`), 6},
		"pages that were taken": {count(`<title>broken`), 0},
	} {
		if c[0] != c[1] {
			t.Errorf("%d %s, want %d", c[0], what, c[1])
		}
	}
	first := regexp.MustCompile(`<tbody><tr><td>([^<]*)</td><td>2</td><td>([^<]*)`).FindSubmatch(dom)
	if got := fmt.Sprintf("%s", first); first == nil || string(first[1]) != "conv" || string(first[2]) != "200.000" {
		t.Errorf("the table begins with %s", got)
	}
}
