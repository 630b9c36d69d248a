// Sources that need a counterpart: an RTSP server, an X server.

package video

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rtsp serves what ffmpeg sends as RTP, to one client, between the answers on its connection (RFC 2326, section 10.12). Its first
// answer asks for a password where there is one.
func rtsp(t *testing.T, password string) (host string) {
	t.Helper()
	packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { packets.Close() })
	sdp := filepath.Join(t.TempDir(), "sdp")
	sender := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=50", "-c:v", "mpeg4", "-g", "5",
		"-sdp_file", sdp, "-f", "rtp", "rtp://"+packets.LocalAddr().String())
	if err := sender.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sender.Process.Kill()
		_ = sender.Wait() // killed
	})
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	packet := make([]byte, 4+65536)
	if _, err := packets.Read(packet); err != nil { // the description is there before the first packet
		t.Fatal(err)
	}
	description, err := os.ReadFile(sdp)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			client, err := server.Accept()
			if err != nil {
				return
			}
			if answer(client, strings.ReplaceAll(string(description), "m=video", "a=control:*\r\nm=video")+"a=control:track\r\n", password) {
				for {
					n, err := packets.Read(packet[4:])
					if err != nil {
						break
					}
					packet[0], packet[1] = '$', 0
					binary.BigEndian.PutUint16(packet[2:], uint16(n))
					if _, err := client.Write(packet[:4+n]); err != nil {
						break
					}
				}
			}
			client.Close()
		}
	}()
	return server.Addr().String()
}

// answer takes a client's requests until it wants to play.
func answer(client net.Conn, description, password string) bool {
	requests := textproto.NewReader(bufio.NewReader(client))
	for {
		line, err := requests.ReadLine()
		if err != nil {
			return false
		}
		head, err := requests.ReadMIMEHeader()
		if err != nil {
			return false
		}
		status, more, body := "200 OK", "", ""
		switch method, _, _ := strings.Cut(line, " "); {
		case password != "" && head.Get("Authorization") == "":
			status, more = "401 Unauthorized", "WWW-Authenticate: Basic realm=\"camera\"\r\n"
		case method == "OPTIONS":
			more = "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
		case method == "DESCRIBE":
			more, body = "Content-Type: application/sdp\r\n", description
		case method == "SETUP":
			more = "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
		case method == "PLAY":
			more = "Session: 1\r\n"
		}
		if _, err := fmt.Fprintf(client, "RTSP/1.0 %s\r\nCSeq: %s\r\n%sContent-Length: %d\r\n\r\n%s", status, head.Get("CSeq"), more, len(body), body); err != nil {
			return false
		}
		if strings.HasPrefix(line, "PLAY ") {
			return true
		}
	}
}

func TestRTSP(t *testing.T) {
	needFFmpeg(t)
	s, err := OpenSource(t.Context(), "RTSP://user:secret@"+rtsp(t, "secret")+"/live", SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if f := next(t, s, next(t, s, 0).Serial); f.W != 64 || f.H != 48 {
		t.Errorf("frames of %dx%d", f.W, f.H)
	}
}

// TestSecret: no message shows the password of a stream.
func TestSecret(t *testing.T) {
	needFFmpeg(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, host := range []string{closed.Addr().String(), "127.0.0.1:x", ""} {
		_, err := OpenSource(t.Context(), "rtsp://user:secret@"+host+"/live", SourceOptions{})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v, want it without the password", err)
		}
	}
}

func TestScreen(t *testing.T) {
	needFFmpeg(t)
	if _, err := exec.LookPath("Xvfb"); err != nil {
		t.Skip(err)
	}
	number, display, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer number.Close()
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "128x96x24", "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{display}
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = x.Process.Kill()
		_ = x.Wait() // killed
	}()
	display.Close()
	line, err := bufio.NewReader(number).ReadString('\n')
	if err != nil {
		t.Skip("Xvfb does not start")
	}
	if _, err := strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DISPLAY", ":"+strings.TrimSpace(line))
	s, err := OpenSource(t.Context(), "screen", SourceOptions{FPS: 50})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if f := next(t, s, next(t, s, 0).Serial); f.W != 128 || f.H != 96 {
		t.Errorf("frames of %dx%d", f.W, f.H)
	}
	for _, where := range []string{":0 -f lavfi", "x;y:0", "file:/x:0", ":"} {
		t.Setenv("DISPLAY", where)
		if _, err := OpenSource(t.Context(), "screen", SourceOptions{}); err == nil || !strings.Contains(err.Error(), "HOST:NUMBER") {
			t.Errorf("DISPLAY %q: error %v", where, err)
		}
	}
}
