package rendezvous

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// interrupted has a deadline pass before every byte.
type interrupted struct {
	io.Reader
	passed bool
}

func (r *interrupted) Read(b []byte) (int, error) {
	if r.passed = !r.passed; r.passed {
		return 0, os.ErrDeadlineExceeded
	}
	return r.Reader.Read(b[:min(1, len(b))])
}

// A deadline that passes within a message loses none of it, and what follows the
// message is left to others.
func TestReadingGoesOn(t *testing.T) {
	for _, m := range samples(t) {
		want := Append(nil, Transaction{1, 2, 3}, m)
		from := &interrupted{Reader: strings.NewReader(string(want) + "the partner's")}
		var p reading
		b, err := p.next(from)
		for errors.Is(err, os.ErrDeadlineExceeded) {
			b, err = p.next(from)
		}
		require.NoError(t, err)
		assert.Equal(t, want, b)
		rest, err := io.ReadAll(from.Reader)
		require.NoError(t, err)
		assert.Equal(t, "the partner's", string(rest))
	}
}

func TestReadingEnds(t *testing.T) {
	whole := Append(nil, Transaction{1, 2, 3}, &Refused{ReasonForged})
	for n, want := range map[int]error{0: io.EOF, 1: io.ErrUnexpectedEOF, headerSize: io.ErrUnexpectedEOF, len(whole) - 1: io.ErrUnexpectedEOF} {
		_, err := ReadMessage(strings.NewReader(string(whole[:n])))
		assert.ErrorIs(t, err, want, "%d bytes", n)
	}
}
