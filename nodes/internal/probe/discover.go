package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/pion/stun/v3"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// discovery is what one question over UDP tells before anything is measured.
type discovery struct {
	local     netip.Addr // from which the kernel sends to the server
	other     netip.AddrPort
	roundTrip time.Duration
}

// discover asks from a connected socket: the kernel tells such a socket at once what
// ICMP says of a server that is not there, and which address it sends from.
func discover(ctx context.Context, o Options) (discovery, error) {
	c, err := dial.UDP(ctx, o.Server, dial.Options{Local: netip.AddrPortFrom(o.Local.Addr(), 0), ICMPErrors: true})
	if err != nil {
		return discovery{}, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	d := discovery{local: addr.Of(c.LocalAddr()).Addr()}
	request, err := newRequest()
	if err != nil {
		return d, err
	}
	for _, wait := range o.patience {
		sent := time.Now()
		if _, err := c.Write(request.Raw); err != nil {
			return d, explain(ctx, "sendto", err, o.Server)
		}
		if err := c.SetReadDeadline(sent.Add(wait)); err != nil {
			return d, err
		}
		m, err := awaitAnswer(c, request)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return d, explain(ctx, "recvfrom", err, o.Server)
		}
		d.roundTrip = time.Since(sent)
		r, err := packet{Message: m, from: o.Server}.read()
		d.other = r.other
		return d, err
	}
	return d, fmt.Errorf("%w from %v over UDP within %v: is a STUN server there?", errSilence, o.Server, o.patience.total())
}

// awaitAnswer reads until the answer to a request comes.
func awaitAnswer(c io.Reader, request *stun.Message) (*stun.Message, error) {
	b := make([]byte, datagram.MaxSize)
	for {
		n, err := c.Read(b)
		if err != nil {
			return nil, err
		}
		m, err := stunserver.Parse(b[:n])
		// An echo sends the request back.
		if err == nil && m.TransactionID == request.TransactionID && m.Type != request.Type {
			return m, nil
		}
	}
}

func explain(ctx context.Context, call string, err error, to netip.AddrPort) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	detail := to.String()
	if errors.Is(err, syscall.ECONNREFUSED) {
		detail += " (no STUN server runs there)"
	}
	return errno.Wrap(call, err, detail)
}
