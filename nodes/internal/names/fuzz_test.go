package names

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// FuzzAnswer reads and prints any bytes as a server's answer.
func FuzzAnswer(f *testing.F) {
	q := &query{id: 7, question: dnsmessage.Question{Name: dnsmessage.MustNewName("web.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Questions: []dnsmessage.Question{q.question}}
	b, err := m.Pack()
	require.NoError(f, err)
	r, ok := zoneOf(f, "web.example=10.45.2.10").Answer(b, MaxUDP)
	require.True(f, ok)
	f.Add(r.Message)
	f.Add([]byte{0, 7, 0x81, 0x83, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if text, ok := Describe(b); ok {
			assert.NotEmpty(t, text)
		}
		a, ok := q.read(b)
		if !ok {
			return
		}
		assert.EqualValues(t, 7, a.ID)
		var text bytes.Buffer
		r := &resolve{events: node.NewEvents(&text, node.Text)}
		r.print(q.server, a)
		r.read(a)
		for line := range strings.Lines(text.String()) {
			event, _, _ := strings.Cut(line, " ")
			assert.Contains(t, []string{"answer", "record"}, event, "a line is one event")
		}
	})
}

func FuzzPrefixed(f *testing.F) {
	f.Add([]byte{0, 3, 'a', 'b', 'c'})
	f.Add([]byte{0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadPrefixed(bytes.NewReader(b))
		if err != nil {
			return
		}
		assert.True(t, bytes.HasPrefix(b, Prefix(m)))
	})
}

func FuzzFiles(f *testing.F) {
	f.Add("127.0.0.1 localhost\n", "localhost")
	f.Add("nameserver 127.0.0.11\noptions ndots:0\nsearch .\n", "web")
	f.Fuzz(func(t *testing.T, text, name string) {
		found, lines, err := scanHosts(strings.NewReader(text), name)
		if err == nil {
			assert.LessOrEqual(t, len(found), lines)
		}
		r := defaultResolver()
		if r.scan(strings.NewReader(text), resolvConfPath) != nil {
			return
		}
		if all, err := r.candidates(name); err == nil {
			assert.NotEmpty(t, all)
		}
	})
}
