package api

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// backlog is the topic of the queue before accept. The server is the tutorials': it
// serves one caller at a time, and the first caller keeps it busy.
func backlog() topic {
	return topic{
		name:   "backlog",
		about:  tr("listen(N): how many fit, and what the next one sees", "listen(N)：容得下几个，下一个看到什么"),
		client: &side{takes: takesServer, script: plain(backlogClient)},
		server: &side{takes: takesListen, script: func(f *pflag.FlagSet) script {
			n := f.Int("backlog", 1, "the argument of listen")
			return func(s *story, at []netip.AddrPort) {
				if *n < 0 || *n > maxBacklog {
					s.err = node.Usagef("--backlog %d: choose from 0 to %d", *n, maxBacklog)
					return
				}
				backlogServer(s, at[0], *n)
			}
		}},
	}
}

// maxBacklog keeps the narration readable.
const maxBacklog = 100

func backlogClient(s *story, at []netip.AddrPort) {
	to := sockaddr(at[0])
	first := s.caller(at[0])
	s.hear(first, tr("the server is busy with me", "服务器正忙着接待我"))
	s.say(tr("others call meanwhile", "这时别人也打来"))
	waiting := queueUp(s, at[0])
	s.say(tr("the next one does not wait for the answer, and the first hangs up", "再来一个，不等应答；第一个挂断"))
	late := s.stream(at[0], silent)
	s.setBlocking(late, false, silent)
	s.connectEx(late, to, tr("its SYN is dropped", "它的 SYN 被丢弃"))
	s.send(first, fmt.Sprint(len(waiting)+1), 0, tr("so many are to follow", "后面还有这么多"))
	s.close(first, hangUp)
	s.timed().poll(late, unix.POLLOUT, soon, tr("its second SYN found room", "第二个 SYN 找到了位置"))
	s.socketError(late, tr("connected", "已连接"))
	s.setBlocking(late, true, silent)
	s.send(late, "the late one", 0, silent)
	for _, c := range append(waiting, late) {
		s.hear(c, silent)
		s.close(c, silent)
	}
}

// queueUp opens connections until one gets no answer, and returns the others.
func queueUp(s *story, at netip.AddrPort) []int {
	var waiting []int
	for !s.over() {
		c := s.stream(at, silent)
		s.setOption(c, synCount, 1, tr("ask once more after 1 s, give up after 2 more", "1 秒后再问一次，再过 2 秒放弃"))
		if err := s.timed().connectEx(c, sockaddr(at), silent); err != nil {
			s.close(c, tr("no room, no answer", "没有位置，没有回应"))
			break
		}
		waiting = append(waiting, c)
		s.send(c, "caller "+strconv.Itoa(len(waiting)), 0, tr("connected, and even sent: nobody has accepted", "已连接，甚至已发送：却还没有人 accept"))
	}
	s.say(tr(fmt.Sprintf("%d fit into the queue", len(waiting)), fmt.Sprintf("队列里容下 %d 个", len(waiting))))
	return waiting
}

// queue is getsockopt(2) with TCP_INFO of a socket that listens: how many callers
// wait for accept, and what listen was told.
func (s *story) queue(fd int, note text) {
	s.tcpInfo(fd, note, func(i *unix.TCPInfo) string {
		// The kernel lends these two fields to the queue (tcp_get_info in net/ipv4/tcp.c).
		return fmt.Sprintf("%d wait, backlog %d", i.Unacked, i.Sacked)
	})
}

func backlogServer(s *story, at netip.AddrPort, n int) {
	l := s.listener(at, n)
	c := s.patient().accept(l, pickUp)
	s.send(c, "one moment", 0, tr("busy with this caller alone", "只忙这一个来电"))
	word := s.hear(c, hear)
	s.queue(l, tr("one more than listen was told", "比 listen 说的多一个"))
	follow, err := strconv.Atoi(strings.TrimSpace(word))
	if err != nil && !s.over() {
		s.err = fmt.Errorf("the first caller said %s; it is to say how many follow, as client api backlog does", node.Quote([]byte(word)))
	}
	s.close(c, hangUp)
	for i := 0; i < follow && !s.over(); i++ {
		c := s.accept(l, pickUp)
		s.hear(c, hear)
		s.send(c, fmt.Sprintf("you were number %d", i+1), 0, speak)
		s.close(c, hangUp)
	}
	s.close(l, switchOff)
}
