// Package reporttest holds pages to what they promise: no script, nothing from elsewhere, and no link to a file that is not
// there.
package reporttest

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// elements are those that a page is made of. Whatever a name smuggles in is another one, or has an attribute of no use here.
var (
	elements = strings.Fields("html head meta title style body h1 h2 dl div dt dd section figure figcaption a img svg polyline path text ul li i nav span")
	harmless = strings.Fields("charset class content name alt width height loading lang viewbox preserveaspectratio points d x y text-anchor dominant-baseline role aria-label")
)

// Page is what a browser would make of a page.
type Page struct {
	Title    string
	Text     string   // of the body, the parts separated by lines
	Links    []string // the files, as the page's folder has them, in the order of the page
	Pictures []string // those of img
}

// Read parses the page at path and reports whatever is not as it should be.
func Read(t testing.TB, path string) Page {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	root, err := html.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	var page Page
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			switch text := strings.TrimSpace(n.Data); {
			case n.Parent.Data == "title":
				page.Title = text
			case n.Parent.Data != "style" && text != "":
				page.Text += text + "\n"
			case n.Parent.Data == "style" && (strings.Contains(text, "url(") || strings.Contains(text, "@import")):
				t.Errorf("%s: the style sheet asks for other files", path)
			}
		case html.ElementNode:
			if !slices.Contains(elements, n.Data) {
				t.Errorf("%s has an element <%s>", path, n.Data)
			}
			for _, a := range n.Attr {
				switch {
				case n.Data == "a" && a.Key == "href":
					page.Links = append(page.Links, file(t, path, a.Val))
				case n.Data == "img" && a.Key == "src":
					page.Pictures = append(page.Pictures, file(t, path, a.Val))
				case !slices.Contains(harmless, strings.ToLower(a.Key)):
					t.Errorf("%s: <%s> has an attribute %s=%q", path, n.Data, a.Key, a.Val)
				}
			}
		}
	}
	return page
}

// file is the existing file that a link of a page means, below the page's folder.
func file(t testing.TB, page, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "" || u.Host != "" || u.RawQuery != "" || u.Fragment != "" {
		t.Errorf("%s links to %q, which is no relative path (%v)", page, link, err)
		return ""
	}
	name := filepath.FromSlash(strings.TrimPrefix(u.Path, "./"))
	if !filepath.IsLocal(name) {
		t.Errorf("%s links to %q, which leaves its folder", page, link)
		return ""
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(page), name)); err != nil {
		t.Errorf("%s links to %q: %v", page, link, err)
	}
	return filepath.ToSlash(name)
}
