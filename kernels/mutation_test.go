// Who checks the checks? Faults are seeded into the shaders' sources, one at a time, and the checks must notice each.

package kernels

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cyclevk/shaders"
	"cyclevk/vk"
	"cyclevk/vk/vktest"
)

func TestSeededFaultsAreCaught(t *testing.T) {
	compiler, err := exec.LookPath("glslangValidator")
	if err != nil {
		t.Skip("no glslangValidator")
	}
	dev := vktest.Device(t)
	lab := newLaboratory(t, compiler)
	t.Cleanup(func() { spirv = shaders.SPIRV })
	caught, tried, seeded := 0, 0, map[string]bool{}
	for _, f := range faults {
		if testing.Short() && seeded[f.file] {
			continue // one a file
		}
		seeded[f.file] = true
		t.Run(f.file+"/"+f.what, func(t *testing.T) {
			if _, err := exec.LookPath(newer); f.matrices && (err != nil || !dev.Info.Features.CooperativeMatrix) {
				t.Skip("no " + newer + ", or no cooperative matrices")
			}
			tried++
			lab.seed(t, f)
			defer lab.restore(t, f)
			switch by := lab.detect(t, dev); {
			case by != "":
				caught++
				t.Log(by)
			case f.race && dev.Info.Type != vk.CPU:
				t.Skip("race") // the lanes of a workgroup may run in step
			default:
				t.Errorf("no check notices %q in place of %q (seed %d)", f.replace, f.find, *seed)
			}
		})
	}
	t.Logf("%d of %d seeded faults caught (seed %d)", caught, tried, *seed)
	for _, file := range lab.files {
		if !seeded[file] {
			t.Errorf("%s: no fault is seeded in it: add one to the table in mutation_test.go", file)
		}
	}
}

// newer compiles the sources that ask for a newer compiler: see tools/shaders.
const newer = "glslang"

// laboratory is a copy of the shaders in which one file at a time is faulty. Modules are compiled when a kernel asks for them.
type laboratory struct {
	compiler, dir string
	files         []string // every source and include, as the manifest names them
	manifest      map[string]module
	faulty        string            // the file
	made          map[string][]byte // by module, for the fault at hand
	failure       error             // of the compiler
	caught        map[string]int    // faults, by the case that noticed them
}

// module is what the laboratory needs to know of a manifest entry: see tools/shaders.
type module struct {
	Source, Defines, Flags string
	Glslang                int
	Includes               map[string]string
}

func newLaboratory(t *testing.T, compiler string) *laboratory {
	t.Helper()
	lab := &laboratory{compiler: compiler, dir: t.TempDir(), caught: map[string]int{}}
	source := os.DirFS(filepath.Join("..", "shaders"))
	manifest, err := fs.ReadFile(source, "spv/manifest.json")
	if err == nil {
		err = json.Unmarshal(manifest, &lab.manifest)
	}
	if err == nil {
		err = os.CopyFS(lab.dir, source)
	}
	for _, pattern := range []string{"*.comp", "inc/*.glsl"} {
		matches, _ := fs.Glob(source, pattern) // only a malformed pattern fails
		lab.files = append(lab.files, matches...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// seed puts a fault into the copy and has the kernels use it.
func (lab *laboratory) seed(t *testing.T, f fault) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "shaders", f.file))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), f.find); n != 1 {
		t.Fatalf("%q is %d times in %s, want once: bring the table in mutation_test.go up to date", f.find, n, f.file)
	}
	lab.write(t, f.file, strings.Replace(string(text), f.find, f.replace, 1))
	lab.faulty, lab.made, lab.failure = f.file, map[string][]byte{}, nil
	spirv = lab.spirv
}

func (lab *laboratory) restore(t *testing.T, f fault) {
	t.Helper()
	spirv = shaders.SPIRV
	text, err := os.ReadFile(filepath.Join("..", "shaders", f.file))
	if err != nil {
		t.Fatal(err)
	}
	lab.write(t, f.file, string(text))
}

func (lab *laboratory) write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(lab.dir, file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// affected says whether a module is compiled from the faulty file.
func (lab *laboratory) affected(name string) bool {
	m := lab.manifest[name]
	_, included := m.Includes[lab.faulty]
	return m.Source == lab.faulty || included
}

func (lab *laboratory) spirv(name string) ([]byte, error) {
	if !lab.affected(name) {
		return shaders.SPIRV(name)
	}
	if code, ok := lab.made[name]; ok {
		return code, nil
	}
	m := lab.manifest[name]
	compiler := lab.compiler
	if m.Glslang > 0 {
		compiler = newer
	}
	cmd := exec.Command(compiler, append(strings.Fields(m.Flags+" "+m.Defines), "--quiet", "-o", "faulty.spv", m.Source)...)
	cmd.Dir = lab.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		lab.failure = fmt.Errorf("%s: %w: %s", name, err, out)
		return nil, lab.failure
	}
	code, err := os.ReadFile(filepath.Join(lab.dir, "faulty.spv"))
	lab.made[name] = code
	return code, err
}

// detect runs the self-test's cases that exercise a faulty shader until one fails, and returns what it said; empty where all pass. Those
// of the file's own check come first, and then those that have caught most faults, as they are likely to catch this one.
func (lab *laboratory) detect(t *testing.T, dev *vk.Device) string {
	t.Helper()
	var cases []Case
	for _, check := range Checks() {
		if slices.ContainsFunc(check.Shaders, lab.affected) {
			for _, c := range check.Cases {
				cases = append(cases, Case{check.Name + "/" + c.Name, c.Run})
			}
		}
	}
	own := strings.TrimSuffix(filepath.Base(lab.faulty), filepath.Ext(lab.faulty)) + "/"
	likely := func(c Case) int {
		if strings.HasPrefix(c.Name, own) {
			return 1 + len(faults)
		}
		return lab.caught[c.Name]
	}
	slices.SortStableFunc(cases, func(a, b Case) int { return likely(b) - likely(a) })
	for r := range Selftest(dev, []Check{{Cases: cases}}, *seed) {
		if lab.failure != nil {
			t.Fatal(lab.failure)
		}
		if r.Err != nil && !Skipped(r.Err) {
			lab.caught[r.Case]++
			return fmt.Sprintf("%s: %v", r.Case, r.Err)
		}
	}
	return ""
}

// fault is a change of a source: find, which stands in it once, becomes replace.
type fault struct {
	file, find, replace, what string
	race                      bool // wrong only where the lanes of a workgroup do not run in step
	matrices                  bool // seen only where there are cooperative matrices
}

var faults = []fault{
	{file: "conv_forward.comp", what: "wrong pad", find: "at.y * stride - pad", replace: "at.y * stride - pad + 1"},
	{file: "conv_forward.comp", what: "stride lost", find: "at.x * stride - pad", replace: "at.x - pad"},
	{file: "conv_forward.comp", what: "bias lost", find: "hasBias != 0 ?", replace: "false ?"},
	{file: "conv_forward.comp", what: "zero padding not zero", find: "v[r] = inside[r] ? v[r] : vec4(0.0);", replace: "v[r] = v[r];"},
	{file: "conv_forward.comp", what: "unwritten tail", find: "if (pixel < pixels &&", replace: "if (pixel < pixels - 1 &&"},
	{file: "conv_forward.comp", what: "write outside", find: "if (pixel < pixels &&", replace: "if (pixel <= pixels &&"},
	{file: "conv_forward.comp", what: "wrong weight", find: "LOAD(w[weights + mine", replace: "LOAD(w[weights + 1 + mine"},
	{file: "conv_forward.comp", what: "last tap lost", find: "ky < kernel;", replace: "ky < kernel - 1;"},
	{file: "conv_forward.comp", what: "edge off by one", find: "uint(ix) < uint(width)", replace: "uint(ix) <= uint(width)"},
	{file: "conv_forward.comp", what: "not accumulated", find: "ADD(y[pixel * co + column + j], activate(sum[r * COLS + j]))", replace: "y[pixel * co + column + j] = STORE(activate(sum[r * COLS + j]))"},
	{file: "inc/unfold.glsl", what: "wrong tap", find: "p.x * stride - pad + tap.y", replace: "p.x * stride - pad"},
	{file: "conv_forward_matrix_half.comp", what: "zero padding not zero", find: "if (!inside(i)) pixel8[i] = uvec4(0);", replace: "", matrices: true},
	{file: "inc/unfold.glsl", what: "edge off by one", find: "o < n ?", replace: "o <= n ?"},
	{file: "inc/unfold.glsl", what: "mirror off by one", find: "-i : 2 * (size - 1) - i", replace: "-i : 2 * size - 1 - i"},
	{file: "inc/unfold.glsl", what: "corner lost", find: "views().x * views().y * taps.x", replace: "max(views().x, views().y) * taps.x"},
	{file: "inc/unfold.glsl", what: "pixels of no kind", find: ": i + pad;", replace: ": i + pad + 1;"},
	{file: "inc/unfold.glsl", what: "tiles of the next point", find: "index < width ? point : images", replace: "point"},
	{file: "inc/unfold.glsl", what: "weights of the first point", find: "#define TAP point", replace: "#define TAP 0"},
	{file: "inc/unfold.glsl", what: "first tiles alone", find: "workgroup() % blocks * rows : -1", replace: "0 : -1"},
	{file: "conv_forward_matrix_half.comp", what: "sums of one bit", find: "#define RESULT(v) v", replace: "#define RESULT(v) uintBitsToFloat(floatBitsToUint(v) & 0xffc00000u)", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "bias lost", find: "hasBias != 0 ?", replace: "false ?", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "write outside", find: "p.n < images && channel", replace: "channel", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "last slice lost", find: "s < steps;", replace: "s < steps - 1;", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "not accumulated", find: "ADD(y[target(p) * TO + channel], v)", replace: "y[target(p) * TO + channel] = STORE(v)", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "barrier lost", find: "put();\n        barrier();", replace: "put();", race: true, matrices: true},
	{file: "conv_weight_grad_matrix_half.comp", what: "wrong tap", find: "- pad + kx", replace: "- pad - kx", matrices: true},
	{file: "conv_weight_grad_matrix_half.comp", what: "pixels of the next split", find: "first + e / (ROWS / 8) < end && ", replace: "", matrices: true},
	{file: "conv_weight_grad_matrix_half.comp", what: "edge off by one", find: "uint(iy) < uint(height)", replace: "uint(iy) <= uint(height)", matrices: true},
	{file: "conv_weight_grad_matrix_half.comp", what: "one split for all", find: "(split * kernel * kernel + tap)", replace: "(tap)", matrices: true},
	{file: "conv_weight_grad_matrix_half.comp", what: "not accumulated", find: "dw[element] += stagedSum(e)", replace: "dw[element] = stagedSum(e)", matrices: true},
	{file: "conv_forward_tiled.comp", what: "zero padding not zero", find: "if (!inside(i)) pixel4[i] = REAL4(0);", replace: ""},
	{file: "conv_forward_tiled.comp", what: "bias lost", find: "hasBias != 0 ?", replace: "false ?"},
	{file: "conv_forward_tiled.comp", what: "write outside", find: "p.n < images && channel", replace: "channel"},
	{file: "conv_forward_tiled.comp", what: "wrong weights", find: "row % 4 * (COLS / 4) + row / 4", replace: "row"},
	{file: "conv_forward_tiled.comp", what: "next tap not located", find: "if (next()) locate();", replace: "next();"},
	{file: "conv_forward_tiled.comp", what: "not accumulated", find: "ADD(y[target(p) * TO + channel], v)", replace: "y[target(p) * TO + channel] = STORE(v)"},
	{file: "conv_forward_tiled.comp", what: "barrier lost", find: "put();\n        barrier();", replace: "put();", race: true},
	{file: "conv_forward_tiled.comp", what: "padding normed", find: "if (NORM != 0u && inside(i))", replace: "if (NORM != 0u)"},
	{file: "conv_forward_tiled.comp", what: "statistics of what was not stored yet", find: "sums[i * ACROSS + j] = LOAD(STORE(v));", replace: "sums[i * ACROSS + j] = v;"},
	{file: "conv_forward_tiled.comp", what: "barrier lost before a block", find: "barrier();\n        if (lane() < COLS", replace: "if (lane() < COLS", race: true},
	{file: "conv_weight_grad_tiled.comp", what: "padding normed", find: " && inside4[i]) x4[i] = normed", replace: ") x4[i] = normed"},
	{file: "conv_weight_grad_tiled.comp", what: "first image's statistics", find: "image = first / (outHeight * outWidth)", replace: "image = 0"},
	{file: "conv_weight_grad_tiled.comp", what: "normed in the wrong picture", find: "if (NORM != 0u && NORM_OF_DY)", replace: "if (NORM != 0u && !NORM_OF_DY)"},
	{file: "conv_forward_matrix_half.comp", what: "padding normed", find: "if (NORM != 0u && inside(i))", replace: "if (NORM != 0u)", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "four channels' statistics for eight", find: "statsOf(image, 2 * channel8() + i", replace: "statsOf(image, 2 * channel8()", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "statistics of what was not stored yet", find: "restage(e, LOAD(STORE(v)))", replace: "restage(e, v)", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "blocks of too few pixels", find: "part, row % BLOCK == 0", replace: "part, true", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "blocks past the end", find: " && start < pixels()", replace: "", matrices: true},
	{file: "conv_forward_matrix_half.comp", what: "barrier lost before a block", find: "barrier();\n        // A lane", replace: "// A lane", race: true, matrices: true},
	{file: "conv_weight_grad_matrix_half.comp", what: "padding normed", find: " && inside8[i]) x8[i] = uvec4(normed", replace: ") x8[i] = uvec4(normed", matrices: true},
	{file: "conv_weight_grad_matrix_half.comp", what: "four channels' statistics for eight", find: "2 * channel + i", replace: "2 * channel", matrices: true},
	{file: "conv_weight_grad_matrix_half.comp", what: "first image's statistics", find: "statsOf(first / (outHeight * outWidth)", replace: "statsOf(0", matrices: true},
	{file: "inc/normed.glsl", what: "mean lost", find: "(LOAD(z) - s.mean)", replace: "LOAD(z)"},
	{file: "inc/normed.glsl", what: "first image's statistics", find: "2 * image * quads", replace: "0"},
	{file: "inc/normed.glsl", what: "activation lost", find: "NORM - 1u", replace: "0u"},
	{file: "inc/block_moments.glsl", what: "not centred", find: " - pilot - mean;", replace: " - pilot;"},
	{file: "inc/block_moments.glsl", what: "a part for the block", find: "if (first) {", replace: "if (true) {"},
	{file: "inc/block_moments.glsl", what: "wrong channel", find: "BLOCK) * TO + channel", replace: "BLOCK) * TO"},
	{file: "inc/unfold.glsl", what: "kinds in one place", find: "(2 * kind.x + kind.y) * each", replace: "0"},
	{file: "inc/unfold.glsl", what: "images in one place", find: "(n * TARGETS", replace: "(0"},
	{file: "conv_weight_grad_tiled.comp", what: "wrong tap", find: "- pad + kx", replace: "- pad - kx"},
	{file: "conv_weight_grad_tiled.comp", what: "pixels of the next split", find: "first + e / (ROWS / 4) < end && ", replace: ""},
	{file: "conv_weight_grad_tiled.comp", what: "one split for all", find: "(split * kernel * kernel + tap)", replace: "(tap)"},
	{file: "conv_weight_grad_tiled.comp", what: "write outside", find: "from < 4 * ci && channel", replace: "channel"},
	{file: "conv_weight_grad_tiled.comp", what: "not accumulated", find: "dw[element] += sums", replace: "dw[element] = sums"},
	{file: "inc/matrix.glsl", what: "sums of the first rows alone", find: "+ i * M + row % M", replace: "+ row % M", matrices: true},
	{file: "inc/matrix.glsl", what: "wrong columns", find: "half1() { return int(gl_SubgroupID) % HALVES", replace: "half1() { return int(gl_SubgroupID) / 2 % HALVES", matrices: true},
	{file: "inc/matrix.glsl", what: "a quarter for the only subgroup", find: "DOWN = ROWS / HALVES / M", replace: "DOWN = ROWS / 2 / M", matrices: true},
	{file: "inc/matrix.glsl", what: "half of the columns for the only subgroup", find: "ACROSS = COLS / HALVES / N", replace: "ACROSS = COLS / 2 / N", matrices: true},
	{file: "inc/matrix.glsl", what: "a second half stored by the only subgroup", find: "STAGED = HALVES * M", replace: "STAGED = 2 * M", matrices: true},
	{file: "conv_data_grad.comp", what: "edge off by one", find: "o < n ? o : -1", replace: "o <= n ? o : -1"},
	{file: "conv_data_grad.comp", what: "mirror off by one", find: "source(2 * (size - 1) - i, k, n)", replace: "source(2 * size - 1 - i, k, n)"},
	{file: "conv_data_grad.comp", what: "corner lost", find: "m < 3", replace: "m < 2"},
	{file: "conv_data_grad.comp", what: "wrong phase", find: "at.x * stride + phaseX", replace: "at.x * stride"},
	{file: "conv_data_grad.comp", what: "wrong weight", find: "fma(v[r].x, weight.x, s)", replace: "fma(v[r].x, weight.y, s)"},
	{file: "conv_data_grad.comp", what: "not accumulated", find: "ADD(dx[pixel * ci + column + j], activate(sum[r * COLS + j]))", replace: "dx[pixel * ci + column + j] = STORE(activate(sum[r * COLS + j]))"},
	{file: "conv_weight_grad.comp", what: "edge off by one", find: "uint(ix) < uint(width)", replace: "uint(ix) <= uint(width)"},
	{file: "conv_weight_grad.comp", what: "stride lost", find: "at.x * stride", replace: "at.x"},
	{file: "conv_weight_grad.comp", what: "wrong pad", find: "tap.y - pad", replace: "tap.y"},
	{file: "conv_weight_grad.comp", what: "wrong channel", find: "channel[r] = tap.x", replace: "channel[r] = 0"},
	{file: "conv_weight_grad.comp", what: "write outside", find: "row + i / (4 * COLS) < rows", replace: "row + i / (4 * COLS) <= rows"},
	{file: "conv_weight_grad.comp", what: "columns outside", find: " && mine < co", replace: ""},
	{file: "conv_weight_grad.comp", what: "a lane's columns exchanged", find: "i % COLS], s)", replace: "COLS - 1 - i % COLS], s)"},
	{file: "conv_weight_grad.comp", what: "slots served alike", find: "shared4(mine, pixel + slot)", replace: "shared4(mine, pixel)"},
	{file: "conv_weight_grad.comp", what: "not accumulated", find: "dw[element] += sum", replace: "dw[element] = sum"},
	{file: "conv_sum.comp", what: "half of the rows", find: "at += parts * columns", replace: "at += 2 * parts * columns"},
	{file: "conv_sum.comp", what: "write outside", find: "if (i >= parts * columns)", replace: "if (i > parts * columns)"},
	{file: "conv_sum.comp", what: "not accumulated", find: "result[i] += sum", replace: "result[i] = sum"},
	{file: "conv_weight_grad.comp", what: "last pixel of a split lost", find: "min((split + 1) * share, pixels)", replace: "min((split + 1) * share, pixels) - 1"},
	{file: "inc/conv.glsl", what: "image not carried", find: "p.y -= height; p.n++;", replace: "p.y -= height;"},
	{file: "inc/mirror.glsl", what: "edge in place of mirror", find: "n - 1 - abs(n - 1 - abs(i))", replace: "clamp(i, 0, n - 1)"},

	{file: "winograd_input.comp", what: "edge for mirror", find: "if (reflect != 0) y = mirror(y, height);", replace: "if (reflect != 0) y = clamp(y, 0, height - 1);"},
	{file: "winograd_input.comp", what: "shifted", find: "t.x - 1 + j", replace: "t.x + j"},
	{file: "winograd_input.comp", what: "zero padding not zero", find: "inside(y, at) ? LOAD(x[pixel(t, y, at)]) : vec4(0.0)", replace: "LOAD(x[pixel(t, clamp(y, 0, height - 1), clamp(at, 0, width - 1))])"},
	{file: "winograd_weights.comp", what: "flipped", find: "3 * ky + kx) * 4", replace: "3 * kx + ky) * 4"},
	{file: "winograd_weights.comp", what: "channels exchanged", find: "AT(w, at + step), AT(w, at + 2 * step)", replace: "AT(w, at + 2 * step), AT(w, at + step)"},
	{file: "winograd_weights.comp", what: "blocks for those who take none", find: "index / 4 % j : index % j", replace: "index / 4 % j : index / 4 % j"},
	{file: "inc/winograd.glsl", what: "points of 16 bits cut", find: "#define POINT(v) STORE(v)", replace: "#define POINT(v) (STORE(v) & 0xff00ff00u)", matrices: true},
	{file: "winograd_products.comp", what: "last channels lost", find: "i < k; i++", replace: "i < k - 1; i++"},
	{file: "winograd_products.comp", what: "wrong weight", find: "u[weights + min(4 * column", replace: "u[weights + min(1 + 4 * column"},
	{file: "winograd_products.comp", what: "write outside", find: "if (tile < tiles &&", replace: "if (tile <= tiles &&"},
	{file: "winograd_output.comp", what: "bias lost", find: "hasBias != 0 ?", replace: "false ?"},
	{file: "winograd_output.comp", what: "write outside", find: "if (inside(t.y + i, t.x + j))", replace: "if (t.y + i >= 0 && t.x + j >= 0)"},
	{file: "winograd_output_grad.comp", what: "pixels of others", find: "inside(t.y + i, t.x + j) ?", replace: "t.x + j < width ?"},
	{file: "winograd_input_grad.comp", what: "neighbour lost", find: "d[4] + PRODUCT * after", replace: "d[4]"},
	{file: "winograd_input_grad.comp", what: "mirror off by one", find: "first + i == n - 2", replace: "first + i == n - 1"},
	{file: "winograd_input_grad.comp", what: "near mirror lost", find: "first + i == 1", replace: "first + i == -1"},
	{file: "winograd_input_grad.comp", what: "neighbour of another image", find: "uint(t.row + down) >= uint(rows) ||", replace: ""},
	{file: "winograd_input_grad.comp", what: "not accumulated", find: "ADD(dx[pixel(t, t.y + i, t.x + j)], pixels[j])", replace: "dx[pixel(t, t.y + i, t.x + j)] = STORE(pixels[j])"},
	{file: "winograd_weights_grad.comp", what: "transposed", find: "(3 * ky + kx) * count + index] = taps[ky]", replace: "(3 * kx + ky) * count + index] = taps[ky]"},
	{file: "winograd_weights_grad.comp", what: "not accumulated", find: "+= taps[ky]", replace: "= taps[ky]"},
	{file: "inc/winograd.glsl", what: "wrong scale", find: "N2 = 0.5 / (BB * (BB - AA))", replace: "N2 = 0.5 / (BB * (BB + AA))"},
	{file: "inc/winograd.glsl", what: "coefficient lost", find: "fma(vec4(AA), aDifference, fma(vec4(BB), bDifference, m[5]))", replace: "fma(vec4(AA), aDifference, BB * bDifference)"},
	{file: "inc/winograd_tile.glsl", what: "origin always 0", find: "n % TILE == 1 ? 1 : 0", replace: "0"},
	{file: "inc/winograd_tile.glsl", what: "wrong image", find: "t.row = line - t.image * rows", replace: "t.row = line"},

	{file: "inc/activation.glsl", what: "wrong side", find: "mix(x, vec4(0.0), lessThanEqual(", replace: "mix(x, vec4(0.0), greaterThan("},
	{file: "inc/activation.glsl", what: "wrong slope", find: "0.2 * x", replace: "0.02 * x"},
	{file: "inc/activation.glsl", what: "series cut", find: "fma(x * z, p, x)", replace: "x"},
	{file: "inc/activation.glsl", what: "sign lost", find: "sign(x) * (1.0", replace: "(1.0"},
	{file: "inc/actgrad.glsl", what: "wrong subgradient at 0", find: "mix(vec4(0.0), vec4(1.0), greaterThan(", replace: "mix(vec4(0.0), vec4(1.0), greaterThanEqual("},
	{file: "inc/actgrad.glsl", what: "wrong slope", find: "(1.0 - y) * (1.0 + y)", replace: "1.0 - y"},
	{file: "act_grad.comp", what: "gradient lost", find: "LOAD(dy[i]) * activationSlope", replace: "activationSlope"},
	{file: "add.comp", what: "wrong sign", find: "LOAD(a[i]) + LOAD(b[i])", replace: "LOAD(a[i]) - LOAD(b[i])"},
	{file: "add.comp", what: "not accumulated", find: "ADD(sum[i], LOAD(a[i]))", replace: "sum[i] = a[i]"},
	{file: "copy.comp", what: "unwritten tail", find: "i < stripEnd(count)", replace: "i < stripEnd(count - 1u)"},
	{file: "fill.comp", what: "write outside", find: "i < stripEnd(count)", replace: "i < stripEnd(count + 1u)"},
	{file: "dropout.comp", what: "not scaled", find: "LOAD(x[i]) * scale", replace: "LOAD(x[i])"},
	{file: "dropout.comp", what: "one mask for all layers", find: "uvec4(first + i, layer,", replace: "uvec4(first + i, 0u,"},
	{file: "dropout.comp", what: "the mask of the batch's first images", find: "uvec4(first + i,", replace: "uvec4(i,"},
	{file: "concat.comp", what: "padding between the two", find: "c -= channelsA", replace: "c -= strideA"},
	{file: "concat.comp", what: "padding not zero", find: "c < channelsB ? AT(b, pixel * strideB + c) : 0.0", replace: "AT(b, pixel * strideB + min(c, channelsB - 1u))"},
	{file: "concat.comp", what: "not activated", find: "STORE(activate(vec4(", replace: "STORE((vec4("},
	{file: "concat_grad.comp", what: "wrong half", find: "AT(dy, pixel * stride + first + c + k)", replace: "AT(dy, pixel * stride + c + k)"},
	{file: "concat_grad.comp", what: "padding not zero", find: "min(4u, channels - c)", replace: "4u"},
	{file: "concat_grad.comp", what: "not accumulated", find: "ADD(dx[i], g * activationSlope(at))", replace: "dx[i] = STORE(g * activationSlope(at))"},
	{file: "upsample.comp", what: "wrong column", find: "column / 2u) * quads", replace: "(column + 1u) / 2u) * quads"},
	{file: "upsample.comp", what: "one of four lost", find: " + (LOAD(from[at + line]) + LOAD(from[at + line + quads]))", replace: " + LOAD(from[at + line])"},
	{file: "upsample.comp", what: "not accumulated", find: "ADD(to[i], sum)", replace: "to[i] = STORE(sum)"},
	{file: "peak_fma.comp", what: "chain lost", find: "x0 + x1 + x2", replace: "x0 + x1"},
	{file: "peak_fma.comp", what: "step lost", find: "s < STEPS", replace: "s < STEPS - 1u"},
	{file: "peak_matrix.comp", what: "sum lost", find: "s0 + s1 + (s2 + s3)", replace: "s0 + s1 + s2", matrices: true},
	{file: "peak_matrix.comp", what: "turn lost", find: "turn < turns", replace: "turn + 1u < turns", matrices: true},
	{file: "peak_matrix.comp", what: "first matrix for all", find: "start[first + i]", replace: "start[i]", matrices: true},
	{file: "peak_matrix.comp", what: "transposed", find: "right, 0u, N, ROWS", replace: "right, 0u, K, gl_CooperativeMatrixLayoutColumnMajor", matrices: true},
	{file: "inc/real.glsl", what: "elements swapped", find: "unpackHalf2x16(w.x), unpackHalf2x16(w.y)", replace: "unpackHalf2x16(w.y), unpackHalf2x16(w.x)"},
	{file: "inc/real.glsl", what: "bf16 truncated", find: " + 0x7fffu + (magnitude >> 16 & 1u)", replace: ""},
	{file: "inc/real.glsl", what: "bf16's ties not to even", find: " + (magnitude >> 16 & 1u)", replace: ""},
	{file: "inc/real.glsl", what: "fp16's ties not to even", find: " + (magnitude >> 13 & 1u)", replace: ""},
	{file: "inc/real.glsl", what: "overflow wraps", find: "min(half4, 0x7c00u)", replace: "half4"},
	{file: "inc/real.glsl", what: "small numbers lost", find: "mix(normal, small,", replace: "mix(normal, uvec4(0u),"},
	{file: "inc/real.glsl", what: "NaN becomes infinite", find: "uvec4(0x7e00u), nan", replace: "uvec4(0x7c00u), nan"},
	{file: "inc/real.glsl", what: "sign lost", find: "half4 |= bits >> 16 & 0x8000u;", replace: ""},
	{file: "narrow.comp", what: "unwritten tail", find: "i < stripEnd(count)", replace: "i < stripEnd(count - 1u)"},
	{file: "narrow.comp", what: "sign lost", find: "STORE(from[i])", replace: "STORE(abs(from[i]))"},
	{file: "inc/random.glsl", what: "a round less", find: "i < 10u", replace: "i < 9u"},
	{file: "inc/strip.glsl", what: "first of each lane alone", find: "STRIP_STEP * STRIP_EACH, count)", replace: "STRIP_STEP, count)"},
	{file: "inc/flat.glsl", what: "one row of workgroups", find: "gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x", replace: "gl_WorkGroupID.x"},

	{file: "norm_stats.comp", what: "variance not centred", find: "(d[i] - mean) * weight[i]", replace: "d[i] * weight[i]"},
	{file: "norm_stats.comp", what: "pixels past the end", find: "inside ? 1.0 : 0.0", replace: "1.0"},
	{file: "norm_stats.comp", what: "no eps", find: "float(pixels) + eps", replace: "float(pixels)"},
	{file: "norm_combine.comp", what: "last chunk too heavy", find: "min(chunk, pixels - i * chunk)", replace: "chunk"},
	{file: "norm_combine.comp", what: "first pixels taken for one", find: "partial[at] - pilot + ", replace: ""},
	{file: "norm_combine.comp", what: "last blocks lost", find: "i < all;", replace: "i < all - 1u;"},
	{file: "norm_eval_stats.comp", what: "variance for mean", find: "= running[q];", replace: "= running[q + quads];"},
	{file: "norm_running.comp", what: "biased variance", find: "float(pixels) / float(pixels - 1u)", replace: "1.0"},
	{file: "norm_running.comp", what: "first group alone", find: "stats[2u * group * quads + q]", replace: "stats[q]"},
	{file: "norm_running.comp", what: "guard lost", find: " || halted(guards)", replace: ""},
	{file: "norm_forward.comp", what: "residual lost", find: "v += LOAD(residual[at])", replace: "v += 0.0"},
	{file: "norm_sums.comp", what: "lanes not added up", find: "    g = sumLanes(g, width());", replace: ""},
	{file: "norm_sums_combine.comp", what: "wrong row", find: "g += partial[at + quads]", replace: "g += partial[at]"},
	{file: "norm_backward.comp", what: "sum for mean", find: "sums[row()] / float(pixels)", replace: "sums[row()]"},
	{file: "norm_backward_small.comp", what: "sum for mean", find: "g / float(pixels)));", replace: "g));"},
	{file: "norm_affine_grad.comp", what: "first group alone", find: "g < groups", replace: "g < 1u"},
	{file: "norm_affine_grad.comp", what: "not accumulated", find: "sum += daffine[i]", replace: "sum += 0.0"},
	{file: "inc/norm.glsl", what: "last pixel lost", find: "min(start + chunk, pixels)", replace: "min(start + chunk, pixels - 1u)"},
	{file: "inc/norm_channel.glsl", what: "mean term lost", find: "(x - c.mean) * c.rstd", replace: "x * c.rstd"},
	{file: "inc/norm_channel.glsl", what: "padding not zero", find: "mix(vec4(0.0), affine[q + quads], real)", replace: "affine[q + quads]"},
	{file: "inc/norm_gradient.glsl", what: "mean term lost", find: "g - meanG)", replace: "g)"},
	{file: "inc/norm_gradient.glsl", what: "wrong sign", find: "fma(-xhat, meanGX", replace: "fma(xhat, meanGX"},
	{file: "inc/norm_gradient.glsl", what: "gamma lost", find: "d *= c.gamma", replace: "d *= 1.0"},
	{file: "inc/moments.glsl", what: "mean not merged", find: "fma(d, vec4(part), a.mean)", replace: "a.mean"},
	{file: "inc/moments.glsl", what: "distance of the means lost", find: "fma(d * d, vec4(a.n * part), a.m2 + b.m2)", replace: "a.m2 + b.m2"},
	{file: "inc/moments_lanes.glsl", what: "barrier lost", find: "    laneM2[lane] = m.m2;\n    barrier();", replace: "    laneM2[lane] = m.m2;", race: true},
	{file: "inc/reduce.glsl", what: "half of the lanes", find: "step = gl_WorkGroupSize.x / 2u", replace: "step = gl_WorkGroupSize.x / 4u"},
	{file: "inc/reduce.glsl", what: "barrier lost before the first sum", find: "reduceLanes[lane] = v;\n    barrier();", replace: "reduceLanes[lane] = v;", race: true},
	{file: "inc/reduce.glsl", what: "barrier lost between sums", find: "        }\n        barrier();", replace: "        }", race: true},

	{file: "l1_loss.comp", what: "wrong sign", find: "scale * sign(d)", replace: "-scale * sign(d)"},
	{file: "l1_loss.comp", what: "not absolute", find: "sum += abs(d)", replace: "sum += d"},
	{file: "l1_loss.comp", what: "write outside", find: "min(first + stretch, size)", replace: "min(first + stretch, size + 1u)"},
	{file: "gan_loss.comp", what: "wrong sign", find: "slope = s * sigmoid(s * v)", replace: "slope = sigmoid(s * v)"},
	{file: "gan_loss.comp", what: "one image too many is real", find: "i < real", replace: "i <= real"},
	{file: "gan_loss.comp", what: "padding not zero", find: "mix(scale * slope, vec4(0.0), padding)", replace: "(scale * slope)"},
	{file: "gan_loss.comp", what: "padding counted", find: "mix(scale * value, vec4(0.0), padding)", replace: "scale * value"},
	{file: "gan_loss.comp", what: "one mean for both parts", find: "isReal ? realScale : fakeScale", replace: "realScale"},
	{file: "gan_loss.comp", what: "min-max not negative", find: "value = s * softplus(v)", replace: "value = softplus(v)"},
	{file: "gan_loss.comp", what: "series cut", find: "2.0 * fma(q * z, p, q)", replace: "2.0 * q"},
	{file: "inc/exp.glsl", what: "ln 2 inexact", find: "n * 2.12194440e-4", replace: "n * 2.12e-4"},
	{file: "inc/exp.glsl", what: "tail cut early", find: "vec4(-87.0)", replace: "vec4(-70.0)"},
	{file: "loss_reduce.comp", what: "last partial sum lost", find: "i < count", replace: "i < count - 1u"},
	{file: "adam.comp", what: "wrong sign", find: "parameters[i] -=", replace: "parameters[i] +="},
	{file: "adam.comp", what: "gradient not squared", find: "rest2 * g * g", replace: "rest2 * abs(g)"},
	{file: "adam.comp", what: "wrong decay", find: "fma(vec4(beta1)", replace: "fma(vec4(rest1)"},
	{file: "adam.comp", what: "no eps", find: "vec4(eps)", replace: "vec4(0.0)"},
	{file: "adam.comp", what: "write outside", find: "stripEnd(size)", replace: "stripEnd(size + 1u)"},
	{file: "adam.comp", what: "loss scale left in", find: "g *= inverse", replace: "g *= 1.0"},
	{file: "adam.comp", what: "skipped step counted", find: "hyper[min(skipped - before, 1u)].x", replace: "hyper[0].x"},
	{file: "adam.comp", what: "halves of before", find: "STORE(parameters[i])", replace: "STORE(parameters[i] + g)"},
	{file: "inc/loss_scale.glsl", what: "not scaled", find: "(lossScale * (g))", replace: "(g)"},
	{file: "loss_scale.comp", what: "grows too late", find: "good == interval", replace: "good == interval + 1u"},
	{file: "loss_scale.comp", what: "ends too early", find: "scale >= 2.0", replace: "scale >= 4.0"},
	{file: "loss_scale.comp", what: "last gradients not looked at", find: "i < guards", replace: "i < guards - 1u"},
	{file: "loss_scale.comp", what: "goes on after the end", find: "guard[0] != 0u || ", replace: ""},
	{file: "loss_scale.comp", what: "no limit", find: "min(2.0 * scale, MOST)", replace: "2.0 * scale"},
	{file: "adam.comp", what: "guard lost", find: "if (halted(guards)) return;", replace: ""},
	{file: "inc/guard.glsl", what: "first guard alone", find: "i < guards", replace: "i < 1u"},
	{file: "inc/guard.glsl", what: "all words are guards", find: "guard[i * GUARD_STEP]", replace: "guard[i]"},
	{file: "finite.comp", what: "NaN alone", find: "greaterThanEqual(", replace: "greaterThan("},
	{file: "finite.comp", what: "sign not dropped", find: "0x7fffffffu", replace: "0xffffffffu"},
	{file: "finite.comp", what: "last value lost", find: "stripEnd(size)", replace: "stripEnd(size - 1u)"},
	{file: "finite.comp", what: "one lane of four", find: "max(place.z, place.w)", replace: "place.z"},
	{file: "finite.comp", what: "not kept", find: "atomicMax(word, found)", replace: "word = found"},
	{file: "finite.comp", what: "last found", find: "~(first + 4u * i + uvec4(0u, 1u, 2u, 3u))", replace: "(first + 4u * i + uvec4(0u, 1u, 2u, 3u))"},
	{file: "image_pool.comp", what: "own batch not looked at", find: "decisions[m].x != KEEP", replace: "false"},
	{file: "image_pool.comp", what: "first of the batch", find: "uint m = n; m-- > 0u;", replace: "uint m = 0u; m < n; m++"},
	{file: "image_pool.comp", what: "wrong slot", find: "block[(slot - first)", replace: "block[(slot)"},
	{file: "image_pool.comp", what: "place among all of the step", find: "result[(n - begin)", replace: "result[(n)"},
	{file: "image_pool.comp", what: "other blocks' images", find: "slot - first >= slots", replace: "false"},
	{file: "image_pool_store.comp", what: "kept image stored", find: "decisions[n].x != KEEP && ", replace: ""},
	{file: "image_pool_store.comp", what: "wrong slot", find: "decisions[n].y - first", replace: "decisions[n].y"},
	{file: "image_pool_store.comp", what: "write outside", find: "slot < slots", replace: "slot <= slots"},
	{file: "image_pool_store.comp", what: "guard lost", find: " || halted(guards)", replace: ""},
	{file: "inc/normalise.glsl", what: "truncated", find: " + (digits >> 7 & 1u)", replace: ""},
	{file: "inc/normalise.glsl", what: "digits do not repeat", find: "(v << 16 | v)", replace: "(v << 16)"},
	{file: "inc/normalise.glsl", what: "byte not repeated", find: "* 257u", replace: "* 256u"},
	{file: "image_upload.comp", what: "wrong byte order", find: "at % each * bits", replace: "32u - bits - at % each * bits"},
	{file: "image_upload.comp", what: "padding not zero", find: "min(4u, channels - channel)", replace: "4u"},
	{file: "image_quantise.comp", what: "rounded", find: "min(grey, most)", replace: "min(grey + 0.5, most)"},
	{file: "image_quantise.comp", what: "not clamped", find: "min(grey, most)", replace: "grey"},
	{file: "image_quantise.comp", what: "write outside", find: "each * i >= size", replace: "each * i > size"},
	{file: "image_quantise.comp", what: "bytes alone", find: "bits == 8u ? 255.0 : 65535.0", replace: "255.0"},
	{file: "inc/fit.glsl", what: "half a pixel off", find: "(2 * i + 1) * num + offset", replace: "2 * i * num + offset"},
	{file: "live_fit.comp", what: "crop not in the middle", find: "taps(i % width, offsetX, frameWidth)", replace: "taps(i % width, 0, frameWidth)"},
	{file: "inc/fit.glsl", what: "not antialiased", find: "2 * max(num, den);", replace: "2 * den;"},
	{file: "inc/fit.glsl", what: "last tap lost", find: " + den - 1) / (2 * den)", replace: " - den) / (2 * den)"},
	{file: "inc/frame.glsl", what: "blue for green", find: "38470u * p.g + 7471u * p.b", replace: "38470u * p.b + 7471u * p.g"},
	{file: "live_fit.comp", what: "identity not exact", find: "num == den", replace: "false"},
	{file: "live_fit.comp", what: "write outside", find: "i >= width * height", replace: "i > width * height"},
	{file: "inc/fit.glsl", what: "total without its last", find: "for (int k = t.first; k < t.end; k++)", replace: "for (int k = t.first; k < t.end - 1; k++)"},
	{file: "live_fit_across.comp", what: "lines from the frame's edge", find: "firstLine + first + l", replace: "first + l"},
	{file: "live_fit_across.comp", what: "crop not in the middle", find: "taps(column, offsetX, frameWidth)", replace: "taps(column, 0, frameWidth)"},
	{file: "live_fit_across.comp", what: "write outside", find: "min(LINES, lines - first)", replace: "LINES"},
	{file: "live_fit_down.comp", what: "one line off", find: "(r - firstLine) * width", replace: "(r - firstLine + 1) * width"},
	{file: "live_fit_down.comp", what: "crop not in the middle", find: "taps(i / width, offsetY, frameHeight)", replace: "taps(i / width, 0, frameHeight)"},
	{file: "live_fit_down.comp", what: "write outside", find: "i >= width * height", replace: "i > width * height"},
	{file: "live_smooth.comp", what: "keeps what moved", find: "1.0 - clamp(", replace: "0.1 + clamp("},
	{file: "live_smooth.comp", what: "blue not looked at", find: "max(difference.y, difference.z)", replace: "difference.y"},
	{file: "live_smooth.comp", what: "camera not smoothed", find: "state[i] = xi", replace: "state[i] = x[i]"},
	{file: "live_smooth.comp", what: "earlier pictures read without need", find: "keep > 0.0", replace: "keep >= 0.0"},
	{file: "live_smooth.comp", what: "unwritten tail", find: "i >= pixels", replace: "i + 1u >= pixels"},
	{file: "live_compose.comp", what: "rounded", find: "(1.0 - s) / 2.0", replace: "0.5"},
	{file: "live_compose.comp", what: "truncated", find: " + (1.0 - s) / 2.0", replace: ""},
	{file: "live_compose.comp", what: "not mirrored", find: "width - 1u - column", replace: "column"},
	{file: "live_compose.comp", what: "split off by one", find: "column >= from", replace: "column > from"},
	{file: "live_compose.comp", what: "grey not repeated", find: "channels == 1u", replace: "false"},
	{file: "live_compose.comp", what: "not clamped", find: "min(grey[c], 255.0)", replace: "grey[c]"},
	{file: "live_compose.comp", what: "write outside", find: "i >= width * height", replace: "i > width * height"},
	{file: "live_window.comp", what: "centres of pixels missed", find: "(2 * at + 1) * size - shown", replace: "2 * at * size"},
	{file: "live_window.comp", what: "edge not kept", find: "clamp(low, ivec2(0), size - 1)", replace: "low"},
	{file: "live_window.comp", what: "rows exchanged", find: "mix(top, bottom, part.y)", replace: "mix(bottom, top, part.y)"},
	{file: "live_window.comp", what: "truncated", find: "v + 0.5", replace: "v"},
	{file: "live_window.comp", what: "byte order", find: "bgra != 0u", replace: "bgra == 0u"},
	{file: "live_window.comp", what: "text not darkened", find: "v / 3.0", replace: "v"},
	{file: "live_window.comp", what: "text cut", find: "lessThan(letter, extent)", replace: "lessThan(letter, extent - 1)"},
	{file: "live_window.comp", what: "write outside", find: "i >= window.x * window.y", replace: "i > window.x * window.y"},
}
