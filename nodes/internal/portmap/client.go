package portmap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// Request is what a host asks its router for.
type Request struct {
	Gateway  netip.Addr
	Protocol nat.Protocol
	Inside   uint16        // port
	Outside  uint16        // port that it would like; 0 leaves it to the router
	Lifetime time.Duration // 0 deletes
	For      netip.Addr    // another host that the mapping is for; the zero Addr is this one
	Timeout  time.Duration // of waiting for answers
}

// Answer is what the router gives.
type Answer struct {
	Gateway  netip.Addr
	By       string // the protocol that the router spoke
	Outside  netip.AddrPort
	Lifetime time.Duration
	Epoch    time.Duration // since the router last lost its leases; UPnP has none
}

// ask asks a router by one of the protocols.
type ask func(context.Context, Request) (Answer, error)

var asks = map[string]ask{byPCP: askPCP, byPMP: askPMP, byUPnP: askUPnP}

// askAny asks by PCP and, if the router is too old for it, by NAT-PMP, as RFC 6887,
// section 9, has it.
func askAny(ctx context.Context, r Request) (Answer, error) {
	a, err := askPCP(ctx, r)
	var no *Refused
	if errors.As(err, &no) && no.Code == pcpUnsuppVersion {
		return askPMP(ctx, r)
	}
	return a, err
}

// wholeSeconds is a lifetime as messages have it.
func wholeSeconds(d time.Duration) uint32 { return uint32((d + time.Second - 1) / time.Second) }

// exchange sends a request to the gateway again and again, each time after twice as
// long, until accept takes what has come.
func exchange(ctx context.Context, r Request, request func(local netip.Addr) []byte, first time.Duration, accept func([]byte) bool) error {
	gateway := netip.AddrPortFrom(r.Gateway, Port)
	c, err := dial.UDP(ctx, gateway, dial.Options{})
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	local, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return fmt.Errorf("own address: %w", err)
	}
	message, limit := request(local.Addr()), time.Now().Add(r.Timeout)
	for delay := first; ; delay *= 2 {
		if _, err := c.Write(message); err != nil {
			return errno.Wrap("send", err, gateway.String())
		}
		until := time.Now().Add(delay)
		if until.After(limit) {
			until = limit
		}
		err := receive(c, until, accept)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !isTimeout(err):
			return errno.Wrap("recv", err, gateway.String())
		case !time.Now().Before(limit):
			return fmt.Errorf("no answer from %v within %s (--timeout)", gateway, dial.Seconds(r.Timeout))
		}
	}
}

// receive reads until accept takes a datagram, or the time is over.
func receive(c net.Conn, until time.Time, accept func([]byte) bool) error {
	if err := c.SetReadDeadline(until); err != nil {
		return err
	}
	b := make([]byte, pcpLargest+1)
	for {
		n, err := c.Read(b)
		if err != nil {
			return err
		}
		if accept(b[:n]) {
			return nil
		}
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
