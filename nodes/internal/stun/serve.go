package stun

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Serve answers until ctx is done; then it closes all sockets, and returns when the
// last connection has ended.
func (s *Server) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, at := range s.config.spots() {
		g.Go(func() error { return s.serveUDP(ctx, at) })
		g.Go(func() error { return s.serveTCP(ctx, g, at) })
	}
	g.Go(func() error {
		<-ctx.Done()
		return s.close()
	})
	err := g.Wait()
	s.journal.stopped()
	return err
}
