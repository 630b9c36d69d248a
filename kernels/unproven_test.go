// What never ran is next to what did: the modules of unproven matrices are those that are proven, but for types.

package kernels

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cyclevk/shaders"
)

func TestParseUnproven(t *testing.T) {
	for list, want := range map[string]Unproven{
		"": {}, "bf16": {BFloat16: true}, "workgroup": {Workgroup: true}, "bf16,workgroup": {BFloat16: true, Workgroup: true}, " workgroup, bf16": {BFloat16: true, Workgroup: true},
	} {
		if got, err := ParseUnproven(list); got != want || err != nil {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
	for _, list := range []string{"fp16", "bf16;workgroup", "bf16,all", "BF16"} {
		if _, err := ParseUnproven(list); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q: use bf16, workgroup or both", list)) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// TestUnprovenModulesAreTheProven compares SPIR-V: the same instructions in the same order, but that matrices are of another scope, and
// their factors of another type, which has capabilities and an extension of its own.
func TestUnprovenModulesAreTheProven(t *testing.T) {
	const opExtension, opCapability, opTypeFloat, opConstant, opTypeCooperativeMatrix = 10, 17, 22, 43, 4456
	const float16, bfloat16Type, bfloat16Matrix, subgroup, workgroup = 9, 5116, 5118, 3, 2
	type module struct {
		order        []uint32 // of instructions
		capabilities map[uint32]bool
		encodings    int      // types of floats that are not IEEE's
		scopes       []uint32 // of matrices
	}
	read := func(name string) (m module) {
		code, err := shaders.SPIRV(name)
		if err != nil {
			t.Fatal(err)
		}
		m.capabilities = map[uint32]bool{}
		value := map[uint32]uint32{}
		word := func(at int) uint32 { return binary.LittleEndian.Uint32(code[4*at:]) }
		for at := 5; 4*at < len(code); at += int(word(at) >> 16) {
			switch op := word(at) & 0xffff; op {
			case opCapability:
				m.capabilities[word(at+1)] = true
			case opExtension:
			case opConstant:
				value[word(at+2)] = word(at + 3)
			case opTypeFloat:
				m.encodings += int(word(at)>>16) - 3
				m.order = append(m.order, op)
			case opTypeCooperativeMatrix:
				m.scopes = append(m.scopes, value[word(at+3)])
				fallthrough
			default:
				m.order = append(m.order, op)
			}
		}
		return m
	}
	for _, kernel := range []string{"conv_forward", "conv_data_grad", "conv_weight_grad"} {
		for _, add := range []string{"_half", "_add_half"} {
			proven := read(kernel + "_matrix" + add)
			if proven.encodings != 0 || !slices.Equal(proven.scopes, []uint32{subgroup, subgroup, subgroup}) {
				t.Errorf("%s%s: scopes %v", kernel, add, proven.scopes)
			}
			for _, u := range []Unproven{{BFloat16: true}, {Workgroup: true}, {BFloat16: true, Workgroup: true}} {
				name, scope := kernel+"_matrix", uint32(subgroup)
				if u.Workgroup {
					name, scope = name+"_workgroup", workgroup
				}
				if u.BFloat16 {
					name += "_bf16"
				}
				name += add
				m := read(name)
				if UnprovenOf(name) != u || UnprovenOf(kernel+"_matrix"+add) != (Unproven{}) {
					t.Errorf("%s is of %+v", name, UnprovenOf(name))
				}
				if !slices.Equal(m.order, proven.order) {
					t.Errorf("%s has other instructions than %s_matrix%s", name, kernel, add)
				}
				if !slices.Equal(m.scopes, []uint32{scope, scope, scope}) || m.encodings != int(constant(u.BFloat16)) {
					t.Errorf("%s: scopes %v, %d types of bf16", name, m.scopes, m.encodings)
				}
				if c := m.capabilities; c[float16] == u.BFloat16 || c[bfloat16Type] != u.BFloat16 || c[bfloat16Matrix] != u.BFloat16 {
					t.Errorf("%s: capabilities %v", name, c)
				}
			}
		}
	}
}
