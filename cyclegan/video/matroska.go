// Pictures with their times through a pipe: raw video has none, so they go as the least Matroska file that holds them.

package video

import (
	"encoding/binary"
	"io"
	"slices"
	"time"
)

// Identifiers of Matroska's elements (RFC 9559).
const (
	idEBML, idDocType                   = 0x1A45DFA3, 0x4282
	idSegment, idInfo, idScale          = 0x18538067, 0x1549A966, 0x2AD7B1
	idTracks, idTrack                   = 0x1654AE6B, 0xAE
	idNumber, idUID, idType, idCodec    = 0xD7, 0x73C5, 0x83, 0x86
	idVideo, idWidth, idHeight, idSpace = 0xE0, 0xB0, 0xBA, 0x2EB524
	idCluster, idTime, idBlock          = 0x1F43B675, 0xE7, 0xA3
)

// unknown is the length of a segment that goes on until the pipe ends, of the 8 bytes that every length here has.
const unknown = 1<<56 - 1

// matroska is a file of uncompressed RGB pictures, times in milliseconds.
type matroska struct {
	begun bool
	last  time.Duration
}

// write adds a picture, in a cluster of its own. A time that is not after the last becomes the next millisecond.
func (m *matroska) write(out io.Writer, w, h int, rgb []byte, after time.Duration) error {
	var head []byte
	if m.begun {
		after = max(after, m.last+time.Millisecond)
	} else {
		head = header(w, h)
	}
	m.begun, m.last = true, after
	stamp := number(idTime, uint64(after/time.Millisecond))
	block := append(start(idBlock, 4+len(rgb)), 0x81, 0, 0, 0x80) // track 1, 0 ms after the cluster, key frame
	head = slices.Concat(head, start(idCluster, len(stamp)+len(block)+len(rgb)), stamp, block)
	if _, err := out.Write(head); err != nil {
		return err
	}
	_, err := out.Write(rgb)
	return err
}

// header is all that comes before the first picture.
func header(w, h int) []byte {
	picture := slices.Concat(number(idWidth, uint64(w)), number(idHeight, uint64(h)), element(idSpace, "RGB\x18"))
	track := slices.Concat(number(idNumber, 1), number(idUID, 1), number(idType, 1), element(idCodec, "V_UNCOMPRESSED"), element(idVideo, string(picture)))
	return slices.Concat(
		element(idEBML, string(element(idDocType, "matroska"))),
		start(idSegment, unknown),
		element(idInfo, string(number(idScale, uint64(time.Millisecond)))),
		element(idTracks, string(element(idTrack, string(track)))))
}

func element(id uint32, content string) []byte { return append(start(id, len(content)), content...) }

func number(id uint32, v uint64) []byte { return binary.BigEndian.AppendUint64(start(id, 8), v) }

// start is an identifier and the length of what follows.
func start(id uint32, size int) (b []byte) {
	for shift := 24; shift >= 0; shift -= 8 {
		if v := id >> shift; v != 0 {
			b = append(b, byte(v))
		}
	}
	return binary.BigEndian.AppendUint64(b, 1<<56|uint64(size))
}
