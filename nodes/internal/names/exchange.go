package names

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// query is one question to one server.
type query struct {
	server    netip.AddrPort
	id        uint16
	question  dnsmessage.Question
	message   []byte
	transport string // "udp", or "tcp" when the answer does not fit
}

// newQuery makes a query (RFC 1035 section 4.1). Its number is random, so that a stranger
// who does not see it cannot answer (RFC 5452).
func newQuery(server netip.AddrPort, name dnsmessage.Name, t dnsmessage.Type) (*query, error) {
	q := &query{
		server:    server,
		id:        uint16(rand.Uint32()),
		question:  dnsmessage.Question{Name: name, Type: t, Class: dnsmessage.ClassINET},
		transport: "udp",
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.id, RecursionDesired: true},
		Questions: []dnsmessage.Question{q.question},
	}
	var err error
	if q.message, err = m.Pack(); err != nil {
		return nil, fmt.Errorf("write a query for %v: %w", name, err)
	}
	return q, nil
}

// answer is a server's answer to a query.
type answer struct {
	dnsmessage.Message
	size int // in bytes
	took time.Duration
}

// errNoAnswer is a server that keeps silent.
var errNoAnswer = errors.New("no answer")

// ask sends the query and returns the answer.
func (q *query) ask(ctx context.Context, timeout time.Duration) (answer, error) {
	begin := time.Now()
	exchange := q.askUDP
	if q.transport == "tcp" {
		exchange = q.askTCP
	}
	a, err := exchange(ctx, begin.Add(timeout))
	switch {
	case ctx.Err() != nil:
		return answer{}, context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded), isLimit(err):
		return answer{}, errNoAnswer
	case err != nil:
		return answer{}, err
	}
	a.took = time.Since(begin)
	return a, nil
}

func isLimit(err error) bool {
	var limit *dial.LimitError
	return errors.As(err, &limit)
}

// askUDP waits for the first datagram that answers the query; others may be late
// answers to earlier ones, or somebody's guess.
func (q *query) askUDP(ctx context.Context, deadline time.Time) (answer, error) {
	c, err := dial.UDP(ctx, q.server, dial.Options{ICMPErrors: true})
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := c.SetDeadline(deadline); err != nil {
		return answer{}, err
	}
	if _, err := c.Write(q.message); err != nil {
		return answer{}, errno.Wrap("send", err, q.server.String())
	}
	b := make([]byte, MaxTCP)
	for {
		n, err := c.Read(b)
		if err != nil {
			return answer{}, errno.Wrap("recv", err, q.server.String())
		}
		if a, ok := q.read(b[:n]); ok {
			return a, nil
		}
	}
}

// askTCP is for an answer that does not fit into a datagram (RFC 7766). Before each
// message is its length.
func (q *query) askTCP(ctx context.Context, deadline time.Time) (answer, error) {
	c, err := dial.TCP(ctx, q.server, dial.Options{Limit: time.Until(deadline)})
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := c.SetDeadline(deadline); err != nil {
		return answer{}, err
	}
	if _, err := c.Write(Prefix(q.message)); err != nil {
		return answer{}, errno.Wrap("send", err, q.server.String())
	}
	b, err := ReadPrefixed(c)
	if err != nil {
		return answer{}, errno.Wrap("recv", err, q.server.String())
	}
	a, ok := q.read(b)
	if !ok {
		return answer{}, fmt.Errorf("%v sent something else than an answer", q.server)
	}
	return a, nil
}

// read reads an answer. It reports false for what does not answer this query.
func (q *query) read(b []byte) (answer, bool) {
	a := answer{size: len(b)}
	if err := a.Unpack(b); err != nil || !a.Response || a.ID != q.id {
		return answer{}, false
	}
	// A server that did not understand the question need not repeat it.
	if len(a.Questions) == 0 {
		return a, a.RCode != dnsmessage.RCodeSuccess
	}
	same := a.Questions[0]
	return a, len(a.Questions) == 1 && equalNames(same.Name, q.question.Name) && same.Type == q.question.Type && same.Class == q.question.Class
}

// Prefix returns a message as it is sent over TCP: its length, in two bytes, first.
func Prefix(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

// ReadPrefixed reads a message that was sent over TCP. The error is io.EOF only if
// there is no further message.
func ReadPrefixed(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(r, b); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}
