package service

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asSlow is the first argument by which a benchmark starts this program as many slow
// clients.
const asSlow = "slow"

// slowProgram is clients of addr that each send a byte a second while they are
// switched on. They are switched by each line of standard input, and confirm it.
func slowProgram(addr string) int {
	if err := trickle(addr, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func trickle(addr string, switches io.Reader, confirm io.Writer) error {
	clients := make([]net.Conn, slowClients)
	for i := range clients {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		clients[i] = c
	}
	fmt.Fprintln(confirm, "ready")
	lines := make(chan struct{})
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(switches); s.Scan(); {
			lines <- struct{}{}
		}
	}()
	// Ten clients at a time: the clients' own timers are not what is measured.
	const atOnce = 10
	const pause = atOnce * time.Second / slowClients
	tick := time.NewTicker(pause)
	tick.Stop()
	on := false
	for i := 0; ; {
		select {
		case _, more := <-lines:
			if !more {
				return nil
			}
			if on = !on; on {
				tick.Reset(pause)
			} else {
				tick.Stop()
			}
			fmt.Fprintln(confirm, on)
		case <-tick.C:
			for range atOnce {
				if _, err := clients[i%slowClients].Write([]byte{'x'}); err != nil {
					return err
				}
				i++
			}
		}
	}
}

// slow is slowProgram as its parent sees it.
type slow struct {
	cmd      *exec.Cmd
	switches io.WriteCloser
	confirms *bufio.Scanner
}

func startSlow(b *testing.B, addr string) *slow {
	b.Helper()
	cmd := exec.Command("/proc/self/exe", asSlow, addr)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = cmd.Process.Kill() }) // if the benchmark fails before stop
	s := &slow{cmd, in, bufio.NewScanner(out)}
	require.True(b, s.confirms.Scan())
	return s
}

func (s *slow) toggle(b *testing.B) {
	b.Helper()
	_, err := fmt.Fprintln(s.switches)
	require.NoError(b, err)
	require.True(b, s.confirms.Scan())
}

func (s *slow) stop(b *testing.B) {
	b.Helper()
	require.NoError(b, s.switches.Close())
	require.NoError(b, s.cmd.Wait())
}
