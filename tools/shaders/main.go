// Command shaders compiles shaders/*.comp into the SPIR-V that the project commits, and checks that it is fresh.
//
//	go run ./tools/shaders          compiles what changed, removes what has no source, writes spv/manifest.json
//	go run ./tools/shaders -check   changes nothing; exits 1 with one line for each stale module
//
// A source may declare variants of itself in its header, each a module of its own:
//
//	//! variant relu_forward_f16 -DFP16=1
//
// and say that it needs a compiler newer than the others do, by its major version: above all variants for the whole source, or above those
// that do. Such modules are compiled and checked by the program glslang where -compiler is too old; where that is missing, or too old as
// well, -check looks at their hashes alone and says so:
//
//	//! glslang 13
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "change nothing; report every stale module and exit 1 if there is one")
	dir := flag.String("dir", "shaders", "folder of the sources; its spv folder receives the modules")
	compiler := flag.String("compiler", "glslangValidator", "glslang program to compile with")
	flag.Parse()

	tools, err := findTools([]string{*compiler, "glslang"}, "spirv-val")
	if err != nil {
		fail(err)
	}
	var complaints, unseen []string
	if *check {
		complaints, unseen, err = checkFresh(*dir, tools)
	} else {
		complaints, err = build(*dir, tools)
	}
	for _, c := range complaints {
		fmt.Fprintln(os.Stderr, c)
	}
	if err != nil {
		fail(err)
	}
	if len(unseen) > 0 {
		fmt.Fprintf(os.Stderr, "shaders: no glslang on the PATH is new enough for %s: only their hashes were checked\n", strings.Join(unseen, ", "))
	}
	if len(complaints) > 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "shaders:", err)
	os.Exit(1)
}
