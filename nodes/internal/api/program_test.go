// As in nodes/client and nodes/server: the first socket is descriptor 3.

//go:debug containermaxprocs=0

package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// programVariable makes the test binary one of the two programs: only a process of
// its own has the descriptors, and meets the signals, that a reader's has.
const programVariable = "CROSSLAN_API_PROGRAM"

func TestMain(m *testing.M) {
	switch name := os.Getenv(programVariable); name {
	case "client":
		root := &cobra.Command{Use: name}
		root.AddCommand(ClientCommand())
		node.Main(root)
	case "server":
		root := &cobra.Command{Use: name}
		root.AddCommand(ServerCommand())
		node.Main(root)
	default:
		os.Exit(withBinary(m.Run))
	}
}

// programFile is the test binary where nobody can read it, too.
var programFile string

// withBinary runs the tests with a copy of their binary, outside the directory that go
// test keeps to itself.
func withBinary(run func() int) int {
	// The programs wait for each other and for time to pass; they need no core each.
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "crosslan-api-")
	if err == nil {
		defer os.RemoveAll(dir)
		programFile = filepath.Join(dir, "program")
		// What the tests themselves inherited is not for the programs.
		err = errors.Join(unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC),
			os.Chmod(dir, 0o755), copyFile(programFile, os.Args[0]))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

// nobody is the user of a program in the node image.
const nobody = 65534

// hang is when a program that does not end is ended.
const hang = time.Minute

// program is a running client or server.
type program struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	begin  bytes.Buffer // what was read up to ready
	errors bytes.Buffer
}

// newProgram is "client ..." or "server ..." as in the node image: without privileges,
// unless caps gives it some.
func newProgram(t *testing.T, line string, caps ...uintptr) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	t.Cleanup(cancel)
	args := strings.Fields(line)
	p := &program{cmd: exec.CommandContext(ctx, programFile, args[1:]...)}
	if os.Geteuid() == 0 {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, AmbientCaps: caps}
	}
	// The race detector would otherwise let each program wait a second at its end.
	p.cmd.Env = append(os.Environ(), programVariable+"="+args[0], "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = &p.errors
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewReader(out)
	return p
}

// start starts a program.
func start(t *testing.T, line string, caps ...uintptr) *program {
	t.Helper()
	p := newProgram(t, line, caps...)
	require.NoError(t, p.cmd.Start())
	return p
}

// ready waits until the program says so, and returns where it listens.
func (p *program) ready(t *testing.T) netip.AddrPort {
	t.Helper()
	fields := strings.Fields(p.line(t, "ready "))
	return netip.MustParseAddrPort(fields[len(fields)-1])
}

// line waits for a line that begins so.
func (p *program) line(t *testing.T, prefix string) string {
	t.Helper()
	for {
		line, err := p.out.ReadString('\n')
		p.begin.WriteString(line)
		require.NoError(t, err, "%s%s", &p.begin, &p.errors)
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
}

// wait waits for the program's end, and returns its output and its status.
func (p *program) wait(t *testing.T) (string, int) {
	t.Helper()
	rest, err := io.ReadAll(p.out)
	require.NoError(t, err)
	// Its error is the status.
	_ = p.cmd.Wait()
	return p.begin.String() + string(rest), p.cmd.ProcessState.ExitCode()
}

// run runs a program to its end, which must be a good one.
func run(t *testing.T, line string, caps ...uintptr) string {
	t.Helper()
	p := start(t, line, caps...)
	out, status := p.wait(t)
	require.Zero(t, status, "%s\n%s%s", line, out, &p.errors)
	return out
}
