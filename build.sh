#!/usr/bin/env bash
# The one entry: sets the machine up, builds, demonstrates, tests. "./build.sh help" lists what it does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'END'
./build.sh            sets up what building needs and builds bin/cyclegan
./build.sh live       builds bin/cyclegan-live, the live window, with what it needs, and runs it with the remaining arguments
./build.sh demo       builds, makes synthetic pictures, trains on them, evaluates, translates   (about 3 minutes on 2 cores)
./build.sh test       every test; with arguments, go test with those: ./build.sh test -run Conv ./kernels
./build.sh lint       format, vet, staticcheck, freshness of the SPIR-V, layout of the tree
./build.sh shaders    compiles the shaders that changed
./build.sh setup      only installs what building and running need
./build.sh windows    cross-compiles bin/cyclegan.exe and bin/cyclegan-live.exe with mingw-w64
On Debian and Ubuntu what is missing is installed with apt-get; elsewhere one line says what to install.
END
}

say() { echo "build.sh: $*" >&2; }
die() { say "$*"; exit 1; }

# --- what this machine has ----------------------------------------------------------------------------------------------

go_wanted=$(awk '$1 == "go" { print $2 }' go.mod)

# at_least A B: version A is B or newer.
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# The version of a go program itself, whatever toolchain go.mod would make it fetch.
go_version() { (cd / && GOTOOLCHAIN=local "$1" version) | awk '{ sub("go", "", $3); print $3 }'; }

# Puts the first Go that is new enough in front of PATH, else the newest there is; fails if there is none.
find_go() {
  local program version best='' best_version=0
  for program in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
    [ -x "$program" ] || continue
    version=$(go_version "$program")
    if ! at_least "$best_version" "$version"; then best=$program best_version=$version; fi
    if at_least "$version" "$go_wanted"; then break; fi
  done
  [ -n "$best" ] || return 1
  PATH=$(dirname "$best"):$PATH
}

has_c() { printf '#include <stdlib.h>\n' | "${CC:-gcc}" -x c -fsyntax-only - 2>/dev/null; }

has_certificates() {
  [ -n "${SSL_CERT_FILE:-}" ] || [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] ||
    [ -e /etc/ssl/ca-bundle.pem ] || [ -e /etc/ssl/cert.pem ]
}

has_loader() { { /sbin/ldconfig -p || ldconfig -p; } 2>/dev/null | grep -F libvulkan.so.1 >/dev/null; }

# vulkan_file PATTERN: a manifest where the Vulkan loader looks for it.
vulkan_file() {
  local folder
  for folder in "$HOME"/{.config,.local/share} /etc /etc/xdg /usr/local/etc /usr/local/share /usr/share; do
    compgen -G "$folder/vulkan/$1" >/dev/null && return
  done
  return 1
}

has_driver() { [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] || vulkan_file 'icd.d/*.json'; }
has_layers() { [ -n "${VK_LAYER_PATH:-}" ] || vulkan_file 'explicit_layer.d/VkLayer_khronos_validation*.json'; }

# What GLFW needs on Linux, by the names in Debian; elsewhere it builds with what the system has.
window_libraries=(libx11-dev libxrandr-dev libxxf86vm-dev libxi-dev libxcursor-dev libxinerama-dev libgl-dev)

has_window_libraries() {
  [ "$(uname -s)" = Linux ] || return 0
  printf '#include <%s>\n' X11/{Xlib,Xcursor/Xcursor,extensions/{Xrandr,xf86vmode,XInput2,Xinerama}}.h GL/gl.h |
    { cat && echo 'int main(void) { return 0; }'; } |
    "${CC:-gcc}" -x c - -o /dev/null -lGL -lX11 -lXrandr -lXxf86vm -lXi -lXcursor -lXinerama 2>/dev/null
}

# Prints the packages that build here: all, or all but the window program.
packages() {
  if has_window_libraries; then
    echo ./...
    return
  fi
  say "no window libraries: cmd/cyclegan-live is left out; ./build.sh live installs them"
  go list ./... | grep -v '/cmd/cyclegan-live$'
}

# Prints the driver manifest of the SwiftShader that comes with Chromium or Chrome.
swiftshader() {
  local folder
  for folder in /usr/lib/chromium /opt/google/chrome; do
    if [ -e "$folder/vk_swiftshader_icd.json" ]; then
      echo "$folder/vk_swiftshader_icd.json"
      return
    fi
  done
}

# --- installing what it has not -----------------------------------------------------------------------------------------

# install PACKAGE...: fails, after one line that says what is missing, where that is not possible.
apt_updated=
install() {
  [ $# -gt 0 ] || return 0
  local root=() package log
  if ! command -v apt-get >/dev/null; then
    say "missing, by their names in Debian: $*; install them with this system's package manager"
    return 1
  fi
  for package in "$@"; do
    if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null && ! apt-cache show "$package" >/dev/null 2>&1; then
      say "this system has no package $package"
      return 1
    fi
  done
  if [ "$(id -u)" -ne 0 ]; then
    root=(sudo)
    if [ ! -t 0 ]; then root+=(-n); fi
    if ! command -v sudo >/dev/null || ! "${root[@]}" true; then
      say "missing: $*; install them as root: apt-get install $*"
      return 1
    fi
  fi
  say "installing $*"
  log=$(mktemp)
  if ! { [ -n "$apt_updated" ] || "${root[@]}" apt-get -q update; } >"$log" 2>&1 </dev/null ||
    ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" >>"$log" 2>&1 </dev/null; then
    say "apt-get install $* failed: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")"
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
  apt_updated=yes
}

# A Go from 1.21 on fetches the toolchain that go.mod asks for by itself; an older one can still fetch it as a module.
use_go() {
  find_go || die "no Go found: install Go $go_wanted or newer"
  local version toolchain
  version=$(go_version go)
  if at_least "$version" "$go_wanted"; then return; fi
  export GOTOOLCHAIN=go$go_wanted
  if at_least "$version" 1.21; then
    go version >/dev/null || die "Go $version could not fetch Go $go_wanted: install Go $go_wanted or newer"
    return
  fi
  toolchain=golang.org/toolchain@v0.0.1-go$go_wanted.$(go env GOOS)-$(go env GOARCH)
  (cd / && go mod download "$toolchain") || die "Go $version could not fetch Go $go_wanted: install Go $go_wanted or newer"
  toolchain=$(go env GOMODCACHE)/$toolchain
  chmod +x "$toolchain"/bin/* "$toolchain"/pkg/tool/*/* # a module's files are not executable
  PATH=$toolchain/bin:$PATH
}

setup() {
  local missing=()
  has_c || missing+=(gcc libc6-dev)
  find_go || missing+=(golang-go)
  has_certificates || missing+=(ca-certificates)
  if [ "$(uname -s)" = Linux ]; then
    has_loader || missing+=(libvulkan1)
    has_driver || missing+=(mesa-vulkan-drivers)
  fi
  install ${missing[@]+"${missing[@]}"} || exit 1
  use_go
}

# What only checks need may stay missing: the line that says so also says what is not checked.
setup_tests() {
  has_layers || install vulkan-validationlayers || say "no validation layers: the tests run without them"
  [ -n "$(swiftshader)" ] || install chromium-common || say "no SwiftShader: the tests run on one driver"
  command -v ffprobe >/dev/null || install ffmpeg || say "no ffmpeg: videos are not tested"
  setup_shader_checks
  setup_window_checks
  { command -v Xvfb && command -v xdotool && command -v openbox; } >/dev/null || install xvfb xdotool openbox || say "no Xvfb with xdotool and openbox: the window is not tested"
}

setup_window_checks() {
  has_window_libraries || install "${window_libraries[@]}" || true # packages says what is left out
}

setup_shader_checks() {
  command -v glslangValidator >/dev/null || install glslang-tools || say "no glslangValidator: the SPIR-V is checked by its hashes alone"
  command -v spirv-val >/dev/null || install spirv-tools || say "no spirv-val: the SPIR-V is not validated"
}

# --- commands -----------------------------------------------------------------------------------------------------------

build() {
  setup
  go build -trimpath -buildvcs=false -o bin/ ./cmd/cyclegan
}

live() {
  setup
  has_window_libraries || install "${window_libraries[@]}" || exit 1
  command -v ffmpeg >/dev/null || install ffmpeg || say "no ffmpeg: no camera, video or stream can be opened"
  go build -trimpath -buildvcs=false -o bin/ ./cmd/...
  exec bin/cyclegan-live "$@"
}

demo() {
  build
  local out=out/demo size=64 seed=1
  local model=$out/checkpoints/demo
  rm -rf "$out"
  bin/cyclegan synth --out "$out/data" --size "$size" --train 200 --test 20 --seed "$seed"
  bin/cyclegan train --dataroot "$out/data" --checkpoints_dir "$out/checkpoints" --name demo --load_size 72 --crop_size "$size" \
    --netG resnet_3blocks --ngf 16 --ndf 16 --n_epochs 2 --n_epochs_decay 1 --display_freq 200 --seed "$seed"
  bin/cyclegan eval --model "$model" --dataroot "$out/data" --grid "$out/grid.png"
  bin/cyclegan translate --model "$model" --direction AtoB --out "$out/translated" "$out/data/testA"
  echo "translated pictures: $out/translated"
  echo "picture grid: $out/grid.png"
}

# Every run is uncached: go test does not know that the driver, the layers or the tree changed.
run_tests() {
  setup
  setup_tests
  if has_layers; then export CYCLEVK_VALIDATE=1; fi
  if [ $# -gt 0 ]; then
    go test -count=1 "$@"
    return
  fi
  local failed=0 driver list
  list=$(packages)
  say "race detector, packages without Vulkan"
  go list -f '{{.ImportPath}} {{.Deps}}' ./cyclegan/... | grep -vw cyclevk/vk | cut -d ' ' -f 1 |
    xargs go test -count=1 -race || failed=1
  driver=$(swiftshader)
  if [ -n "$driver" ]; then
    say "SwiftShader${CYCLEVK_VALIDATE:+, validation layers on}"
    # -short: one seeded fault a file, and no kernels in parts
    env -u CYCLEVK_DEVICE VK_DRIVER_FILES="$driver" VK_ICD_FILENAMES="$driver" go test -count=1 -timeout 30m -short ./vk ./kernels || failed=1
  fi
  say "everything, default device${CYCLEVK_VALIDATE:+, validation layers on}"
  # shellcheck disable=SC2086 # one word a package
  go test -count=1 -timeout 30m $list || failed=1
  return "$failed"
}

lint() {
  setup
  setup_shader_checks
  setup_window_checks
  local tool=(go tool -modfile=tools/lint/go.mod) badly list
  badly=$("${tool[@]}" gofumpt -l .)
  [ -z "$badly" ] || die "not formatted: ${badly//$'\n'/, }; run: ${tool[*]} gofumpt -w ."
  list=$(packages)
  # shellcheck disable=SC2086 # one word a package
  go vet $list
  # shellcheck disable=SC2086
  "${tool[@]}" staticcheck $list
  go run ./tools/shaders -check
  go test -count=1 ./tools/layout
}

shaders() {
  setup
  command -v glslangValidator >/dev/null || install glslang-tools || exit 1
  go run ./tools/shaders
}

windows() {
  setup
  local compiler=x86_64-w64-mingw32-gcc
  command -v $compiler >/dev/null || install gcc-mingw-w64-x86-64 || exit 1
  GOOS=windows GOARCH=amd64 CGO_ENABLED=1 CC=$compiler go build -trimpath -buildvcs=false -o bin/ ./cmd/...
}

case ${1:-build} in
  build | demo | lint | setup | shaders | windows) [ $# -le 1 ] || die "$1 takes no arguments, got: ${*:2}"; "${1:-build}" ;;
  live) live "${@:2}" ;;
  test) run_tests "${@:2}" ;;
  help | -h | --help) usage ;;
  *) die "no command $1: ./build.sh help lists them" ;;
esac
