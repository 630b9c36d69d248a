// The rules, and for each a case that breaks it.

package layout

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module   = "cyclevk/"
	maxLines = 500
)

// pkg is what go list says of a package.
type pkg struct {
	ImportPath                               string
	Imports, TestImports, XTestImports, Deps []string
}

// layers orders the top-level folders: a package may import only from layers below its own, and from packages beside it
// in its own folder. Tools stand outside: they may import anything, and nothing imports them. What lies in cmd/internal is the
// programs' alone, which the compiler sees to.
var layers = map[string]int{"shaders": 0, "vk": 0, "kernels": 1, "cyclegan": 2, "cmd": 3, "tools": 4}

func layer(importPath string) (name string, rank int) {
	name, _, _ = strings.Cut(strings.TrimPrefix(importPath, module), "/")
	return name, layers[name]
}

func importFaults(p pkg) (faults []string) {
	own, rank := layer(p.ImportPath)
	if _, known := layers[own]; !known {
		faults = append(faults, fmt.Sprintf("%s: no layer is called %q: see layers in tools/layout", p.ImportPath, own))
	}
	for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
		name, other := layer(imported)
		if strings.HasPrefix(imported, module) && other >= rank && name != own {
			faults = append(faults, fmt.Sprintf("%s imports %s, which is not below it", p.ImportPath, imported))
		}
	}
	for _, dep := range p.Deps {
		if strings.Contains(dep, "glfw") && p.ImportPath != module+"cmd/cyclegan-live" {
			faults = append(faults, fmt.Sprintf("%s depends on %s: only cmd/cyclegan-live may need a window system", p.ImportPath, dep))
		}
	}
	return faults
}

// boundaryFaults keeps the binding, unsafe and cgo within vk, in every file whatever its build tags.
func boundaryFaults(f file) (faults []string) {
	if strings.HasPrefix(f.path, "vk/") {
		return nil
	}
	for _, imported := range parse(f).imports() {
		if imported == "unsafe" || imported == "C" || strings.HasPrefix(imported, "github.com/vulkan-go/") {
			faults = append(faults, fmt.Sprintf("%s imports %q: only vk may", f.path, imported))
		}
	}
	return faults
}

// libraryFaults finds what only a program may do: log, print, panic, exit.
func libraryFaults(f file) (faults []string) {
	if name, _ := layer(f.path); name == "cmd" || name == "tools" || strings.HasSuffix(f.path, "_test.go") {
		return nil
	}
	tree := parse(f)
	for _, imported := range tree.imports() {
		if imported == "log" || strings.HasPrefix(imported, "log/") {
			faults = append(faults, fmt.Sprintf("%s imports %q: a library returns errors", f.path, imported))
		}
	}
	forbidden := regexp.MustCompile(`^(panic|print|println|fmt\.Print.*|os\.(Exit|Stdout|Stderr))$`)
	ast.Inspect(tree.File, func(n ast.Node) bool {
		var used string
		switch n := n.(type) {
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok {
				used = id.Name
			}
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok {
				used = id.Name + "." + n.Sel.Name
			}
		}
		if forbidden.MatchString(used) {
			faults = append(faults, fmt.Sprintf("%s:%d: %s: a library returns errors", f.path, tree.fset.Position(n.Pos()).Line, used))
		}
		return true
	})
	return faults
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func lengthFaults(f file) []string {
	if n := strings.Count(f.text, "\n"); n > maxLines {
		return []string{fmt.Sprintf("%s has %d lines: split it, %d at most", f.path, n, maxLines)}
	}
	return nil
}

// commentMark is how a comment begins in a file of that name; empty for what is no hand-written source.
func commentMark(name string) string {
	switch path.Ext(name) {
	case ".go", ".comp", ".glsl", ".c", ".h":
		return "//"
	case ".sh", ".py":
		return "#"
	}
	return ""
}

// openingFaults wants the reason why a file exists before anything else. In Go it may also follow the package clause.
func openingFaults(f file) []string {
	opens := strings.HasPrefix(f.text, commentMark(f.path)+" ") || strings.HasPrefix(f.text, "/*")
	switch path.Ext(f.path) {
	case ".go":
		opens = parse(f).opensWithComment()
	case ".sh", ".py":
		_, rest, _ := strings.Cut(f.text, "\n")
		opens = opens || strings.HasPrefix(f.text, `"""`) ||
			strings.HasPrefix(f.text, "#!") && (strings.HasPrefix(rest, "# ") || strings.HasPrefix(rest, `"""`))
	}
	if !opens {
		return []string{f.path + " does not open with a comment on why it exists"}
	}
	return nil
}

// shaderFaults wants every shader named, as a whole string, by a kernel that launches it and by a test or check of it.
func shaderFaults(files []file) (faults []string) {
	launched, proven := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		if !strings.HasPrefix(f.path, "kernels/") || path.Ext(f.path) != ".go" {
			continue
		}
		names := launched
		if strings.HasSuffix(f.path, "_test.go") || strings.HasSuffix(f.path, "_check.go") {
			names = proven
		}
		ast.Inspect(parse(f).File, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					names[s] = true
				}
			}
			return true
		})
	}
	for _, f := range files {
		name := strings.TrimSuffix(path.Base(f.path), ".comp")
		if path.Dir(f.path) != "shaders" || path.Ext(f.path) != ".comp" {
			continue
		}
		if !launched[name] {
			faults = append(faults, fmt.Sprintf("%s: no kernel launches it: name %q in kernels/", f.path, name))
		}
		if !proven[name] {
			faults = append(faults, fmt.Sprintf("%s: no test covers it: name %q in a _test.go or _check.go of kernels/", f.path, name))
		}
	}
	return faults
}

// rowFaults wants workgroups numbered as vk.Launch has them, so that it can cut a dispatch.
func rowFaults(f file) []string {
	const number, row = "gl_NumWorkGroups", "gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x"
	if ext := path.Ext(f.path); ext != ".comp" && ext != ".glsl" || strings.Count(f.text, number) == strings.Count(f.text, row) {
		return nil
	}
	return []string{fmt.Sprintf("%s reads %s: for nothing but %s, since dispatches are cut", f.path, number, row)}
}

// tree is a parsed Go file.
type tree struct {
	*ast.File
	fset *token.FileSet
}

// parse leaves syntax errors to the compiler.
func parse(f file) tree {
	fset := token.NewFileSet()
	parsed, _ := parser.ParseFile(fset, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution)
	return tree{parsed, fset}
}

func (t tree) imports() (paths []string) {
	for _, spec := range t.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// opensWithComment is true where prose stands above the first declaration and is not that declaration's own.
func (t tree) opensWithComment() bool {
	if len(t.Comments) == 0 {
		return false
	}
	end := t.FileEnd
	if len(t.Decls) > 0 {
		end = t.Decls[0].Pos()
		switch d := t.Decls[0].(type) {
		case *ast.FuncDecl:
			if d.Doc != nil {
				end = d.Doc.Pos()
			}
		case *ast.GenDecl:
			if d.Doc != nil {
				end = d.Doc.Pos()
			}
		}
	}
	return slices.ContainsFunc(t.Comments, func(c *ast.CommentGroup) bool {
		return c.Pos() < end && strings.TrimSpace(c.Text()) != "" // Text leaves directives out
	})
}

func TestRulesFindFaults(t *testing.T) {
	long := "// Why.\n" + strings.Repeat("\n", maxLines)
	for _, c := range []struct {
		name   string
		faults []string
		want   int
	}{
		{"downwards", importFaults(pkg{ImportPath: "cyclevk/kernels", Imports: []string{"cyclevk/vk", "fmt"}}), 0},
		{"beside, in cyclegan", importFaults(pkg{ImportPath: "cyclevk/cyclegan", Imports: []string{"cyclevk/cyclegan/data"}}), 0},
		{"own external test", importFaults(pkg{ImportPath: "cyclevk/vk", XTestImports: []string{"cyclevk/vk"}}), 0},
		{"upwards", importFaults(pkg{ImportPath: "cyclevk/kernels", Imports: []string{"cyclevk/cyclegan"}}), 1},
		{"sideways", importFaults(pkg{ImportPath: "cyclevk/vk", Imports: []string{"cyclevk/shaders"}}), 1},
		{"upwards in a test", importFaults(pkg{ImportPath: "cyclevk/vk", TestImports: []string{"cyclevk/kernels"}}), 1},
		{"a tool in a program", importFaults(pkg{ImportPath: "cyclevk/cmd/cyclegan", Imports: []string{"cyclevk/tools/shaders"}}), 1},
		{"unknown layer", importFaults(pkg{ImportPath: "cyclevk/util"}), 1},
		{"window library", importFaults(pkg{ImportPath: "cyclevk/cmd/cyclegan", Deps: []string{"github.com/go-gl/glfw/v3.3/glfw"}}), 1},
		{"window library of the window program", importFaults(pkg{ImportPath: "cyclevk/cmd/cyclegan-live", Deps: []string{"github.com/go-gl/glfw/v3.3/glfw"}}), 0},
		{"what programs share", importFaults(pkg{ImportPath: "cyclevk/cmd/cyclegan-live", Imports: []string{"cyclevk/cmd/internal/app"}}), 0},
		{"unsafe in vk", boundaryFaults(file{"vk/a.go", "package vk\nimport \"unsafe\""}), 0},
		{"unsafe", boundaryFaults(file{"kernels/a_test.go", "package kernels\nimport \"unsafe\""}), 1},
		{"cgo", boundaryFaults(file{"cyclegan/a.go", "//go:build mpi\npackage cyclegan\nimport \"C\""}), 1},
		{"binding", boundaryFaults(file{"cmd/a/a.go", "package main\nimport vk \"github.com/vulkan-go/vulkan\""}), 1},
		{"quiet library", libraryFaults(file{"vk/a.go", "package vk\nfunc f() string { return fmt.Sprint(1) }"}), 0},
		{"printing program", libraryFaults(file{"cmd/a/a.go", "package main\nfunc main() { println(1); panic(2) }"}), 0},
		{"logging", libraryFaults(file{"vk/a.go", "package vk\nimport (\"log\"; \"log/slog\")"}), 2},
		{"panic, exit, print", libraryFaults(file{"kernels/a.go", "package kernels\nfunc f() { panic(1); os.Exit(2); fmt.Println(3) }"}), 3},
		{"print to a stream", libraryFaults(file{"cyclegan/a.go", "package cyclegan\nfunc f() { fmt.Fprintln(os.Stderr) }"}), 1},
		{"500 lines", lengthFaults(file{"a.go", long[:len(long)-1]}), 0},
		{"501 lines", lengthFaults(file{"a.go", long}), 1},
		{"package comment", openingFaults(file{"a.go", "// Why.\npackage a\n"}), 0},
		{"comment below the package clause", openingFaults(file{"a.go", "package a\n\n// Why.\n\n// F does.\nfunc F() {}\n"}), 0},
		{"no comment", openingFaults(file{"a.go", "package a\n\nfunc F() {}\n"}), 1},
		{"a function's own comment", openingFaults(file{"a.go", "package a\n\n// F does.\nfunc F() {}\n"}), 1},
		{"a directive alone", openingFaults(file{"a.go", "//go:build linux\n\npackage a\n"}), 1},
		{"shader without comment", openingFaults(file{"a.comp", "#version 450\n"}), 1},
		{"script", openingFaults(file{"a.sh", "#!/bin/sh\n# Why.\n"}), 0},
		{"script without comment", openingFaults(file{"a.py", "#!/usr/bin/env python3\nimport os\n"}), 1},
		{"rows", rowFaults(file{"a.glsl", "int workgroup() { return int(gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x); }"}), 0},
		{"rows of another axis", rowFaults(file{"a.comp", "uint i = gl_WorkGroupID.z * gl_NumWorkGroups.x + gl_WorkGroupID.x;"}), 1},
		{"shader covered", shaderFaults([]file{{"shaders/a.comp", ""}, {"kernels/a.go", "package k\nvar s = \"a\""}, {"kernels/a_check.go", "package k\nvar c = \"a\""}}), 0},
		{"shader without test", shaderFaults([]file{{"shaders/a.comp", ""}, {"kernels/a.go", "package k\nvar s = \"a\""}}), 1},
		{"shader without kernel", shaderFaults([]file{{"shaders/a.comp", ""}, {"kernels/a_test.go", "package k\nvar s = \"a\""}}), 1},
	} {
		if len(c.faults) != c.want {
			t.Errorf("%s: %d faults, want %d: %q", c.name, len(c.faults), c.want, c.faults)
		}
	}
}
