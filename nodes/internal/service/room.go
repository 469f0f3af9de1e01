package service

import (
	"io"
	"slices"
	"sync"
)

// mailbox is how many lines wait for a client that does not read, or in an empty
// room for the next who comes.
const mailbox = 64

// room is who is in a chat.
type room struct {
	mu      sync.Mutex
	members []*member
	waiting []spoken // said while nobody else was there
}

// spoken is a line and who said it.
type spoken struct {
	by   *member
	line []byte
}

// member is one client of a chat.
type member struct {
	lines chan []byte   // that it is to hear
	left  chan struct{} // closed when it has left; nothing is added to lines then
	drop  func()        // called when there is no room in lines
	slow  chan struct{} // closed then
	once  sync.Once
}

func newRoom() *room { return &room{} }

// enter adds a client. It hears first what was said to an empty room, so that of
// two who begin to talk at the same time neither misses the other. A client that
// does not read is dropped.
func (r *room) enter(drop func()) *member {
	m := &member{lines: make(chan []byte, mailbox), left: make(chan struct{}), drop: drop, slow: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = append(r.members, m)
	for _, s := range r.waiting {
		m.hear(s.line)
	}
	r.waiting = nil
	return m
}

// leave removes a client, and what it said to nobody.
func (r *room) leave(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = slices.DeleteFunc(r.members, func(other *member) bool { return other == m })
	r.waiting = slices.DeleteFunc(r.waiting, func(s spoken) bool { return s.by == m })
	close(m.left)
}

// say passes a line on to all others.
func (r *room) say(by *member, line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) == 1 {
		if len(r.waiting) == mailbox {
			r.waiting = r.waiting[1:]
		}
		r.waiting = append(r.waiting, spoken{by, line})
		return
	}
	for _, m := range r.members {
		if m != by {
			m.hear(line)
		}
	}
}

// hear puts a line into a client's mailbox.
func (m *member) hear(line []byte) {
	select {
	case m.lines <- line:
	default:
		m.once.Do(func() {
			close(m.slow)
			m.drop()
		})
	}
}

// dropped reports whether the client was too slow.
func (m *member) dropped() bool {
	select {
	case <-m.slow:
		return true
	default:
		return false
	}
}

// deliver writes to the client what it is to hear, until it has left.
func (m *member) deliver(w io.Writer) error {
	for {
		select {
		case line := <-m.lines:
			if _, err := w.Write(line); err != nil {
				return err
			}
		case <-m.left:
			return m.deliverRest(w)
		}
	}
}

// deliverRest writes what is left in the mailbox.
func (m *member) deliverRest(w io.Writer) error {
	for {
		select {
		case line := <-m.lines:
			if _, err := w.Write(line); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}
