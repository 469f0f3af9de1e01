package client

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"
)

func shellLengthCommand() *cobra.Command {
	sh := &remoteShell{answer: (*remoteShell).lengthFirst, size: shellRecv}
	return sh.command(&dialogue{service: "shell-length", port: 8082}, "Send commands; read each answer's length, confirm it, read that many bytes",
		`  client shell-length 10.1.1.10:8082 help "echo hi"`)
}

// recvReady confirms a length.
const recvReady = "recv_ready"

// maxLength is the longest answer that is read, in bytes: its length comes from the
// network.
const maxLength = 64 << 20

// lengthFirst reads an answer after its length, in pieces as the tutorial does.
func (sh *remoteShell) lengthFirst() error {
	digits, err := sh.recvSettled(lengthDigits, func([]byte) bool { return false })
	if err != nil {
		return err
	}
	if len(digits) == 0 {
		return sh.hungUp("without a length")
	}
	length, err := parseLength(digits)
	if err != nil {
		return fmt.Errorf("recv: %w: from %v", err, sh.remote)
	}
	sh.events.Print("length", strconv.Itoa(length), slog.Int("length", length))
	if err := sh.send([]byte(recvReady)); err != nil {
		return err
	}
	answer := make([]byte, 0, length)
	for len(answer) < length {
		b, err := sh.recv(min(sh.size, length-len(answer)))
		if err != nil {
			return err
		}
		if len(b) == 0 {
			return sh.hungUp(fmt.Sprintf("after %d of %d bytes", len(answer), length))
		}
		answer = append(answer, b...)
	}
	sh.print(answer, fmt.Sprintf("%d bytes in pieces of at most %d", length, sh.size))
	return nil
}

// lengthDigits is more than a length in range has.
const lengthDigits = 64

// parseLength reads the length of an answer.
func parseLength(b []byte) (int, error) {
	n, err := strconv.ParseUint(string(b), 10, 63)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && n > maxLength:
		return 0, fmt.Errorf("the length %.40s is more than this client reads (%d)", b, maxLength)
	case err != nil:
		return 0, fmt.Errorf("%.40q is not the length of anything", b)
	}
	return int(n), nil
}
