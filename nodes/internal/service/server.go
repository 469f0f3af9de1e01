package service

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Server is a number of services that listen.
type Server struct {
	listeners []listener
}

// listener is one bound socket of a service.
type listener interface {
	serve(ctx context.Context, g *errgroup.Group) error
	close() error
	String() string // "tcp 0.0.0.0:50007"
	service() string
}

// Run listens, says ready, and serves until ctx is done.
func Run(ctx context.Context, specs []Spec, opt Options) error {
	s, err := Listen(ctx, specs, opt)
	if err != nil {
		return err
	}
	node.From(ctx).Ready(s.String(), slog.Any("listen", s.Addrs()))
	return s.Serve(ctx)
}

// Listen binds the sockets of all services, or none: when it returns an error
// nothing listens. What the services do is printed to the Events of ctx.
func Listen(ctx context.Context, specs []Spec, opt Options) (*Server, error) {
	s := &Server{}
	for _, spec := range specs {
		j := journal{events: node.From(ctx), service: spec.Name, quiet: opt.Quiet}
		if err := s.listen(ctx, spec, opt, j); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *Server) listen(ctx context.Context, spec Spec, opt Options, j journal) error {
	if spec.Handlers.Stream != nil {
		l, err := listenStream(ctx, spec, opt, j)
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, l)
	}
	if spec.Handlers.Datagram != nil {
		l, err := listenDatagram(ctx, spec, j)
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, l)
	}
	return nil
}

// Serve serves until ctx is done; then it closes all sockets and returns when the
// last handler has.
func (s *Server) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range s.listeners {
		g.Go(func() error { return l.serve(ctx, g) })
	}
	g.Go(func() error {
		<-ctx.Done()
		return s.close()
	})
	return g.Wait()
}

// Addrs lists what listens where: "echo tcp 0.0.0.0:50007".
func (s *Server) Addrs() []string {
	addrs := make([]string, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.service() + " " + l.String()
	}
	return addrs
}

// String lists what listens where, each service named once:
// "echo tcp 0.0.0.0:50007, udp 0.0.0.0:50007; upper tcp 0.0.0.0:8081".
func (s *Server) String() string {
	var b strings.Builder
	last := ""
	for _, l := range s.listeners {
		switch name := l.service(); {
		case b.Len() == 0:
			b.WriteString(name + " ")
		case name == last:
			b.WriteString(", ")
		default:
			b.WriteString("; " + name + " ")
		}
		b.WriteString(l.String())
		last = l.service()
	}
	return b.String()
}

func (s *Server) close() error {
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}
