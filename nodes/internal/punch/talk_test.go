package punch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTalk: what partners can do over a path.
func TestTalk(t *testing.T) {
	l := newLab(t)
	l.become(t, home1, home1)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("abc"), 0o600))
	for _, c := range []struct {
		name string
		a, b []string
		want []string // in b's output
	}{
		{"echo over UDP", []string{"--serve", "echo"}, []string{"--say", "one", "--say", "two"}, []string{"reply      one\n", "reply      two\n"}},
		{"echo over TCP", []string{"--tcp", "--serve", "echo"}, []string{"--tcp", "--say", "one", "--say", "two"}, []string{"reply      one\n", "reply      two\n"}},
		{"upper", []string{"--tcp", "--serve", "upper"}, []string{"--tcp", "--say", "one"}, []string{"reply      ONE\n"}},
		{"chat", []string{"--tcp", "--chat", "--name", "ann", "--say", "hello", "--until", "bye"},
			[]string{"--tcp", "--chat", "--name", "bob", "--when", "hello", "--say", "hi", "--say", "bye"},
			[]string{"heard      ann: hello\n", "said       bob: bye\n"}},
		{"get", []string{"--tcp", "--serve", "file", "--dir", dir}, []string{"--tcp", "--get", "notes.txt", "--discard"},
			[]string{"md5        900150983cd24fb0d6963f7d28e17f72 notes.txt\n"}},
		{"post", []string{"--tcp", "--serve", "file", "--dir", dir}, []string{"--tcp", "--post", "big", "--generate", "1MB"},
			[]string{"posted     big 1000000 bytes"}},
		{"chat over UDP", []string{"--chat", "--name", "ann", "--say", "hello", "--until", "bye"},
			[]string{"--chat", "--name", "bob", "--when", "hello", "--say", "hi", "--say", "bye"},
			[]string{"stream     quic to 198.18.1.2:", "heard      ann: hello\n", "said       bob: bye\n"}},
		{"get over UDP", []string{"--serve", "file", "--dir", dir}, []string{"--get", "notes.txt", "--discard"},
			[]string{"md5        900150983cd24fb0d6963f7d28e17f72 notes.txt\n"}},
		{"post over UDP", []string{"--serve", "file", "--dir", dir}, []string{"--post", "large", "--generate", "100MB"},
			[]string{"posted     large 100000000 bytes"}},
		{"nothing of a file service", []string{"--serve", "file", "--dir", dir}, nil, []string{"path       direct"}},
		{"nothing", nil, nil, []string{"path       direct"}},
		{"nothing over TCP", []string{"--tcp"}, []string{"--tcp"}, []string{"path       direct"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"--rendezvous", l.server.String(), "--token", c.name}
			a, b := l.start(t, 0, append(args, c.a...)...), l.start(t, 1, append(args, c.b...)...)
			statusA, statusB := a.end(t), b.end(t)
			logs := a.out.String() + b.out.String()
			assert.Equal(t, []int{0, 0}, []int{statusA, statusB}, logs)
			for _, want := range c.want {
				assert.Contains(t, b.out.String(), want, logs)
			}
		})
	}
}

// TestOnlyOneWantsAStream: who does learns that the other does not, whichever leads.
func TestOnlyOneWantsAStream(t *testing.T) {
	l := newLab(t)
	l.become(t, home1, home1)
	args := []string{"--rendezvous", l.server.String(), "--token", "stream or not", "--timeout", "1s"}
	for range 4 {
		a, b := l.start(t, 0, append(args, "--serve", "echo")...), l.start(t, 1, append(args, "--chat", "--say", "hello")...)
		statusA, statusB := a.end(t), b.end(t)
		assert.Equal(t, []int{0, 1}, []int{statusA, statusB}, a.out.String()+b.out.String())
		assert.Contains(t, b.out.String(), "it does not answer by QUIC within 1 s: both sides must want a stream, as for files and chats")
	}
}

// TestInterrupted: who is interrupted says that and nothing else, and the partner knows
// that it was no end.
func TestInterrupted(t *testing.T) {
	l := newLab(t)
	l.become(t, home1, home1)
	for _, tcp := range []bool{false, true} {
		t.Run(name(tcp), func(t *testing.T) {
			args := []string{"--rendezvous", l.server.String(), "--token", "interrupted " + name(tcp), "--chat", "--say", "hello", "--until", "bye"}
			if tcp {
				args = append(args, "--tcp")
			}
			a, b := l.start(t, 0, args...), l.start(t, 1, args...)
			a.out.Wait(t, "heard      hello")
			b.out.Wait(t, "heard      hello")
			require.NoError(t, a.cmd.Process.Signal(os.Interrupt))
			assert.Equal(t, []int{1, 1}, []int{a.end(t), b.end(t)})
			assert.True(t, strings.HasSuffix(a.out.String(), "\nclient: interrupt signal received\n"), a.out.String())
			assert.Contains(t, b.out.String(), "before \"bye\" was heard")
		})
	}
}

// TestStay: one serves partner after partner, whatever becomes of each.
func TestStay(t *testing.T) {
	l := newLab(t)
	l.become(t, home1, home1)
	for _, tcp := range []bool{false, true} {
		t.Run(name(tcp), func(t *testing.T) {
			args := []string{"--rendezvous", l.server.String(), "--token", "stay " + name(tcp)}
			if tcp {
				args = append(args, "--tcp")
			}
			b := l.start(t, 1, append(args, "--serve", "echo", "--stay", "--idle", "2s")...)
			b.out.Wait(t, "ready ")
			for i := range 4 {
				if i == 2 { // one that is killed in the middle
					c := l.start(t, 0, append(args, "--serve", "echo")...)
					c.out.Wait(t, "path       direct")
					require.NoError(t, c.cmd.Process.Kill())
					_ = c.cmd.Wait()
					b.out.Wait(t, map[bool]string{false: "was not heard for 2 s (--idle)", true: "closed "}[tcp])
					continue
				}
				a := l.start(t, 0, append(args, "--say", "hello")...)
				assert.Zero(t, a.end(t), a.out.String()+b.out.String())
				assert.Contains(t, a.out.String(), "reply      hello\n")
			}
			require.NoError(t, b.cmd.Process.Signal(os.Interrupt))
			assert.Zero(t, b.end(t), b.out.String())
		})
	}
}

// BenchmarkFile: a file of 100 MB that one partner sends and the other keeps, meeting and
// punching included.
func BenchmarkFile(b *testing.B) {
	l := newLab(b)
	l.become(b, home1, home1)
	serves, sends := l.agent(b, 0), l.agent(b, 1)
	dir := b.TempDir()
	for _, tcp := range []bool{true, false} {
		b.Run(name(tcp), func(b *testing.B) {
			const size = 100_000_000
			b.SetBytes(size)
			args := []string{"--rendezvous", l.server.String(), "--token", "file over " + name(tcp)}
			if tcp {
				args = append(args, "--tcp")
			}
			for b.Loop() {
				serves.begin(b, append(args, "--serve", "file", "--dir", dir)...)
				sends.begin(b, append(args, "--post", "large", "--generate", "100MB")...)
				a, c := serves.end(b), sends.end(b)
				require.Equal(b, []int{0, 0}, []int{a.Status, c.Status}, a.Output+c.Output)
				require.NoError(b, os.Remove(filepath.Join(dir, "large")))
			}
		})
	}
}
