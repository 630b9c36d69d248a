// The pickle machine: the instructions of protocol 2 and 3 that state dicts are made of, over values that hold no code.

package pth

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// The instructions that are carried out.
const (
	opMark           = '('
	opStop           = '.'
	opBinFloat       = 'G'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opBinInt2        = 'M'
	opNone           = 'N'
	opBinPersID      = 'Q'
	opReduce         = 'R'
	opBinString      = 'T'
	opShortBinString = 'U'
	opBinUnicode     = 'X'
	opEmptyList      = ']'
	opAppend         = 'a'
	opBuild          = 'b'
	opGlobal         = 'c'
	opAppends        = 'e'
	opBinGet         = 'h'
	opLongBinGet     = 'j'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opSetItem        = 's'
	opTuple          = 't'
	opEmptyTuple     = ')'
	opSetItems       = 'u'
	opEmptyDict      = '}'
	opProto          = 0x80
	opTuple1         = 0x85
	opTuple2         = 0x86
	opTuple3         = 0x87
	opNewTrue        = 0x88
	opNewFalse       = 0x89
	opLong1          = 0x8a
)

// refusedOps are names for messages; any other instruction is refused too.
var refusedOps = map[byte]string{
	'0': "POP", '1': "POP_MARK", '2': "DUP", 'F': "FLOAT", 'I': "INT", 'L': "LONG", 'P': "PERSID", 'S': "STRING", 'V': "UNICODE",
	'd': "DICT", 'g': "GET", 'i': "INST", 'l': "LIST", 'o': "OBJ", 'p': "PUT", 'B': "BINBYTES", 'C': "SHORT_BINBYTES",
	0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8b: "LONG4", 0x8c: "SHORT_BINUNICODE", 0x8d: "BINUNICODE8",
	0x8e: "BINBYTES8", 0x8f: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x93: "STACK_GLOBAL",
	0x94: "MEMOIZE", 0x95: "FRAME", 0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
}

// Values are nil, bool, int, float64, string, tuple, *list, *dict, and what names.go makes of the allowed names.
type (
	tuple []any
	list  struct{ items []any }
	dict  struct{ keys, values []any } // dict and OrderedDict alike
)

// unpickler runs one pickle after another.
type unpickler struct {
	in    []byte
	at    int // into in
	nodes int // made so far, in all pickles of the file

	stack    []any
	marks    []int // lengths of the stack at its marks
	memo     map[uint32]any
	storages map[string]*storage
}

func newUnpickler(in []byte) *unpickler {
	return &unpickler{in: in, storages: map[string]*storage{}}
}

// next runs the pickle at the current place up to its STOP and returns what it makes.
func (u *unpickler) next() (any, error) {
	u.stack, u.marks, u.memo = u.stack[:0], u.marks[:0], map[uint32]any{}
	for {
		start := u.at
		op, err := u.byte()
		if err == nil && op == opStop {
			if len(u.stack) != 1 || len(u.marks) != 0 {
				return nil, fmt.Errorf("pickle at byte %d: ends with %d values and %d marks on its stack", start, len(u.stack), len(u.marks))
			}
			return u.stack[0], nil
		}
		if err == nil {
			err = u.do(op)
		}
		if err != nil {
			return nil, fmt.Errorf("pickle at byte %d: %w", start, err)
		}
	}
}

// do carries out one instruction.
func (u *unpickler) do(op byte) error {
	switch op {
	case opProto:
		v, err := u.byte()
		if err == nil && v != 2 && v != 3 {
			err = fmt.Errorf("protocol %d, torch.save writes 2: save the file with PyTorch's default protocol", v)
		}
		return err
	case opMark:
		u.marks = append(u.marks, len(u.stack))
		return u.count()
	case opEmptyTuple:
		return u.push(tuple{})
	case opEmptyList:
		return u.push(&list{})
	case opEmptyDict:
		return u.push(&dict{})
	case opTuple1, opTuple2, opTuple3:
		v, err := u.pop(int(op) - opTuple1 + 1)
		if err != nil {
			return err
		}
		return u.push(tuple(v))
	case opTuple:
		v, err := u.popMark()
		if err != nil {
			return err
		}
		return u.push(tuple(v))
	case opAppend, opAppends, opSetItem, opSetItems:
		return u.fill(op)
	case opBinPut, opLongBinPut, opBinGet, opLongBinGet:
		return u.remember(op)
	case opGlobal:
		return u.global()
	case opReduce, opBuild:
		v, err := u.pop(2)
		if err != nil {
			return err
		}
		result := v[0]
		if op == opBuild {
			err = build(v[0], v[1])
		} else {
			result, err = reduce(v[0], v[1])
		}
		if err != nil {
			return err
		}
		return u.push(result)
	case opBinPersID:
		v, err := u.pop(1)
		if err != nil {
			return err
		}
		s, err := u.persistent(v[0])
		if err != nil {
			return err
		}
		return u.push(s)
	}
	return u.literal(op)
}

// literal pushes a number, a string, a bool or None.
func (u *unpickler) literal(op byte) error {
	var v any
	switch op {
	case opNone:
	case opNewTrue, opNewFalse:
		v = op == opNewTrue
	case opBinInt, opBinInt1, opBinInt2:
		b, err := u.bytes(intWidth(op))
		if err != nil {
			return err
		}
		v = signed(append(make([]byte, 0, 8), b...), op == opBinInt)
	case opLong1:
		n, err := u.byte()
		if err != nil {
			return err
		}
		b, err := u.bytes(int(n))
		if err != nil {
			return err
		}
		if n > 8 {
			return fmt.Errorf("a number of %d bytes, no size or stride has more than 8", n)
		}
		v = signed(append(make([]byte, 0, 8), b...), true)
	case opBinFloat:
		b, err := u.bytes(8)
		if err != nil {
			return err
		}
		v = math.Float64frombits(binary.BigEndian.Uint64(b))
	case opBinUnicode, opBinString, opShortBinString:
		s, err := u.text(op)
		if err != nil {
			return err
		}
		v = s
	default:
		if name, ok := refusedOps[op]; ok {
			return fmt.Errorf("instruction %s, which no state dict needs: nothing was executed; take weights saved with torch.save(net.state_dict(), …)", name)
		}
		return fmt.Errorf("instruction 0x%02x is unknown: the file is damaged", op)
	}
	return u.push(v)
}

func intWidth(op byte) int {
	switch op {
	case opBinInt:
		return 4
	case opBinInt2:
		return 2
	}
	return 1
}

// signed is a little-endian number of at most 8 bytes, in two's complement where asked for.
func signed(b []byte, sign bool) int {
	var fill byte
	if sign && len(b) > 0 && b[len(b)-1] >= 0x80 {
		fill = 0xff
	}
	for len(b) < 8 {
		b = append(b, fill)
	}
	return int(int64(binary.LittleEndian.Uint64(b)))
}

// text reads a string; Python 2 wrote its keys as byte strings.
func (u *unpickler) text(op byte) (string, error) {
	width := 4
	if op == opShortBinString {
		width = 1
	}
	b, err := u.bytes(width)
	if err != nil {
		return "", err
	}
	n := signed(append(make([]byte, 0, 8), b...), false)
	if b, err = u.bytes(n); err != nil {
		return "", fmt.Errorf("a string of %d bytes: %w", n, err)
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("a string that is not UTF-8")
	}
	return string(b), nil
}

// fill appends to a list or sets items of a dict.
func (u *unpickler) fill(op byte) (err error) {
	var v []any
	switch op {
	case opAppend:
		v, err = u.pop(1)
	case opSetItem:
		v, err = u.pop(2)
	default:
		v, err = u.popMark()
	}
	if err != nil {
		return err
	}
	if len(u.stack) == u.floor() {
		return errStack
	}
	switch into := u.stack[len(u.stack)-1].(type) {
	case *list:
		if op == opAppend || op == opAppends {
			into.items = append(into.items, v...)
			return nil
		}
	case *dict:
		if (op == opSetItem || op == opSetItems) && len(v)%2 == 0 {
			for i := 0; i < len(v); i += 2 {
				into.keys, into.values = append(into.keys, v[i]), append(into.values, v[i+1])
			}
			return nil
		}
	}
	return fmt.Errorf("items for what is no list or dict")
}

// remember stores the top of the stack in the memo, or pushes what the memo holds.
func (u *unpickler) remember(op byte) error {
	width := 1
	if op == opLongBinPut || op == opLongBinGet {
		width = 4
	}
	b, err := u.bytes(width)
	if err != nil {
		return err
	}
	i := uint32(signed(append(make([]byte, 0, 8), b...), false))
	if op == opBinGet || op == opLongBinGet {
		v, ok := u.memo[i]
		if !ok {
			return fmt.Errorf("memo %d is empty", i)
		}
		return u.push(v)
	}
	if len(u.stack) == u.floor() {
		return errStack
	}
	u.memo[i] = u.stack[len(u.stack)-1]
	return u.count()
}

// global pushes an allowed name.
func (u *unpickler) global() error {
	module, err := u.line()
	if err != nil {
		return err
	}
	name, err := u.line()
	if err != nil {
		return err
	}
	g, err := allow(module + "." + name)
	if err != nil {
		return err
	}
	return u.push(g)
}

var errStack = fmt.Errorf("its stack holds too little: the file is damaged")

// errEnd is wrapped where a pickle ends before its STOP.
var errEnd = fmt.Errorf("ends in the middle: the file is cut off or damaged, take an intact copy")

func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	return u.count()
}

func (u *unpickler) count() error {
	if u.nodes++; u.nodes > maxNodes {
		return fmt.Errorf("more than %d values: no state dict of a network needs as many", maxNodes)
	}
	return nil
}

// floor is the length below which the stack belongs to what stands before the last mark.
func (u *unpickler) floor() int {
	if n := len(u.marks); n > 0 {
		return u.marks[n-1]
	}
	return 0
}

func (u *unpickler) pop(n int) ([]any, error) {
	at := len(u.stack) - n
	if at < u.floor() {
		return nil, errStack
	}
	return u.take(at), nil
}

func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, errStack
	}
	at := u.floor()
	u.marks = u.marks[:len(u.marks)-1]
	return u.take(at), nil
}

// take copies the end of the stack and cuts it off.
func (u *unpickler) take(at int) []any {
	v := append(make([]any, 0, len(u.stack)-at), u.stack[at:]...)
	clear(u.stack[at:])
	u.stack = u.stack[:at]
	return v
}

func (u *unpickler) byte() (byte, error) {
	b, err := u.bytes(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (u *unpickler) bytes(n int) ([]byte, error) {
	if n < 0 || n > len(u.in)-u.at {
		return nil, errEnd
	}
	u.at += n
	return u.in[u.at-n : u.at], nil
}

// line reads up to a newline, which is left out.
func (u *unpickler) line() (string, error) {
	for i := u.at; i < len(u.in) && i < u.at+maxName; i++ {
		if u.in[i] == '\n' {
			s := string(u.in[u.at:i])
			u.at = i + 1
			return s, nil
		}
	}
	return "", fmt.Errorf("a name without an end: %w", errEnd)
}
