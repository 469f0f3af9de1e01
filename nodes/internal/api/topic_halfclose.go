package api

import (
	"net/netip"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// halfClose is the topic of a client that has said all and still listens; or that
// does not listen either, which its server learns only when it speaks.
func halfClose() topic {
	return topic{
		name:   "half-close",
		about:  tr("shutdown: stop talking and still listen", "shutdown：不再说话但仍然听"),
		client: &side{takes: takesServer, script: halfCloseClient},
		server: &side{takes: takesListen, script: plain(halfCloseServer)},
	}
}

func halfCloseClient(f *pflag.FlagSet) script {
	end := newChoice(f, "how", "how the client ends what it says", map[string]func(*story, int){
		"shutdown": stillListen,
		"close": func(s *story, c int) {
			s.close(c, tr("a FIN as well, and nobody listens any more", "同样是 FIN，但没有人再听"))
		},
	}, "shutdown", "close")
	return func(s *story, at []netip.AddrPort) {
		c := s.caller(at[0])
		s.send(c, "one", 0, speak)
		s.send(c, "two", 0, speak)
		end.run(s, c)
	}
}

func stillListen(s *story, c int) {
	s.shutdown(c, unix.SHUT_WR, tr("I have said all: a FIN", "我说完了：发 FIN"))
	s.try().send(c, "three", 0, tr("no more words (Python: BrokenPipeError)", "不能再说（Python：BrokenPipeError）"))
	f := s.makeFile(c, tr("but still listening", "但仍在听"))
	f.readline(hear)
	f.readline(hear)
	f.readline(hungUp)
	s.close(c, hangUp)
}

func halfCloseServer(s *story, at []netip.AddrPort) {
	l := s.listener(at[0], 5)
	c := s.patient().accept(l, pickUp)
	s.recv(c, 6, unix.MSG_WAITALL, hear)
	s.hear(c, tr("0: the client has said all; does it still listen?", "0：客户端说完了；它还在听吗？"))
	s.state(c, tr("one direction is closed", "一个方向已关闭"))
	s.send(c, "you said 6 bytes\nand I can still talk\n", 0, speak)
	if s.confirmed(c) {
		s.state(c, tr("the client's kernel has confirmed it", "客户端的内核已确认"))
	} else {
		s.state(c, tr("RST: nobody listens", "RST：没有人在听"))
		s.send(c, "hello?", 0, tr("(Python: BrokenPipeError)", "（Python：BrokenPipeError）"))
	}
	s.close(c, hangUp)
	s.close(l, switchOff)
}

// confirmed waits until the other kernel has confirmed all that was sent, or has
// refused it, and returns which.
func (s *story) confirmed(fd int) bool {
	refused := false
	s.until("wait for the confirmation", func() (bool, error) {
		n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		if err != nil {
			return false, err
		}
		// Asked after the number, which a refusal may change.
		p := pollFds([]int{fd}, 0)
		err = poll(p, 0)
		refused = p[0].Revents != 0
		return refused || n == 0, err
	})
	return !refused
}
