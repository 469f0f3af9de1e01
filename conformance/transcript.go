package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
)

// Transcript is one conversation with a service.
type Transcript struct {
	Name  string
	Steps []Step

	// Alone says why the messages mean something else when they are merged; then they
	// are not.
	Alone string

	// Datagrams is true for a conversation over UDP, whose messages cannot be merged
	// or split.
	Datagrams bool
}

// Step is one thing that a client does. Exactly one of its actions is set.
type Step struct {
	Conn int // which of the client's connections, from 0; each is opened when it is first used

	Send   []byte                 // send these bytes
	End    bool                   // send FIN: nothing more will be sent
	Expect func(from *Peer) error // read what the service sends, and judge it
}

// Peer is the service as a client reads from it.
type Peer struct {
	*bufio.Reader
	Local net.Addr // the client's own address

	conn net.Conn
}

// Datagram reads one datagram. A bufio.Reader would take an empty one for nothing.
func (p *Peer) Datagram(b []byte) (int, error) { return p.conn.Read(b) }

// send and the functions below make the steps of a table.
func send(text string) Step { return Step{Send: []byte(text)} }

func end() Step { return Step{End: true} }

// expect wants exactly these bytes, however they arrive.
func expect(text string) Step {
	return Step{Expect: func(from *Peer) error {
		got := make([]byte, len(text))
		n, err := io.ReadFull(from, got)
		if string(got[:n]) != text[:n] || err != nil {
			return mismatch(string(got[:n]), text, err)
		}
		return nil
	}}
}

// closed wants the end of the stream: FIN, and not a byte before it.
func closed() Step {
	return Step{Expect: func(from *Peer) error {
		b := make([]byte, 100)
		n, err := from.Read(b)
		if n > 0 || !errors.Is(err, io.EOF) {
			return fmt.Errorf("want the end of the stream: %w", mismatch(string(b[:n]), "", err))
		}
		return nil
	}}
}

// on has a step done on another connection.
func on(conn int, s Step) Step {
	s.Conn = conn
	return s
}

// mismatch says what is wrong about bytes, and which error ended them, if one did.
func mismatch(got, want string, err error) error {
	text := fmt.Sprintf("got %s, want %s", short(got), short(want))
	if err != nil && got == want[:min(len(want), len(got))] {
		return fmt.Errorf("%s: %w", text, err)
	}
	return errors.New(text)
}

// shown is how many bytes of a text an error shows.
const shown = 60

func short(s string) string {
	if len(s) <= shown {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q… (%d bytes)", s[:shown], len(s))
}
