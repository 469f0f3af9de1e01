package tunnel

import (
	"context"
	"sync"
)

// portTable says whose each published port is.
type portTable struct {
	mu     sync.Mutex
	owners map[Publication]*attached
}

// claim makes all ports of a its own. A port of a client that no longer answers is
// taken from it; one of a client that does is not.
func (t *portTable) claim(ctx context.Context, a *attached) error {
	for {
		p, owner := t.tryClaim(a)
		if owner == nil {
			return nil
		}
		if owner.alive(ctx) {
			return refuseFor(taken, "%v is taken by the client at %v", p, owner.from)
		}
		owner.evict()
		select {
		case <-owner.released:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// tryClaim makes all ports of a its own, or none; then it returns one and whose it is.
func (t *portTable) tryClaim(a *attached) (Publication, *attached) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range a.ports {
		if owner := t.owners[p]; owner != nil {
			return p, owner
		}
	}
	for _, p := range a.ports {
		t.owners[p] = a
	}
	return Publication{}, nil
}

func (t *portTable) release(a *attached) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range a.ports {
		if t.owners[p] == a {
			delete(t.owners, p)
		}
	}
}
