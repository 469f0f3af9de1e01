package lab

import (
	"bytes"
	"context"
	"testing"
)

// Run loads the Compose file at path, starts it for the test t, and takes it
// away when the test ends. If the test fails, the log of every node is in
// its output. Any error ends the test.
func Run(t testing.TB, path string, opts ...Option) *Lab {
	t.Helper()
	topology, err := Load(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]Option{Progress(func(s string) { t.Log(s) })}, opts...)
	l, err := Start(t.Context(), topology, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background() // t.Context has ended by now
		if t.Failed() {
			l.logTo(ctx, t)
		}
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return l
}

// logTo writes every node's log to the test's.
func (l *Lab) logTo(ctx context.Context, t testing.TB) {
	for _, name := range l.topology.NodeNames() {
		var b bytes.Buffer
		if err := l.Node(name).Logs(ctx, &b, false); err != nil {
			t.Log(err)
			continue
		}
		t.Logf("log of node %s:\n%s", name, b.Bytes())
	}
}
