package probe

import (
	"context"
	"sync"
	"time"
)

// census gathers which mappings of a round were alive.
type census struct {
	mu sync.Mutex
	Lifetime
	dead    time.Duration // the age for which Below was seen
	waiting []waiting
	told    time.Duration
}

// waiting is an age that is waited for.
type waiting struct {
	age    time.Duration
	cancel context.CancelFunc
}

// found adds what was seen of the mapping for an age, a little later maybe than at that
// age. If it was gone, nobody needs to wait for older ones.
func (c *census) found(age, seen time.Duration, alive bool, tell func(time.Duration)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if alive {
		c.AtLeast = max(c.AtLeast, seen)
		if tell != nil && age >= max(firstAge, 2*c.told) {
			c.told = age
			tell(age)
		}
		return
	}
	if c.Below == 0 || seen < c.Below {
		c.Below, c.dead = seen, age
	}
	for _, w := range c.waiting {
		if w.age > age {
			w.cancel()
		}
	}
}

// beyond reports whether a mapping of this age need not be looked at any more.
func (c *census) beyond(age time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Below > 0 && age > c.dead
}
