package api

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// bulk is more than the buffers of both sides hold.
	bulk = 1 << 20

	// smallBuffer is what both sides ask for, so that they are full soon.
	smallBuffer = 16 << 10

	// busy is how long nothing more must have come until the server reads.
	busy = 2500 * time.Millisecond
)

func buffersClient(s *story, at []netip.AddrPort) {
	c := s.stream(at[0], buyPhone)
	s.setOption(c, sndBuf, smallBuffer, silent)
	s.option(c, sndBuf, tr("doubled", "加倍"))
	s.connect(c, sockaddr(at[0]), dialUp)
	s.hear(c, hear)
	left := fillBuffers(s, c)

	s.say(tr("a blocking send: only accept and recv block?", "阻塞的 send：难道只有 accept 和 recv 会阻塞？"))
	s.setBlocking(c, true, silent)
	s.timed().sendAll(c, strings.Repeat("x", left), tr("until the server reads, there is no room", "服务器不读，就没有空间"))
	s.shutdown(c, unix.SHUT_WR, tr("that was all", "说完了"))
	s.hear(c, tr("how much the server got", "服务器收到多少"))
	s.close(c, hangUp)
}

// fillBuffers sends without waiting until neither side has room, and returns how
// many bytes of the bulk are left.
func fillBuffers(s *story, c int) int {
	s.say(tr("send without waiting, until there is no room", "不等待地发送，直到没有空间"))
	s.setBlocking(c, false, silent)
	left := bulk
	n, err := s.try().send(c, strings.Repeat("x", left), 0, tr("less than asked: the rest is for you to send again", "比要求的少：其余要自己再发"))
	// What the network carries off makes room for more, until the other side
	// takes no more.
	for err == nil && !s.over() {
		left -= n
		s.until("wait for full buffers", unmoved(c, unix.SIOCOUTQ, stillness))
		n, err = s.try().send(c, strings.Repeat("x", left), 0, tr("again, when nothing moves any more", "等不再变动后再发"))
	}
	s.window(c, tr("what the server would take now", "服务器现在愿意收多少"))
	s.unacknowledged(c, tr("bytes that wait on this side", "在这一侧等待的字节"))
	return left
}

// stillness is how long the bytes of a full buffer must not have moved.
const stillness = 100 * time.Millisecond

// unmoved returns the condition that what waits in one of the queues of fd has not
// moved for a while, and that there is something.
func unmoved(fd int, queue uint, still time.Duration) func() (bool, error) {
	last, since := -1, time.Now()
	return func() (bool, error) {
		n, err := unix.IoctlGetInt(fd, queue)
		if n != last {
			last, since = n, time.Now()
		}
		return n > 0 && time.Since(since) >= still, err
	}
}

func buffersServer(s *story, at []netip.AddrPort) {
	l := s.stream(at[0], buyPhone)
	s.setOption(l, reuseAddr, 1, keepNumber)
	s.setOption(l, rcvBuf, smallBuffer, tr("before listen: accepted sockets inherit it", "在 listen 之前：accept 的套接字会继承"))
	s.option(l, rcvBuf, tr("doubled", "加倍"))
	s.bind(l, sockaddr(at[0]), insertSIM)
	s.listen(l, 5, switchOn)
	s.ready(l)
	c := s.patient().accept(l, pickUp)
	s.send(c, "speak, I am busy", 0, speak)
	s.say(tr("busy: nothing is read until nothing has come for 2.5 s", "正忙：2.5 秒内没有新数据之前什么也不读"))
	s.until("wait for full buffers", unmoved(c, unix.SIOCINQ, busy))
	s.queuedNow(c, tr("bytes that wait on this side", "在这一侧等待的字节"))
	total := s.drain(c)
	s.send(c, fmt.Sprint(total), 0, speak)
	s.hear(c, hungUp)
	s.close(c, hangUp)
	s.close(l, switchOff)
}

// queuedNow is ioctl(2) with FIONREAD.
func (s *story) queuedNow(fd int, note text) { s.queued(fd, 0, note) }

// drain reads to the end, a recv after the other, and prints only their sum.
func (s *story) drain(fd int) int {
	total := 0
	_ = s.make(newCall("recv", tr("until it returned 0", "直到返回 0"), fd, 1024), func() (string, error) {
		b := make([]byte, 1024)
		for {
			n, _, err := unix.Recvfrom(fd, b, 0)
			if err != nil {
				return "", err
			}
			if n == 0 {
				return fmt.Sprintf("%d bytes in many calls", total), nil
			}
			total += n
		}
	})
	return total
}
