package endurance

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/pairing"
	"github.com/crosslan/crosslan/nodes/internal/relay"
	"github.com/crosslan/crosslan/nodes/internal/socks"
	"github.com/crosslan/crosslan/nodes/internal/tunnel"
)

// programVariable tells this test binary, started again by a test, to be a program of
// the node image, which takes commands from descriptor 3 and answers on 4.
const programVariable = "CROSSLAN_ENDURANCE_PROGRAM"

// descriptors is how many this process and its programs would like to have: 10,000
// connections through a relay are 20,000 for it.
const descriptors = 1 << 16

func TestMain(m *testing.M) {
	// Package os has raised the soft limit to the hard one; only a privileged process
	// can go beyond. What there is, is what tests count on (room).
	limit := unix.Rlimit{Cur: descriptors, Max: descriptors}
	if room() < descriptors {
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	}
	program := os.Getenv(programVariable)
	if program == "" {
		os.Exit(m.Run())
	}
	os.Exit(runProgram(program, os.Args[1:]))
}

// room is how many descriptors a process may have.
func room() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		panic(err)
	}
	return int(min(limit.Cur, 1<<20))
}

// runProgram is a program of the node image.
func runProgram(name string, args []string) int {
	programs := map[string]func() *cobra.Command{
		"relay": func() *cobra.Command {
			return relay.Command(pairing.Command(), socks.Command(), tunnel.RelayCommand())
		},
		"client": func() *cobra.Command {
			cmd := &cobra.Command{Use: "client"}
			cmd.AddCommand(tunnel.Command())
			return cmd
		},
		"target": targetCommand,
	}
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	commands, answers := os.NewFile(3, "commands"), os.NewFile(4, "answers")
	go func() {
		answer(commands, answers)
		stop() // the test is gone
	}()
	return node.Run(ctx, programs[name](), args, os.Stdout, os.Stderr)
}

// held is what a process holds.
type held struct {
	Goroutines, Sockets, Pipes, Others int
	Heap                               uint64 // bytes in use after a collection
}

// answer answers each line with what this process holds.
func answer(commands io.Reader, answers io.Writer) {
	for lines := bufio.NewScanner(commands); lines.Scan(); {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h := held{Goroutines: runtime.NumGoroutine(), Heap: m.HeapAlloc}
		entries, _ := os.ReadDir("/proc/self/fd")
		for _, e := range entries {
			switch to, _ := os.Readlink("/proc/self/fd/" + e.Name()); {
			case strings.HasPrefix(to, "socket:"):
				h.Sockets++
			case strings.HasPrefix(to, "pipe:"):
				h.Pipes++
			default:
				h.Others++
			}
		}
		_ = json.NewEncoder(answers).Encode(h)
	}
}
