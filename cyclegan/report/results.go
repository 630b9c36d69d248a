// Package report makes pages of pictures that a browser opens from the disk: what a model does with the test pictures, and how
// a training goes. The pages hold no script, ask for nothing that does not lie beside them, and name files by links that work
// wherever the folder is moved to.
package report

import (
	"embed"
	"html/template"
	"io"
	"net/url"
	"path"
	"strings"
)

//go:embed *.html *.css
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"link": link, "style": style}).ParseFS(files, "*.html"))

// link is the relative address of a file below the page's folder.
func link(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "./" + path.Join(parts...) // so that no name is taken for an address with a scheme
}

// style is the style sheet that all pages carry inside.
func style() (template.CSS, error) {
	text, err := files.ReadFile("style.css")
	return template.CSS(text), err
}

// Fact is a line about how the pictures were made.
type Fact struct{ Name, Value string }

// Results is the page of a test.
type Results struct {
	Title string
	Facts []Fact
	Rows  []Row
}

// Row is what is shown side by side: strips, one for each direction.
type Row struct{ Strips []Strip }

// Strip is one test picture with what became of it.
type Strip struct {
	Name     string
	Pictures []Picture
}

// Picture is a picture's label, its file below the folder of the page, with slashes, and its size in pixels.
type Picture struct {
	Label, File string
	W, H        int
}

// Write writes the page.
func (r *Results) Write(w io.Writer) error { return pages.ExecuteTemplate(w, "results.html", r) }
