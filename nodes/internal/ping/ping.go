package ping

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// ping is echo requests to one address.
type ping struct {
	remote   netip.Addr
	count    int
	ttl      int
	size     int // of the payload, in bytes
	df       bool
	raw      bool
	timeout  time.Duration // for each answer
	interval time.Duration // from one request to the next, at least

	s      *socket
	local  netip.Addr
	id     uint16
	data   []byte
	events *node.Events
	sent   map[uint16]time.Time // when each was, by its sequence number
	result result
	last   string // why the last request was not answered
}

// result is what came of the requests.
type result struct{ sent, answered, failed int }

// run sends the requests, one after the other.
func (p *ping) run(ctx context.Context) error {
	p.events, p.sent, p.data = node.From(ctx), map[uint16]time.Time{}, pattern(p.size)
	if err := p.open(); err != nil {
		return err
	}
	defer p.s.close()
	for seq := 1; seq <= p.count; seq++ {
		begin := time.Now()
		if err := p.one(ctx, uint16(seq)); err != nil {
			return err
		}
		if seq == p.count {
			break
		}
		if err := p.pause(ctx, begin.Add(p.interval)); err != nil {
			return err
		}
	}
	return p.end()
}

// open opens the socket and says what will be sent.
func (p *ping) open() error {
	way, err := pathTo(p.remote)
	if err != nil {
		return err
	}
	kindOf, name := icmpSocket, "datagram socket"
	if p.raw {
		kindOf, name = rawSocket, "raw socket"
	}
	if p.s, err = open(kindOf, p.remote); err != nil {
		return err
	}
	p.local = way.source
	if err := p.prepare(); err != nil {
		return errors.Join(err, p.s.close())
	}
	p.events.Print("ping", fmt.Sprintf("%v -> %v %s of payload, ttl %d, %s, id %d", p.local, p.remote, node.Bytes(p.size), p.ttl, name, p.id),
		slog.Any("local", p.local), slog.Any("remote", p.remote), slog.Int("bytes", p.size), slog.Int("ttl", p.ttl), slog.Any("id", p.id))
	return nil
}

// prepare sets options and the identifier. A raw socket has none of its own.
func (p *ping) prepare() (err error) {
	if err := p.s.set(timeToLive(p.ttl), fragmentation(!p.df)); err != nil {
		return err
	}
	if p.raw {
		p.id = uint16(os.Getpid())
		return nil
	}
	p.id, err = p.s.identifier()
	return err
}

// one sends a request and waits for what comes of it.
func (p *ping) one(ctx context.Context, seq uint16) error {
	request, err := echoRequest(p.s.v6, p.id, seq, p.data)
	if err != nil {
		return err
	}
	p.result.sent++
	p.sent[seq] = time.Now()
	if err := p.s.send(request, netip.AddrPortFrom(p.remote, 0)); err != nil {
		return p.notSent(seq, err)
	}
	return p.await(ctx, p.sent[seq].Add(p.timeout), seq)
}

// notSent prints why the kernel would not send, if it is about this request alone.
func (p *ping) notSent(seq uint16, err error) error {
	if !errors.Is(err, syscall.EMSGSIZE) {
		return err
	}
	delete(p.sent, seq)
	way, err := pathTo(p.remote)
	if err != nil {
		return err
	}
	p.print(seq, &problem{errno: syscall.EMSGSIZE, local: true, mtu: way.mtu})
	return nil
}

// await prints what comes until the request seq is answered, or the deadline is
// there. For seq 0 it is the deadline alone.
func (p *ping) await(ctx context.Context, deadline time.Time, seq uint16) error {
	for {
		h, err := p.s.receive(ctx, deadline)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if seq != 0 {
				p.last = fmt.Sprintf("nothing within %s (--timeout)", dial.Seconds(p.timeout))
				p.events.Print("timeout", fmt.Sprintf("seq %d nothing within %s", seq, dial.Seconds(p.timeout)), slog.Any("seq", seq))
			}
			return nil
		}
		if err != nil {
			return err
		}
		if p.take(h) == seq && seq != 0 {
			return nil
		}
	}
}

// pause waits for the time of the next request. A late answer is printed meanwhile.
func (p *ping) pause(ctx context.Context, until time.Time) error { return p.await(ctx, until, 0) }

// take prints an answer or an error and returns the sequence number of the request
// that it is for, or 0 if it is for none of them.
func (p *ping) take(h heard) uint16 {
	if p.raw && !h.readRaw(p.s.v6, p.id) {
		return 0
	}
	if h.problem != nil && h.problem.local {
		return 0 // send has said it
	}
	e, ok := readEcho(p.s.v6, h.data)
	if !ok {
		return 0
	}
	if h.problem != nil {
		if _, waits := p.sent[e.seq]; !waits {
			return 0
		}
		delete(p.sent, e.seq)
		p.print(e.seq, h.problem)
		return e.seq
	}
	p.printReply(e, h)
	return e.seq
}

func (p *ping) print(seq uint16, trouble *problem) {
	p.result.failed++
	who := trouble.reporter(p.local)
	p.last = fmt.Sprintf("%s says %v", who, trouble)
	p.events.Print("error", fmt.Sprintf("%s seq %d %v", who, seq, trouble),
		slog.String("from", who), slog.Any("seq", seq), slog.String("message", trouble.String()),
		slog.Any("type", trouble.message.Type), slog.Any("code", trouble.message.Code), slog.Int("mtu", trouble.mtu))
}

func (p *ping) printReply(e echo, h heard) {
	sent, waits := p.sent[e.seq]
	if !waits { // a second answer, or one to nothing we sent
		p.events.Print("duplicate", fmt.Sprintf("%v seq %d ttl %d", h.from.Addr(), e.seq, h.ttl),
			slog.Any("from", h.from.Addr()), slog.Any("seq", e.seq), slog.Int("ttl", h.ttl))
		return
	}
	delete(p.sent, e.seq)
	p.result.answered++
	took := h.at.Sub(sent)
	text := fmt.Sprintf("%v seq %d ttl %d time %s", h.from.Addr(), e.seq, h.ttl, milliseconds(took))
	if !bytes.Equal(e.data, p.data) {
		text += fmt.Sprintf(" (payload changed: %s)", node.Bytes(len(e.data)))
	}
	p.events.Print("reply", text, slog.Any("from", h.from.Addr()), slog.Any("seq", e.seq),
		slog.Int("ttl", h.ttl), slog.Float64("seconds", took.Seconds()), slog.Int("bytes", len(e.data)))
}

// end prints the result. That nothing was answered is an error.
func (p *ping) end() error {
	r := p.result
	p.events.Print("result", fmt.Sprintf("sent: %d, answered: %d, errors: %d", r.sent, r.answered, r.failed),
		slog.Int("sent", r.sent), slog.Int("answered", r.answered), slog.Int("errors", r.failed))
	if r.answered == 0 {
		return fmt.Errorf("ping: no answer from %v: %s", p.remote, p.last)
	}
	return nil
}

// milliseconds writes a time as every ping does.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.3f ms", float64(d)/float64(time.Millisecond))
}
