// Command shaders compiles shaders/*.comp into the SPIR-V that the project commits, and checks that it is fresh.
//
//	go run ./tools/shaders          compiles what changed, removes what has no source, writes spv/manifest.json
//	go run ./tools/shaders -check   changes nothing; exits 1 with one line for each stale module
//
// A source may declare variants of itself in its header, each a module of its own:
//
//	//! variant relu_forward_f16 -DFP16=1
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	check := flag.Bool("check", false, "change nothing; report every stale module and exit 1 if there is one")
	dir := flag.String("dir", "shaders", "folder of the sources; its spv folder receives the modules")
	compiler := flag.String("compiler", "glslangValidator", "glslang program to compile with")
	flag.Parse()

	tools, err := findTools(*compiler, "spirv-val")
	if err != nil {
		fail(err)
	}
	var complaints []string
	if *check {
		complaints, err = checkFresh(*dir, tools)
	} else {
		complaints, err = build(*dir, tools)
	}
	for _, c := range complaints {
		fmt.Fprintln(os.Stderr, c)
	}
	if err != nil {
		fail(err)
	}
	if len(complaints) > 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "shaders:", err)
	os.Exit(1)
}
