package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/spf13/pflag"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Partner is a service that does not listen, but serves the other end of a connection
// that it is given.
type Partner struct {
	name     string
	handlers Handlers
}

// Partners adds the flags of the named services, and returns how to choose one.
func (r *Registry) Partners(flags *pflag.FlagSet, names ...string) func(name string) (*Partner, error) {
	all := map[string]*Partner{}
	for _, name := range names {
		s, found := r.Lookup(name)
		if !found {
			panic(fmt.Sprintf("service: there is no %s", name))
		}
		all[name] = &Partner{name, s.New(flags)}
	}
	return func(name string) (*Partner, error) {
		p := all[name]
		if p == nil {
			return nil, fmt.Errorf("%q cannot be served to a partner; choose from: %s", name, strings.Join(names, ", "))
		}
		if p.handlers.Check != nil {
			if err := p.handlers.Check(); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		return p, nil
	}
}

// Datagrams reports whether the service answers datagrams.
func (p *Partner) Datagrams() bool { return p.handlers.Datagram != nil }

// Stream serves one connection until it ends. That the client ends it is no error.
func (p *Partner) Stream(ctx context.Context, s Socket) error {
	c := newConn(s, p.journal(ctx), 0)
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	err := p.handlers.Stream(ctx, c)
	c.journal.closed(ctx, c.remote, err)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Datagram answers one datagram after the other, each of which is a Read of c, until
// that ends.
func (p *Partner) Datagram(ctx context.Context, c net.Conn) error {
	j, remote := p.journal(ctx), addr.Of(c.RemoteAddr())
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	b := make([]byte, datagram.MaxSize)
	for {
		n, err := c.Read(b)
		if err != nil {
			j.closed(ctx, remote, err)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		j.received(remote, b[:n])
		answer := p.handlers.Datagram(ctx, b[:n])
		if answer == nil {
			continue
		}
		if _, err := c.Write(answer); err != nil {
			return err
		}
		j.sent(remote, answer)
	}
}

func (p *Partner) journal(ctx context.Context) journal {
	return journal{events: node.From(ctx), service: p.name}
}
