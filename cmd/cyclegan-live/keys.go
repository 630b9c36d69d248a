// The keys: one table that handling, help and the documentation are made of.

package main

import (
	"strings"
	"unicode"

	"github.com/go-gl/glfw/v3.3/glfw"
)

// key is what one or several keys do.
type key struct {
	names   string // as help and the documentation show them
	help    string
	do      func(v *viewer, way int) // way is that of the stroke
	repeats bool                     // goes on while it is held down
	strokes []stroke
}

// stroke is a key that types a character, wherever the keyboard has it, or else one by its code.
type stroke struct {
	char rune
	code glfw.Key
	way  int
}

// typed are the strokes of characters, all in one way.
func typed(chars string, way int) (s []stroke) {
	for _, c := range chars {
		s = append(s, stroke{char: c, way: way})
	}
	return s
}

// keys is the table.
func keys() []key {
	up, down := typed("+=", 1), typed("-_", -1)
	models := []stroke{}
	for i, c := range "123456789" {
		models = append(models, stroke{char: c, way: i})
	}
	return []key{
		{names: "q Esc", help: "quit", do: (*viewer).quit, strokes: append(typed("q", 0), stroke{code: glfw.KeyEscape})},
		{names: "Tab", help: "translated, original, side by side", do: (*viewer).nextMode, strokes: []stroke{{code: glfw.KeyTab}}},
		{
			names: "Left Right", help: "move the split; the mouse drags it", do: (*viewer).moveSplit, repeats: true,
			strokes: []stroke{{code: glfw.KeyLeft, way: -1}, {code: glfw.KeyRight, way: 1}},
		},
		{names: "[ ]", help: "less or more of the translation", do: (*viewer).blend, repeats: true, strokes: append(typed("[{", -1), typed("]}", 1)...)},
		{names: "t", help: "smoothing against flicker: 0, 50, 75, 90 %", do: (*viewer).smooth, strokes: typed("t", 0)},
		{names: "h", help: "mirror", do: (*viewer).mirror, strokes: typed("h", 0)},
		{names: "1 … 9", help: "model 1 to 9", do: (*viewer).chooseModel, strokes: models},
		{names: "d", help: "direction, AtoB or BtoA", do: (*viewer).turn, strokes: typed("d", 0)},
		{names: "+ -", help: "size of what the network sees", do: (*viewer).resize, strokes: append(up, down...)},
		{names: "Space", help: "pause", do: (*viewer).pause, strokes: typed(" ", 0)},
		{names: "s", help: "snapshot, a PNG in this folder", do: (*viewer).snapshot, strokes: typed("s", 0)},
		{names: "r", help: "record, an MP4 in this folder", do: (*viewer).record, strokes: typed("r", 0)},
		{names: "f", help: "full screen", do: (*viewer).toggleFull, strokes: typed("f", 0)},
		{names: "i", help: "figures: rate, latency, times", do: (*viewer).toggleFigures, strokes: typed("i", 0)},
		{names: "?", help: "these keys", do: (*viewer).toggleHelp, strokes: append(typed("?", 0), stroke{code: glfw.KeyF1})},
	}
}

// helpLines are the table for the overlay.
func helpLines() (lines []string) {
	list := keys()
	width := 0
	for _, k := range list {
		width = max(width, len([]rune(k.names)))
	}
	for _, k := range list {
		lines = append(lines, k.names+strings.Repeat(" ", width-len([]rune(k.names))+2)+k.help)
	}
	return lines
}

// keyboard finds what a stroke does.
type keyboard struct {
	chars map[rune]found
	codes map[glfw.Key]found
	held  bool // the last key event was a repetition; the character that it types comes right after it
}

type found struct {
	key
	way int
}

func newKeyboard() *keyboard {
	b := &keyboard{chars: map[rune]found{}, codes: map[glfw.Key]found{}}
	for _, k := range keys() {
		for _, s := range k.strokes {
			if s.char != 0 {
				b.chars[s.char] = found{k, s.way}
			} else {
				b.codes[s.code] = found{k, s.way}
			}
		}
	}
	return b
}

// listen takes over the window's key strokes.
func (b *keyboard) listen(v *viewer) {
	act := func(f found, there bool) {
		if there && (f.repeats || !b.held) {
			f.do(v, f.way)
		}
	}
	v.win.SetKeyCallback(func(_ *glfw.Window, code glfw.Key, _ int, action glfw.Action, mods glfw.ModifierKey) {
		b.held = action == glfw.Repeat
		if f, there := b.codes[code]; action != glfw.Release && mods&(glfw.ModControl|glfw.ModAlt|glfw.ModSuper) == 0 {
			act(f, there)
		}
	})
	v.win.SetCharCallback(func(_ *glfw.Window, char rune) {
		f, there := b.chars[unicode.ToLower(char)]
		act(f, there)
	})
}
