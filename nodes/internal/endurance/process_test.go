package endurance

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// process is a program of the node image that is ready.
type process struct {
	cmd      *exec.Cmd
	commands io.WriteCloser
	answers  *json.Decoder

	mu     sync.Mutex
	events []string // the lines of its log that were asked for
	more   chan struct{}
	ended  chan struct{} // its log has ended
}

// start starts a program, in a network namespace if one is given, and waits until it
// is ready. Of its log only lines that keep is true for are kept.
func start(t testing.TB, in *nstest.Namespace, keep func(line string) bool, program string, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), programVariable+"="+program)
	cmd.Stderr = os.Stderr
	log, err := cmd.StdoutPipe()
	require.NoError(t, err)
	commandsOut, commands, err := os.Pipe()
	require.NoError(t, err)
	answers, answersIn, err := os.Pipe()
	require.NoError(t, err)
	cmd.ExtraFiles = []*os.File{commandsOut, answersIn}
	if in != nil {
		in.Start(t, cmd)
	} else {
		require.NoError(t, cmd.Start())
	}
	commandsOut.Close()
	answersIn.Close()
	p := &process{cmd: cmd, commands: commands, answers: json.NewDecoder(answers), more: make(chan struct{}), ended: make(chan struct{})}
	t.Cleanup(func() { p.end(syscall.SIGKILL); commands.Close(); answers.Close() })
	go p.read(log, keep)
	p.wait(t, "ready")
	return p
}

// read reads the log.
func (p *process) read(log io.Reader, keep func(string) bool) {
	defer close(p.ended)
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, "ready") && (keep == nil || !keep(line)) {
			continue
		}
		p.mu.Lock()
		p.events = append(p.events, line)
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
}

// wait returns the first kept line that has part, when there is one.
func (p *process) wait(t testing.TB, part string) string {
	t.Helper()
	limit := time.After(patience)
	for {
		p.mu.Lock()
		more, events := p.more, p.events
		p.mu.Unlock()
		for _, e := range events {
			if strings.Contains(e, part) {
				return e
			}
		}
		select {
		case <-more:
		case <-p.ended:
			t.Fatalf("%s ended without %q; its log has %q", p.cmd.Args[1:], part, events)
		case <-limit:
			t.Fatalf("%s: no %q after %v; its log has %q", p.cmd.Args[1:], part, patience, events)
		}
	}
}

// held asks what the process holds.
func (p *process) held(t testing.TB) held {
	t.Helper()
	_, err := io.WriteString(p.commands, "held\n")
	require.NoError(t, err)
	var h held
	require.NoError(t, p.answers.Decode(&h))
	return h
}

// atRest is what the process holds once that has been the same for a while: who has just
// said that it is ready, or has ended a connection, may not be done with it.
func (p *process) atRest(t testing.TB) held {
	t.Helper()
	const same = 10
	h := p.held(t)
	for n := 0; n < same; n++ {
		time.Sleep(10 * time.Millisecond)
		before := h
		if h = p.held(t); !h.sameAs(before) {
			n = 0
		}
	}
	return h
}

// sameAs reports whether h is as many of everything as o.
func (h held) sameAs(o held) bool {
	o.Heap = h.Heap
	return h == o
}

// end ends the process by a signal, and waits for it.
func (p *process) end(by syscall.Signal) {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(by)
	<-p.ended // exec.Cmd.StdoutPipe: all reads must be done before Wait
	_ = p.cmd.Wait()
}

// unusual keeps what a relay says but of ordinary connections.
func unusual(line string) bool {
	return !strings.HasPrefix(line, "accepted") && !strings.HasPrefix(line, "connected") && !strings.HasPrefix(line, "asked")
}

// told returns the first lines that were kept.
func (p *process) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events[:min(8, len(p.events))]
}
