// The command line before it is parsed.

package main

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArguments(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{[]string{"train", "--crop-size", "64", "--no-flip"}, []string{"train", "--crop_size=64", "--no_flip", "--"}},
		{[]string{"train", "--n-layers-D=2", "-lr", "1e-4"}, []string{"train", "--n_layers_D=2", "--lr=1e-4", "--"}},
		{[]string{"train", "--name", "--a-b_c"}, []string{"train", "--name=--a-b_c", "--"}}, // values stay as they are
		{[]string{"train", "--name=x=y-z"}, []string{"train", "--name=x=y-z", "--"}},
		{[]string{"translate", "a-b.png", "--out", "o", "c_d.png"}, []string{"translate", "--out=o", "--", "a-b.png", "c_d.png"}},
		{[]string{"translate", "--out", "o", "--", "--help", "-x"}, []string{"translate", "--out=o", "--", "--help", "-x"}},
		{[]string{"translate", "-"}, []string{"translate", "--", "-"}},
		{[]string{"train", "-h"}, []string{"train", "--help", "--"}},
		{[]string{"train", "--cr", completionMark}, []string{"train", "--cr", completionMark}},
		{[]string{"--version"}, []string{"--version"}},
		{nil, nil},
	} {
		out, _, err := arguments(newApp(io.Discard, io.Discard), append([]string{"cyclegan"}, c.in...))
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if diff := cmp.Diff(append([]string{"cyclegan"}, c.want...), out); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.in, diff)
		}
	}
}
