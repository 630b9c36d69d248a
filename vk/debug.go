// Aids for finding a fault, all of which cost nothing when off: the validation layers, names for debuggers and captures, marks that
// tell how far a lost device had come.

package vk

// #include "native.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	vulkan "github.com/vulkan-go/vulkan"
)

const (
	validationLayer = "VK_LAYER_KHRONOS_validation"
	debugUtils      = "VK_EXT_debug_utils"
)

// debugVariable is the environment variable that switches names and marks on: "names" for those alone, "1" for both.
const debugVariable = "CYCLEVK_DEBUG"

// aids are the debugging aids of a process.
type aids struct {
	validate bool // messages of the validation layers
	names    bool // of buffers, pipelines, command buffers and dispatches, for tools that capture them
	marks    bool // after each dispatch, for the error of a lost device
}

// validating is what Validate asks for.
var validating bool

// Validate turns the validation layers on in this process, as CYCLEVK_VALIDATE=1 in the environment does: each of their messages is
// then an error that wraps ErrValidation. It comes before anything else of this package but UseInstanceExtensions. Where the layers are not
// installed, what comes next fails with an error that wraps ErrNoLayers.
func Validate() error {
	validating = true
	if !instanceMade() {
		return nil
	}
	in, err := openInstance()
	if err == nil && !in.validate {
		err = errors.New("validation: it is to be turned on before the first device is opened")
	}
	return err
}

// wantedAids reads the environment. Validation brings the others with it: its messages are hard to place without names.
func wantedAids() (a aids, err error) {
	a.validate = validating || os.Getenv("CYCLEVK_VALIDATE") == "1"
	switch text := os.Getenv(debugVariable); text {
	case "", "0":
	case "1":
		a.names, a.marks = true, true
	case "names":
		a.names = true
	default:
		return a, fmt.Errorf("%s=%q: use 1, or names", debugVariable, text)
	}
	if a.validate {
		a.names, a.marks = true, true
	}
	return a, nil
}

// enabled are the layers and extensions that an instance is made with, of the extensions that there are.
func (a *aids) enabled(available map[string]bool) (layers, extensions []string) {
	a.names = a.names && available[debugUtils]
	if a.validate {
		layers = append(layers, validationLayer)
	}
	if a.validate || a.names {
		extensions = append(extensions, debugUtils)
	}
	return layers, extensions
}

// load finds the entry points.
func (a *aids) load(in vulkan.Instance) error {
	if a.names {
		a.names = C.cv_load_names(unsafe.Pointer(in)) != 0
	}
	if a.validate {
		return check("vkCreateDebugUtilsMessengerEXT", C.cv_watch(unsafe.Pointer(in)))
	}
	return nil
}

// name gives an object the name that debuggers show.
func (d *Device) name(kind vulkan.ObjectType, object C.uint64_t, name string) {
	if !d.in.names {
		return
	}
	text := C.CString(name)
	defer freeString(text)
	C.cv_name(unsafe.Pointer(d.handle), C.uint32_t(kind), object, text)
}

// beginLabel and endLabel go around a dispatch.
func (d *Device) beginLabel(cmd vulkan.CommandBuffer, o *op) {
	if d.in.names {
		text := C.CString(o.String())
		defer freeString(text)
		C.cv_begin_label(unsafe.Pointer(cmd), text)
	}
}

func (d *Device) endLabel(cmd vulkan.CommandBuffer) {
	if d.in.names {
		C.cv_end_label(unsafe.Pointer(cmd))
	}
}

// String is what the dispatch computes, for which layer and in which stage.
func (o *op) String() string {
	words := []string{o.label}
	for _, word := range []string{o.layer, o.stage} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

// takeMessages returns an error that carries every validation message since the last call, or nil.
func takeMessages() error {
	if C.cv_has_messages() == 0 {
		return nil // nothing is allocated in a step that goes well
	}
	buf := make([]byte, 16385)
	dropped := C.cv_take_messages((*C.char)(unsafe.Pointer(&buf[0])), C.uint32_t(len(buf)))
	text := strings.TrimSpace(vulkan.ToString(buf))
	if dropped > 0 {
		text += fmt.Sprintf("\nand %d more", dropped)
	}
	return fmt.Errorf("%w: %s", ErrValidation, text)
}

// messages is takeMessages where validation is on.
func (d *Device) messages() error {
	if !d.in.validate {
		return nil
	}
	return takeMessages()
}
