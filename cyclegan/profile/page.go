// Pages: a report as one HTML file that needs nothing else.

package profile

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// HTML writes the report as a page with a roofline plot, the timeline of each mode's typical run and a table that sorts.
func (r *Report) HTML(w io.Writer) error { return page.Execute(w, r) }
