package ping

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// traceroute is probes to one address whose TTL grows, so that each router on the way
// is the one that has to say that it ran out.
type traceroute struct {
	remote  netip.Addr
	icmp    bool // echo requests, not datagrams
	port    int  // of the first datagram; each goes to another
	hops    int  // at most
	probes  int  // for each hop
	timeout time.Duration

	s      *socket
	local  netip.Addr
	events *node.Events
	last   uint16 // number of the last probe
}

// hop is what came of the probes of one TTL.
type hop struct {
	ttl     int
	from    string          // who answered; "" if nobody did
	answer  string          // what it said
	took    []time.Duration // by each probe; 0 for one without answer
	arrived bool
	blocked bool // it is no use to go on
}

// run sends probes until one arrives.
func (t *traceroute) run(ctx context.Context) error {
	t.events = node.From(ctx)
	if err := t.open(); err != nil {
		return err
	}
	defer t.s.close()
	for ttl := 1; ttl <= t.hops; ttl++ {
		h, err := t.hop(ctx, ttl)
		if err != nil {
			return err
		}
		t.print(h)
		switch {
		case h.arrived:
			return nil
		case h.blocked:
			return fmt.Errorf("traceroute: %v cannot be reached: %s says %s", t.remote, h.from, h.answer)
		}
	}
	return fmt.Errorf("traceroute: %v was not reached within %d hops (--max-hops)", t.remote, t.hops)
}

func (t *traceroute) open() error {
	kindOf, name := udpSocket, fmt.Sprintf("datagrams to ports from %d", t.port)
	if t.icmp {
		kindOf, name = icmpSocket, "echo requests"
	}
	way, err := pathTo(t.remote)
	if err != nil {
		return err
	}
	s, err := open(kindOf, t.remote)
	if err != nil {
		return err
	}
	t.s, t.local = s, way.source
	// A packet that the path's MTU does not fit is not what is asked about.
	if err := s.set(fragmentation(true)); err != nil {
		return errors.Join(err, s.close())
	}
	t.events.Print("traceroute", fmt.Sprintf("%v -> %v %s, at most %d hops", t.local, t.remote, name, t.hops),
		slog.Any("local", t.local), slog.Any("remote", t.remote), slog.Bool("icmp", t.icmp), slog.Int("hops", t.hops))
	return nil
}

// hop probes with one TTL.
func (t *traceroute) hop(ctx context.Context, ttl int) (hop, error) {
	h := hop{ttl: ttl}
	if err := t.s.set(timeToLive(ttl)); err != nil {
		return h, err
	}
	for range t.probes {
		begin := time.Now()
		if err := t.send(); err != nil {
			return h, err
		}
		answer, err := t.await(ctx, begin.Add(t.timeout))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			h.took = append(h.took, 0)
			continue
		}
		if err != nil {
			return h, err
		}
		h.took = append(h.took, answer.at.Sub(begin))
		h.add(answer, t.local)
	}
	return h, nil
}

// add takes in the answer to a probe.
func (h *hop) add(answer heard, local netip.Addr) {
	trouble := answer.problem
	if trouble == nil {
		h.from, h.answer, h.arrived = answer.from.Addr().String(), "an answer", true
		return
	}
	h.from, h.answer = trouble.reporter(local), trouble.String()
	switch {
	case trouble.message.IsTimeExceeded():
	case trouble.message.IsPortUnreachable():
		h.arrived = true
	default:
		h.blocked = true
	}
}

// send sends the next probe.
func (t *traceroute) send() error {
	t.last++
	if !t.icmp {
		return t.s.send(pattern(32), t.target())
	}
	request, err := echoRequest(t.s.v6, 0, t.last, pattern(32))
	if err != nil {
		return err
	}
	return t.s.send(request, t.target())
}

// target is where the last probe goes. The port tells to which probe an answer
// belongs; for ICMP it is the sequence number.
func (t *traceroute) target() netip.AddrPort {
	if t.icmp {
		return netip.AddrPortFrom(t.remote, 0)
	}
	return netip.AddrPortFrom(t.remote, uint16(t.port)+t.last-1)
}

// await waits for what comes of the last probe.
func (t *traceroute) await(ctx context.Context, deadline time.Time) (heard, error) {
	for {
		h, err := t.s.receive(ctx, deadline)
		if err != nil {
			return heard{}, err
		}
		if t.isLast(h) && (h.problem == nil || !h.problem.local) {
			return h, nil
		}
	}
}

// isLast tells the answer to the last probe from a late one. What the error queue
// gives as the address is where the probe went to.
func (t *traceroute) isLast(h heard) bool {
	if !t.icmp {
		return h.from == t.target()
	}
	e, ok := readEcho(t.s.v6, h.data)
	return ok && e.seq == t.last
}

func (t *traceroute) print(h hop) {
	text := fmt.Sprintf("%d * no answer within %s", h.ttl, dial.Seconds(t.timeout))
	if h.from != "" {
		text = fmt.Sprintf("%d %s %s %s", h.ttl, h.from, times(h.took), h.answer)
	}
	if h.arrived {
		text += " (arrived)"
	}
	seconds := make([]float64, len(h.took))
	for i, took := range h.took {
		seconds[i] = took.Seconds()
	}
	t.events.Print("hop", text, slog.Int("ttl", h.ttl), slog.String("from", h.from), slog.Any("seconds", seconds),
		slog.String("answer", h.answer), slog.Bool("arrived", h.arrived))
}

// times writes what each probe took, and a star for one that was not answered.
func times(took []time.Duration) string {
	words := make([]string, len(took))
	for i, d := range took {
		words[i] = "*"
		if d > 0 {
			words[i] = milliseconds(d)
		}
	}
	return strings.Join(words, " ")
}
