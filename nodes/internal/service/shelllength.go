package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"
)

func init() {
	All.Add(Service{
		Name:  "shell-length",
		Port:  8082,
		About: "TCP: as shell, each answer after its length, which the client confirms",
		New: func(flags *pflag.FlagSet) Handlers {
			s := newShell(flags)
			return Handlers{Stream: func(ctx context.Context, c *Conn) error {
				return s.serve(ctx, c, sendAfterLength)
			}}
		},
	})
}

// confirmation is what the client sends when it has read the length.
var confirmation = []byte("recv_ready")

var errConfirmation = errors.New("the client did not confirm the length with " + string(confirmation))

// sendAfterLength sends an answer's length in decimal digits, waits for the
// client's confirmation, and sends the answer: without the wait, length and answer
// could arrive as one chunk.
func sendAfterLength(r *requests, answer []byte) error {
	if _, err := io.WriteString(r.conn, strconv.Itoa(len(answer))); err != nil {
		return err
	}
	got := make([]byte, len(confirmation))
	for i := range got {
		b, err := r.ReadByte()
		if err != nil {
			return err
		}
		got[i] = b
		if b != confirmation[i] {
			r.conn.journal.refused(r.conn.remote, string(got[:i+1]), errConfirmation.Error())
			_, err := fmt.Fprintf(r.conn, "shell: %v\n", errConfirmation)
			return errors.Join(errConfirmation, err, r.conn.Finish())
		}
	}
	_, err := r.conn.Write(answer)
	return err
}
