// Reports for machines.

package app

import (
	"encoding/json"
	"io"

	"cyclevk/cyclegan/atomicfile"
)

// WriteJSON writes a value for --json, indented.
func WriteJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}
