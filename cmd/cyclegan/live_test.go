// The command live without a window, from end to end, and how it finds the window's program.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cyclevk/cmd/internal/app"
	"cyclevk/cyclegan/data"
	"cyclevk/cyclegan/video"
)

// headless are the arguments of a run with the model that smallModel trains.
func headless(args ...string) []string {
	return append([]string{"live", "--headless", "--model", "checkpoints/m", "--size", "32"}, args...)
}

// TestLiveBadInput: each is refused before a device is looked for, in one line.
func TestLiveBadInput(t *testing.T) {
	dir := t.TempDir()
	smallModel(t, dir)
	for _, name := range []string{"empty", "bare"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "text.mp4"), []byte("no video"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want []string // in the line
	}{
		{"no such model", []string{"live", "--headless", "--model", "nowhere", "--camera", "test"}, []string{"nowhere"}},
		{"no such run", []string{"live", "--headless", "--follow", "nowhere", "--camera", "test"}, []string{"nowhere"}},
		{"too many models", headless(slices.Repeat([]string{"--model", "checkpoints/m"}, 9)...), []string{"10 models", "at most 9"}},
		{"no direction", headless("--direction", "AtoC"), []string{`--direction "AtoC"`, "BtoA"}},
		{"no view", headless("--view", "both"), []string{`--view "both"`, "split"}},
		{"too strong", headless("--strength", "2"), []string{"--strength 2", "from 0 to 1"}},
		{"too smooth", headless("--smoothing", "1"), []string{"--smoothing 1", "below 1"}},
		{"negative size", headless("--size", "-1"), []string{"--size -1"}},
		{"too large a size", headless("--size", "4611686018427387904"), []string{"--size 4611686018427387904", "32767"}},
		{"no frames", headless("--frames", "0"), []string{"--frames 0"}},
		{"no rate", headless("--fps", "0"), []string{"--fps 0"}},
		{"no quality", headless("--crf", "60"), []string{"--crf 60"}},
		{"no size of a camera", headless("--camera-size", "720p"), []string{`--camera_size "720p"`, "1280x720"}},
		{"no size of a window", headless("--window", "0x9"), []string{`--window "0x9"`}},
		{"figures of a window", []string{"live", "--model", "m", "--json", "speed.json"}, []string{`--json "speed.json"`, "--headless"}},
		{"a recording that is none", headless("--record", "out.gif"), []string{`--record "out.gif"`, ".mp4"}},
		{"a snapshot that is none", headless("--snapshot", "last.jpg"), []string{`--snapshot "last.jpg"`, ".png"}},
		{"a recording of itself", headless("--camera", "text.mp4", "--record", "text.mp4"), []string{"text.mp4", "overwrite"}},
		{"a recording nowhere", headless("--camera", "test", "--record", "nowhere/out.mp4"), []string{"nowhere"}},
		{"no camera", headless("--camera", "/dev/video99"), []string{"/dev/video99", "--list-devices"}},
		{"no source", headless("--camera", "nowhere.mp4"), []string{`"nowhere.mp4"`, "a URL"}},
		{"no video", headless("--camera", "text.mp4"), []string{`"text.mp4"`}},
		{"no pictures", headless("--camera", "empty"), []string{`"empty"`, "no pictures"}},
		{"no pattern", headless("--camera", "test:chess"), []string{`"chess"`, "testsrc2"}},
		{"no protocol", headless("--camera", "gopher://there/x"), []string{"gopher", "rtsp"}},
		{"no virtual camera", headless("--camera", "test", "--virtual-cam", "/dev/video98"), []string{"/dev/video98", "v4l2loopback"}},
		{"an operand", headless("gallop.mp4"), []string{`"gallop.mp4"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := video.Available(); err != nil {
				t.Skip(err)
			}
			cmd := program(t, dir, c.args...)
			cmd.Env = append(cmd.Env, noDriver)
			wantRefusal(t, runProgram(t, cmd), c.want)
		})
	}
	t.Run("no ffmpeg", func(t *testing.T) {
		for _, camera := range []string{"0", "test", "text.mp4"} {
			cmd := program(t, dir, headless("--camera", camera)...)
			cmd.Env = append(cmd.Env, noDriver, "PATH="+filepath.Join(dir, "bare"))
			want := "install ffmpeg"
			if camera == "0" {
				want = "camera 0" // there may be none here, which is found first
			}
			wantRefusal(t, runProgram(t, cmd), []string{want})
		}
	})
}

// TestLiveFrames: without a window every frame of a video is translated, to what translate makes of its picture, and the recording has
// them all, at the video's pace.
func TestLiveFrames(t *testing.T) {
	dir := t.TempDir()
	const frames = 7
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc=size=48x32:rate=12", "-frames:v", fmt.Sprint(frames), "-c:v", "ffv1", filepath.Join(dir, "clip.mkv"))
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	ffmpeg(t, "-i", filepath.Join(dir, "clip.mkv"), "-pix_fmt", "rgb24", filepath.Join(dir, "in/%d.png"))
	must(t, dir, append(smallModel(t, dir), "in")...)

	all := must(t, dir, headless("--camera", "clip.mkv", "--record", "all.mp4", "--crf", "0", "--snapshot", "last.png", "--json", "all.json")...)
	if !strings.HasPrefix(all.stdout, "7 frames in ") || !strings.Contains(all.stdout, " 0 dropped") || strings.Count(all.stdout, "\n") != 1 || all.stderr != "" {
		t.Errorf("printed %q, %q", all.stdout, all.stderr)
	}
	samePicture(t, filepath.Join(dir, "last.png"), filepath.Join(dir, "out/7.png"))
	must(t, dir, headless("--camera", "clip.mkv", "--frames", "3", "--snapshot", "third.png")...)
	samePicture(t, filepath.Join(dir, "third.png"), filepath.Join(dir, "out/3.png"))
	must(t, dir, headless("--camera", "in", "--frames", "2", "--snapshot", "second.png")...)
	samePicture(t, filepath.Join(dir, "second.png"), filepath.Join(dir, "out/2.png"))

	want := ffmpeg(t, "-i", filepath.Join(dir, "out/%d.png"), "-vf",
		"format=rgb24,scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
	if got := ffmpeg(t, "-i", filepath.Join(dir, "all.mp4"), "-f", "rawvideo", "-"); !bytes.Equal(got, want) {
		t.Errorf("%d bytes of recorded frames differ from the %d of the translations", len(got), len(want))
	}
	for i, at := range frameTimes(t, filepath.Join(dir, "all.mp4")) {
		if want := float64(i) / 12; math.Abs(at-want) > 0.0011 { // times are milliseconds
			t.Errorf("frame %d was recorded for %.4f s, want %.4f", i, at, want)
		}
	}

	var r struct {
		Frames  int                `json:"frames"`
		W       int                `json:"width"`
		H       int                `json:"height"`
		Dropped int                `json:"dropped"`
		Latency float64            `json:"latency_ms"`
		Stages  map[string]float64 `json:"stages_ms"`
	}
	if err := json.Unmarshal([]byte(read(t, dir, "all.json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Frames != frames || r.W != 48 || r.H != 32 || r.Dropped != 0 || r.Latency <= 0 || len(r.Stages) > 0 && r.Stages["network"] <= 0 {
		t.Errorf("--json: %+v", r)
	}
}

// frameTimes are those at which a video shows its frames, in seconds.
func frameTimes(t *testing.T, path string) (times []float64) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "frame=pts_time", "-of", "csv=p=0", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(out)) {
		at, err := strconv.ParseFloat(strings.Trim(line, ","), 64)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, at)
	}
	return times
}

// samePicture wants the same samples in two files.
func samePicture(t *testing.T, got, want string) {
	t.Helper()
	a, errA := data.Decode(got, data.RGB, data.Upright)
	b, errB := data.Decode(want, data.RGB, data.Upright)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if a.W != b.W || a.H != b.H || !bytes.Equal(a.Pix, b.Pix) {
		t.Errorf("%s (%dx%d) differs from %s (%dx%d)", got, a.W, a.H, want, b.W, b.H)
	}
}

// TestLiveInterrupt: Ctrl-C ends a source without an end, and leaves a whole recording and nothing beside it.
func TestLiveInterrupt(t *testing.T) {
	dir := t.TempDir()
	ffmpeg(t, "-version")
	smallModel(t, dir)
	cmd := program(t, dir, headless("--camera", "test", "--camera-size", "64x48", "--record", "rec/out.mp4")...)
	if err := os.Mkdir(filepath.Join(dir, "rec"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := interrupted(t, cmd, func(string) bool { return recording(filepath.Join(dir, "rec/out.mp4"), cmd) })
	if !strings.HasPrefix(r.stderr, "cyclegan live: interrupted after ") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("said %q", r.stderr)
	}
	info, err := video.Probe(t.Context(), filepath.Join(dir, "rec/out.mp4"))
	if err != nil || info.Frames == 0 || !strings.HasPrefix(r.stdout, fmt.Sprint(info.Frames, " frames in ")) {
		t.Errorf("recorded %+v, %v; said %q", info, err, r.stdout)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "rec")); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestLiveFollow: what a training saves is shown from then on.
func TestLiveFollow(t *testing.T) {
	dir := t.TempDir()
	ffmpeg(t, "-version")
	smallModel(t, dir)
	cmd := program(t, dir, "live", "--headless", "--follow", "checkpoints/m", "--camera", "test", "--size", "32", "--record", "out.mp4", "--json", "follow.json")
	trained := false
	r := interrupted(t, cmd, func(stderr string) bool {
		if !trained && recording(filepath.Join(dir, "out.mp4"), cmd) {
			must(t, dir, "train", "--dataroot", "scenes", "--name", "m", "--continue_train", "--max_steps", "4")
			trained = true
		}
		return strings.Contains(stderr, "cyclegan live: m: the checkpoint of step 4\n")
	})
	var report struct {
		Step    int `json:"step"`
		Reloads int `json:"reloads"`
	}
	if err := json.Unmarshal([]byte(read(t, dir, "follow.json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Step != 4 || report.Reloads < 1 {
		t.Errorf("%+v, %q", report, r.stderr)
	}
}

// recording tells whether a program has written the beginning of a recording.
func recording(path string, cmd *exec.Cmd) bool {
	info, err := os.Stat(fmt.Sprintf("%s.%d.part.mp4", path, cmd.Process.Pid))
	return err == nil && info.Size() > 0
}

// interrupted runs a program, sends it SIGINT as soon as ready says so of what it has said, and wants the exit code of that.
func interrupted(t *testing.T, cmd *exec.Cmd, ready func(stderr string) bool) result {
	t.Helper()
	var stdout bytes.Buffer
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = &stdout, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() // where the test fails; it has ended otherwise
	stderr := func() string {
		text, err := os.ReadFile(said.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for deadline := time.Now().Add(time.Minute); !ready(stderr()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came so far: %q", stderr())
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != app.ExitInterrupted {
		t.Errorf("interrupted: %v, %s", err, stderr())
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr()}
}

// TestLiveRefusals: what is only found while it runs.
func TestLiveRefusals(t *testing.T) {
	dir := t.TempDir()
	smallModel(t, dir)
	must(t, dir, "train", "--dataroot", "scenes", "--name", "four", "--load_size", "16", "--crop_size", "16", "--n_layers_D", "1",
		"--netG", "resnet_1blocks", "--ngf", "4", "--ndf", "4", "--max_steps", "1", "--input_nc", "4", "--lambda_identity", "0")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=5", "-frames:v", "5", "-c:v", "mpeg4", "-vtag", "FMP4", filepath.Join(dir, "known.avi"))
	unknown := strings.ReplaceAll(read(t, dir, "known.avi"), "FMP4", "XYZ0")
	if err := os.WriteFile(filepath.Join(dir, "unknown.avi"), []byte(unknown), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"pictures of four channels", headless("--model", "checkpoints/four", "--camera", "test"), []string{"four", "channels"}},
		{"a size beyond the device", headless("--camera", "test", "--size", "20000"), []string{"--size", "more than the device allows"}},
		{"an unknown codec", headless("--camera", "unknown.avi"), []string{`"unknown.avi"`, "codec"}},
	} {
		wantRefusal(t, runProgram(t, program(t, dir, c.args...)), c.want)
	}
}

// TestLiveDemo: without a model the program's own is shown, which is said.
func TestLiveDemo(t *testing.T) {
	dir := t.TempDir()
	ffmpeg(t, "-version")
	r := must(t, dir, "live", "--headless", "--camera", "test", "--frames", "1", "--size", "32", "--direction", "BtoA", "--snapshot", "dawn.png")
	if r.stderr != "cyclegan live: no --model is given: this is demo: day and dusk\n" {
		t.Errorf("said %q", r.stderr)
	}
	if m, err := data.Decode(filepath.Join(dir, "dawn.png"), data.RGB, data.Upright); err != nil || m.W != 40 || m.H != 32 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestLiveWithoutH264: where ffmpeg cannot encode it, the recording is MPEG-4, which is said.
func TestLiveWithoutH264(t *testing.T) {
	dir := t.TempDir()
	ffmpeg(t, "-version")
	smallModel(t, dir)
	shell, err := exec.LookPath("sh")
	if err != nil || os.Mkdir(filepath.Join(dir, "bin"), 0o755) != nil {
		t.Skip(err)
	}
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		real, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf("#!%s\ncase \"$*\" in *encoder=libx264*) echo \"Codec 'libx264' is not recognized by FFmpeg.\"; exit;; esac\nexec %q \"$@\"\n", shell, real)
		if err := os.WriteFile(filepath.Join(dir, "bin", name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := program(t, dir, headless("--camera", "test", "--frames", "2", "--record", "out.mp4")...)
	cmd.Env = append(cmd.Env, "PATH="+filepath.Join(dir, "bin"))
	if r := runProgram(t, cmd); r.code != 0 || r.stderr != "cyclegan live: ffmpeg has no encoder libx264: the recording is mpeg4\n" {
		t.Errorf("exit code %d, %q", r.code, r.stderr)
	}
	if n := len(frameTimes(t, filepath.Join(dir, "out.mp4"))); n != 2 {
		t.Errorf("recorded %d frames, want 2", n)
	}
}

// TestLiveWindow: the window's program gets the arguments, its exit code is the command's, and where it is not there one line says so.
func TestLiveWindow(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program in its place is a script")
	}
	dir := t.TempDir()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	line := []string{"live", "--model", "m,1", "--camera", "test", "--window", "9x9"}
	run := func(env ...string) result {
		cmd := program(t, dir, line...)
		cmd.Env = append(append(cmd.Env, "PATH="+dir), env...)
		return runProgram(t, cmd)
	}
	wantRefusal(t, run("DISPLAY=:99"), []string{"cyclegan-live", "./build.sh live", "--headless"})
	if runtime.GOOS != "darwin" {
		wantRefusal(t, run("DISPLAY="), []string{"no display", "--headless"})
	}
	script := "#!" + shell + "\necho \"$@\"\nexit 7\n"
	if err := os.WriteFile(filepath.Join(dir, "cyclegan-live"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if r := run("DISPLAY=:99"); r.code != 7 || r.stdout != strings.Join(line[1:], " ")+"\n" || r.stderr != "" {
		t.Errorf("exit code %d, %q, %q", r.code, r.stdout, r.stderr)
	}
}
