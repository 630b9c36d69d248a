// Files that are damaged, made to deceive or of another kind: each ends in an error that names the reason, without a panic, and
// without taking more than the file and 64 MiB of memory.

package pth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// hostileFiles are files by what is wrong with them, and a part of the error.
func hostileFiles(t testing.TB) map[string]struct {
	raw  []byte
	want string
} {
	type bad = struct {
		raw  []byte
		want string
	}
	z := func(parts ...any) []byte { return zipped(t, pickle(parts...)) }
	of := func(n, offset int, shape, stride []int) []byte {
		return z(stateDict("w", tensor(n, offset, shape, stride)))
	}
	good := z(oneTensor)
	system := asm{}.add(global("os", "system"), "echo", byte(opTuple1), 'R')
	bomb := asm{}.add('}', '(') // each dict holds the one before ten times
	for i := range 40 {
		bomb = bomb.add(fmt.Sprint(i), '}', 'q', byte(i), '(')
		for k := range 10 {
			bomb = bomb.add(fmt.Sprint(k))
			if i == 0 {
				bomb = bomb.add("leaf")
			} else {
				bomb = bomb.add('h', byte(i-1))
			}
		}
		bomb = bomb.add('u')
	}
	bomb = bomb.add('u')
	// A tuple of two equal tuples, sixty times over: never written out.
	tower := append(asm{}.add(')'), bytes.Repeat([]byte{'q', 0, 'h', 0, opTuple2}, 60)...)
	deep := asm{}
	for range 100 {
		deep = deep.add('}', "k")
	}
	deep = deep.add("leaf", bytes.Repeat([]byte{'s'}, 100))
	long := func(n byte) asm { return append(asm{opLong1, n}, bytes.Repeat([]byte{1}, int(n))...) }
	huge := asm{opBinUnicode, 0xff, 0xff, 0xff, 0xff}
	count := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	key0 := asm{}.add(']', '(', "0", 'e')
	zeros := make([]byte, 24<<20)

	return map[string]bad{
		// Code.
		"REDUCE of os.system":          {z(stateDict("w", system)), "os.system"},
		"REDUCE of posix.system":       {z(global("posix", "system"), "id", byte(opTuple1), 'R'), "posix.system"},
		"builtins.eval":                {z(global("builtins", "eval"), "1", byte(opTuple1), 'R'), "builtins.eval"},
		"operator.methodcaller":        {z(global("operator", "methodcaller"), "x", byte(opTuple1), 'R'), "operator.methodcaller"},
		"an allowed name, longer":      {z(global("collections", "OrderedDict.__init__")), "OrderedDict.__init__"},
		"torch's own gadget":           {z(global("torch.hub", "load"), ')', 'R'), "torch.hub.load"},
		"numpy's loader":               {z(global("numpy", "load"), ')', 'R'), "numpy.load"},
		"STACK_GLOBAL":                 {z("os", "system", byte(0x93)), "STACK_GLOBAL"},
		"INST":                         {z('(', 'i', []byte("os\nsystem\n")), "INST"},
		"OBJ":                          {z('(', global("collections", "OrderedDict"), 'o'), "OBJ"},
		"EXT1":                         {z(byte(0x82), byte(1)), "EXT1"},
		"EXT4":                         {z(byte(0x84), byte(1), byte(0), byte(0), byte(0)), "EXT4"},
		"NEWOBJ":                       {z(global("collections", "OrderedDict"), ')', byte(0x81)), "NEWOBJ"},
		"NEWOBJ_EX":                    {z(global("collections", "OrderedDict"), ')', '}', byte(0x92)), "NEWOBJ_EX"},
		"PERSID":                       {z('P', []byte("x\n")), "PERSID"},
		"REDUCE of a string":           {z("os.system", ')', 'R'), "REDUCE of a string"},
		"REDUCE of a storage's class":  {z(global("torch", "FloatStorage"), ')', 'R'), "makes nothing"},
		"BUILD of attributes":          {z(stateDict(), stateDict("__class__", "x"), 'b'), "__class__"},
		"BUILD of a tensor":            {z(tensor(4, 0, []int{4}, []int{1}), stateDict("a", "b"), 'b'), "BUILD of a tensor"},
		"a payload behind the pickle":  {zipped(t, append(pickle(oneTensor), pickle(system)...)), "behind the end of the pickle"},
		"a payload as second pickle":   {legacyOf(opNewTrue, oneTensor, system, count(4), fourValues()), "os.system"},
		"a payload behind the storage": {append(legacy(oneTensor), pickle(system)...), "behind the last storage"},
		"a module":                     {z('(', "module", global("collections", "OrderedDict"), "f.py", "source", 't', 'Q'), "torch.save(net.state_dict()"},

		// Numbers out of step, and bombs.
		"INT that is a bool":                {z('I', []byte("01\n")), "INT"},
		"a LONG of 200 bytes":               {z(long(200)), "a number of 200 bytes"},
		"LONG4":                             {z(byte(0x8b), byte(0xff), byte(0xff), byte(0xff), byte(0xff)), "LONG4"},
		"a string of 4 GiB":                 {z(huge), "4294967295 bytes"},
		"BINUNICODE8":                       {z(byte(0x8d), count(1<<60)), "BINUNICODE8"},
		"FRAME":                             {z(byte(0x95), count(1<<40)), "FRAME"},
		"protocol 4":                        {zipped(t, []byte{opProto, 4, opNone, opStop}), "protocol 4"},
		"an unknown instruction":            {z(byte(0xfe)), "0xfe"},
		"memo that is empty":                {z('h', byte(7)), "memo 7"},
		"stack that is empty":               {z('s'), "stack"},
		"a mark too few":                    {z('t'), "stack"},
		"a mark too many":                   {z('(', oneTensor), "marks"},
		"values left on the stack":          {z(1, oneTensor), "2 values"},
		"items for a number":                {z(1, "k", "v", 's'), "no list or dict"},
		"a key without a value":             {z('}', '(', "k", 'u'), "no list or dict"},
		"DUP":                               {z(']', bytes.Repeat([]byte("2"), 1000)), "DUP"},
		"a million dicts":                   {z('(', bytes.Repeat([]byte{'}'}, 1e6), 't'), "more than 100000 values"},
		"a million marks":                   {z(bytes.Repeat([]byte{'('}, 1e6)), "more than 100000 values"},
		"memo entries":                      {z(1, bytes.Repeat([]byte{'r', 1, 2, 3, 4}, 5e5)), "more than 100000 values"},
		"dicts ten times ten":               {z(bomb), "more than 20000 entries"},
		"dicts within dicts":                {z(deep), "deeper than"},
		"a dict in itself":                  {z('}', 'q', byte(0), "k", 'h', byte(0), 's'), "deeper than"},
		"many names":                        {z('}', 'q', byte(0), '(', bytes.Repeat(asm{}.add("k", 1), 30000), 'u'), "more than 20000 entries"},
		"a long key":                        {z(stateDict(strings.Repeat("k", 1000), 1)), "a key of 1000 bytes"},
		"a key there twice":                 {z(stateDict("w", tensor(4, 0, []int{4}, []int{1}), "w", tensor(4, 0, []int{4}, []int{1}))), "twice"},
		"state_dict there twice":            {z(stateDict("state_dict", oneTensor, "state_dict", oneTensor)), "twice"},
		"a tuple as a key":                  {z(stateDict(ints(1, 2), 1)), "tuple as a key"},
		"a tower of tuples as a key":        {z(stateDict(tower, 1)), "tuple as a key"},
		"a tower of tuples as an attribute": {z(stateDict(), stateDict(tower, 1), 'b'), "attribute"},
		"a tower of tuples beside":          {z(stateDict("state_dict", stateDict(), tower, 1)), "no tensors"},
		"a tower of tuples as a storage":    {z(tower, 'Q'), "names no storage"},
		"a pickle of 5 MB":                  {zipped(t, pickle(make([]byte, 5<<20))), "at most"},

		// Tensors.
		"shape product overflows":   {of(4, 0, []int{1 << 40, 1 << 40, 1 << 40}, []int{0, 0, 0}), "share values"},
		"strides overflow":          {of(4, 0, []int{1 << 62, 1 << 62}, []int{1 << 62, 1 << 62}), "ends outside"},
		"storage of 2^62 values":    {of(1<<62, 0, []int{1}, []int{1}), "storage \"0\" of 4611686018427387904 values"},
		"storage of fewer bytes":    {of(1<<30, 0, []int{1 << 30}, []int{1}), "has 16 bytes"},
		"shape beyond the storage":  {of(4, 0, []int{5}, []int{1}), "ends outside"},
		"offset beyond the storage": {of(4, 4, []int{1}, []int{1}), "begins outside"},
		"offset and shape":          {of(4, 2, []int{3}, []int{1}), "ends outside"},
		"stride beyond the storage": {of(4, 0, []int{2, 2}, []int{3, 1}), "ends outside"},
		"negative offset":           {of(4, -1, []int{1}, []int{1}), "begins outside"},
		"negative size":             {of(4, 0, []int{-1}, []int{1}), "negative"},
		"negative stride":           {of(4, 3, []int{2}, []int{-1}), "negative"},
		"negative storage":          {of(-4, 0, []int{1}, []int{1}), "of -4 values"},
		"zero dimension":            {of(4, 0, []int{0, 4}, []int{4, 1}), "dimension of 0"},
		"zero dimension, no values": {of(0, 0, []int{0}, []int{1}), "dimension of 0"},
		"expanded":                  {of(4, 0, []int{1000, 4}, []int{0, 1}), "share values"},
		"overlapping":               {of(4, 0, []int{2, 3}, []int{1, 1}), "share values"},
		"as many strides as sizes":  {of(4, 0, []int{2, 2}, []int{1}), "2 sizes and 1 strides"},
		"20 dimensions":             {of(4, 0, make([]int, 20), make([]int, 20)), "arguments"},
		"a size that is a string":   {z(stateDict("w", tensorOf(storageID("FloatStorage", "0", "cpu", 4), 0, nil, nil), "v", asm{}.add(global("torch", "Size"), "x", byte(opTuple1), 'R'))), "torch.Size with arguments"},
		"sparse":                    {z(global("torch._utils", "_rebuild_sparse_tensor"), ')', 'R'), "sparse"},
		"quantised":                 {z(global("torch._utils", "_rebuild_qtensor"), ')', 'R'), "quantised"},
		"quantised storage":         {z(storageID("QInt8Storage", "0", "cpu", 4)), "quantised"},
		"meta":                      {z(global("torch._utils", "_rebuild_meta_tensor_no_storage"), ')', 'R'), "meta tensor"},
		"on the device meta":        {z(storageID("FloatStorage", "0", "meta", 4)), "device meta"},
		"complex":                   {z(storageID("ComplexFloatStorage", "0", "cpu", 4)), "complex"},
		"one storage of two types": {
			z(stateDict("a", tensor(4, 0, []int{4}, []int{1}), "b", tensorOf(storageID("LongStorage", "0", "cpu", 2), 0, []int{2}, []int{1}))),
			"two types or sizes",
		},
		"a storage that is not there": {z(stateDict("w", tensorOf(storageID("FloatStorage", "7", "cpu", 4), 0, []int{4}, []int{1}))), "data/7"},
		"a storage named by a path":   {z(stateDict("w", tensorOf(storageID("FloatStorage", "../../0", "cpu", 4), 0, []int{4}, []int{1}))), "../../0"},
		"no dict":                     {z(tensor(4, 0, []int{4}, []int{1})), "holds a tensor"},
		"no tensors":                  {z(stateDict("epoch", 3)), "no tensors"},

		// Archives.
		"data.pkl in another case":     {zipped(t, pickle(oneTensor), file{"x/Data.pkl", pickle(oneTensor), 0}), "upper and lower case"},
		"data.pkl there twice":         {zipped(t, pickle(oneTensor), file{"x/data.pkl", pickle(oneTensor), 0}), "upper and lower case"},
		"data.pkl in two folders":      {zipped(t, pickle(oneTensor), file{"y/data.pkl", pickle(oneTensor), 0}), "2 times"},
		"no data.pkl":                  {archiveOf(t, file{"x/readme", nil, 0}), "without data.pkl"},
		"a name that climbs":           {zipped(t, pickle(oneTensor), file{"x/../../etc/passwd", nil, 0}), "not a name"},
		"local header of another name": {patched(good, "x/data/0", "x/data/1", 1), "another local header"},
		"directory of another name":    {patched(good, "x/data/0", "x/data/1", 2), "another local header"},
		"local header's method":        {patched(good, "PK\x03\x04\x14\x00\x08\x00\x00\x00", "PK\x03\x04\x14\x00\x08\x00\x08\x00", 2), "another local header"},
		"bad checksum":                 {patched(good, string(fourValues()), string(fourValues()[:8])+"12345678", 1), "checksum"},
		"bad checksum of the pickle":   {patched(good, "_rebuild_tensor_v2", "_rebuild_tensor_v3", 1), "checksum"},
		"a bomb as a storage": {
			archiveOf(t, file{"x/data.pkl", pickle(stateDict("w", tensor(6<<20, 0, []int{6 << 20}, []int{1}))), 0}, file{"x/data/0", zeros, 8}),
			"would inflate to",
		},
		"a bomb as the pickle": {archiveOf(t, file{"x/data.pkl", zeros, 8}), "would inflate to"},
		"a bomb that lies":     {lyingBomb(t), "inflates to more than"},
		"big-endian":           {zipped(t, pickle(oneTensor), file{"x/byteorder", []byte("big"), 0}), "big-endian"},
		"byteorder":            {zipped(t, pickle(oneTensor), file{"x/byteorder", []byte("middle"), 0}), "middle"},
		"entries that overlap": {patched(good, "\x10\x00\x00\x00\x10\x00\x00\x00\x08\x00", "\xff\x00\x00\x00\xff\x00\x00\x00\x08\x00", 1), "what follows it"},
		"encrypted":            {patched(good, "PK\x01\x02\x14\x00\x14\x00\x08\x00", "PK\x01\x02\x14\x00\x14\x00\x09\x00", 1), "encrypted"},
		"a comment at the end": {append(bytes.Clone(good), "comment"...), "without its end"},
		"a million entries":    {patched(good, "\x02\x00\x02\x00", "\xff\xff\xff\xff", 1), "65535"},

		// Legacy files.
		"legacy big-endian":         {legacyOf(opNewFalse, oneTensor, key0, count(4), fourValues()), "big-endian"},
		"legacy protocol":           {append(append([]byte{opProto, 2}, legacyMagic...), pickle(1002)...), "protocol 1002"},
		"legacy count":              {legacyOf(opNewTrue, oneTensor, key0, count(math.MaxUint64), fourValues()), "values, its tensors name 4"},
		"legacy storage too short":  {legacyOf(opNewTrue, oneTensor, key0, count(4), fourValues()[:15]), "cut off"},
		"legacy without a storage":  {legacyOf(opNewTrue, oneTensor, asm{}.add(']')), "0 storages"},
		"legacy storage twice":      {legacyOf(opNewTrue, oneTensor, asm{}.add(']', '(', "0", "0", 'e')), "twice"},
		"legacy storage unknown":    {legacyOf(opNewTrue, oneTensor, asm{}.add(']', '(', "1", 'e')), "no tensor names"},
		"legacy storage of 4 TiB":   {legacyOf(opNewTrue, stateDict("w", tensor(1<<40, 0, []int{1}, []int{1})), key0, count(1<<40), fourValues()), "cut off"},
		"legacy view of a storage":  {legacy(stateDict("w", tensorOf(asm{}.add('(', "storage", global("torch", "FloatStorage"), "0", "cpu", 4, ints(9, 3, 2), 't', 'Q'), 0, []int{2}, []int{1}))), "does not lie in its 4"},
		"legacy os.system":          {legacy(stateDict("w", system)), "os.system"},
		"legacy facts are no facts": {append(append([]byte{opProto, 2}, legacyMagic...), append(pickle(legacyProtocol), pickle(1)...)...), "facts about the machine"},

		// Other files.
		"nothing":                 {nil, "empty file"},
		"an HTML page":            {[]byte("\n<!DOCTYPE html><html><title>Quota exceeded</title>"), "HTML"},
		"a pointer":               {[]byte("version https://git-lfs.github.com/spec/v1\n"), "Git LFS"},
		"a tar":                   {append(append(make([]byte, 257), "ustar"...), make([]byte, 700)...), "tar archive"},
		"gzip":                    {[]byte("\x1f\x8b\x08"), "gzip"},
		"another pickle":          {[]byte("\x80\x04\x95"), "torch.save did not write"},
		"text":                    {[]byte("hello"), "not a PyTorch checkpoint"},
		"TorchScript":             {zipped(t, pickle(oneTensor), file{"x/constants.pkl", nil, 0}, file{"x/code/a.py", nil, 0}), "TorchScript"},
		"the beginning of a zip":  {[]byte("PK\x03\x04"), "without its end"},
		"an archive of something": {archiveOf(t, file{"readme.txt", []byte("x"), 0}), "without data.pkl"},
	}
}

// lyingBomb has an entry that is compressed and inflates to far more than both headers say.
func lyingBomb(t testing.TB) []byte {
	const size = 1 << 20
	raw := archiveOf(t, file{"x/data.pkl", pickle(oneTensor), 0}, file{"x/data/0", make([]byte, size), 8})
	old, lie := binary.LittleEndian.AppendUint32(nil, size), binary.LittleEndian.AppendUint32(nil, 16)
	return bytes.ReplaceAll(raw, old, lie)
}

func TestHostileFiles(t *testing.T) {
	files := hostileFiles(t)
	for name, f := range files {
		if f.raw == nil && name != "nothing" {
			t.Errorf("%s: the test's own patch found nothing to change", name)
			continue
		}
		allocated := allocates(func() {
			if got, err := decode(f.raw); err == nil {
				t.Errorf("%s: read as %d tensors", name, len(got.Tensors))
			} else if !strings.Contains(err.Error(), f.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: the error does not say %q in one line: %v", name, f.want, err)
			}
		})
		if most := len(f.raw) + 64<<20; allocated > most {
			t.Errorf("%s: %d bytes were allocated for a file of %d", name, allocated, len(f.raw))
		}
	}
}

// allocates is the number of bytes that f allocates, freed or not.
func allocates(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// Every beginning of a file is refused, and none is taken for a whole one.
func TestTruncated(t *testing.T) {
	shape := []int{16, 16, 3, 3}
	var raw []byte
	for i := range 16 * 16 * 9 {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(i)))
	}
	object := stateDict("w", tensor(16*16*9, 0, shape, strides(shape)))
	for form, whole := range map[string][]byte{
		"zip":    archiveOf(t, file{"x/data.pkl", pickle(object), 0}, file{"x/data/0", raw, 0}),
		"legacy": legacyOf(opNewTrue, object, asm{}.add(']', '(', "0", 'e'), binary.LittleEndian.AppendUint64(nil, 16*16*9), raw),
	} {
		if _, err := decode(whole); err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		for n := 0; n < len(whole); n++ {
			if n > 700 && n < len(whole)-700 && n%4096 != 0 {
				continue
			}
			if _, err := decode(whole[:n]); err == nil {
				t.Errorf("%s of %d bytes, cut at %d, was read", form, len(whole), n)
			}
		}
	}
}

// A flipped bit is found by a checksum or a bound, or it lies in a value of a legacy file, which has no checksums.
func TestFlippedBitsDoNotPanic(t *testing.T) {
	for _, whole := range [][]byte{zipped(t, pickle(oneTensor)), legacy(oneTensor)} {
		for i := range whole {
			for bit := range 8 {
				broken := bytes.Clone(whole)
				broken[i] ^= 1 << bit
				if f, err := decode(broken); err == nil && len(f.Tensors) != 1 {
					t.Errorf("bit %d of byte %d: %d tensors", bit, i, len(f.Tensors))
				}
			}
		}
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	path := filepath.Join(t.TempDir(), "x.pth")
	if err := os.WriteFile(path, []byte("<html>"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("the error does not name the file: %v", err)
	}
}
