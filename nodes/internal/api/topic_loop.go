package api

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// What the callers of the topic loop say. Everything else is answered in capitals.
const (
	keepBusy = "keep busy" // the server is to answer when the others have spoken, too
	goodbye  = "bye"
)

// loopClient makes three callers. Before it goes on it has the server's answer, so
// that the server meets the same events in every run.
func loopClient(s *story, at []netip.AddrPort) {
	var callers []int
	for range 3 {
		c := s.caller(at[0])
		s.hear(c, silent)
		callers = append(callers, c)
	}
	first, second, third := callers[0], callers[1], callers[2]
	s.say(tr("the last to come speaks first, and is answered first", "最后来的先说话，也先得到回答"))
	s.send(third, "hello", 0, silent)
	s.hear(third, silent)

	s.say(tr("two speak while the server is busy with another", "服务器正忙于一个时，另外两个说话"))
	s.send(first, keepBusy, 0, silent)
	s.hear(first, tr("it is busy now", "它正忙着"))
	s.send(second, "me too", 0, silent)
	s.send(third, "and me", 0, silent)
	for _, c := range callers {
		s.hear(c, silent)
	}

	s.say(tr("they leave", "他们离开"))
	for _, c := range callers {
		s.send(c, goodbye, 0, silent)
		s.hear(c, hungUp)
		s.close(c, silent)
	}
}

// loopServer is one loop round one poll: the only call in which it waits.
func loopServer(s *story, at []netip.AddrPort) {
	l := s.stream(at[0], buyPhone)
	s.setOption(l, reuseAddr, 1, keepNumber)
	s.bind(l, sockaddr(at[0]), insertSIM)
	s.listen(l, 5, switchOn)
	s.setBlocking(l, false, tr("only poll is to wait", "只让 poll 等待"))
	s.ready(l)
	s.patient()
	watched, came := []int{l}, 0
	for !s.over() && (came == 0 || len(watched) > 1) {
		for _, fd := range s.pollAll(watched, unix.POLLIN, silent) {
			switch {
			case fd == l:
				came++
				watched = append(watched, s.welcome(l, came))
			case !s.serve(fd, watched[1:]):
				s.close(fd, hangUp)
				watched = slices.DeleteFunc(watched, func(w int) bool { return w == fd })
			}
		}
	}
	s.close(l, switchOff)
}

// welcome accepts the n-th caller.
func (s *story) welcome(l, n int) int {
	c := s.accept(l, pickUp)
	s.setBlocking(c, false, silent)
	s.send(c, fmt.Sprintf("you are number %d", n), 0, silent)
	return c
}

// serve answers what one of the callers has said, and returns whether it stays.
func (s *story) serve(fd int, callers []int) bool {
	word := s.hear(fd, silent)
	switch word {
	case goodbye, "":
		return false
	case keepBusy:
		s.send(fd, "one moment", 0, silent)
		s.say(tr("busy until the others have spoken, too", "忙到其他人也说了话为止"))
		s.until("wait for the other callers' words", func() (bool, error) { return allHaveSpoken(callers, fd) })
	}
	s.send(fd, strings.ToUpper(word), 0, silent)
	return true
}

// allHaveSpoken reports whether there is something to read from every caller but
// one.
func allHaveSpoken(callers []int, but int) (bool, error) {
	for _, c := range callers {
		n, err := unix.IoctlGetInt(c, unix.SIOCINQ)
		if c != but && (n == 0 || err != nil) {
			return false, err
		}
	}
	return true, nil
}
