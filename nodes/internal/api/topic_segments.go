package api

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// segmentsClient ends two connections and counts, by the kernel's own counters,
// the segments that this took: FIN and ACK of the server may be one (RFC 9293,
// section 3.6, lets the ACK ride on any segment).
func segmentsClient(s *story, at []netip.AddrPort) {
	s.say(tr("a server that closes at once", "立即关闭的服务器"))
	s.countClose(at[0])
	s.say(tr("a server that has something left to say", "还有话要说的服务器"))
	s.countClose(at[0])
}

// countClose has a short conversation, and counts the segments of its end.
func (s *story) countClose(to netip.AddrPort) {
	c := s.caller(to)
	s.send(c, "hello", 0, speak)
	s.hear(c, hear)
	before := s.segments(c, tr("so far", "至此"))
	s.shutdown(c, unix.SHUT_WR, tr("my FIN", "我的 FIN"))
	s.hear(c, tr("the server's FIN", "服务器的 FIN"))
	after := s.segments(c, tr("and after the end", "结束之后"))
	s.close(c, silent)
	in, out := after.in-before.in, after.out-before.out
	s.say(tr(fmt.Sprintf("%d segments: %d from here, %d from the server", in+out, out, in),
		fmt.Sprintf("%d 个报文段：这边发出 %d 个，服务器发出 %d 个", in+out, out, in)))
}

// segmentCount is how many segments a connection has received and sent.
type segmentCount struct{ in, out uint32 }

// segments is getsockopt(2) with TCP_INFO.
func (s *story) segments(fd int, note text) segmentCount {
	var n segmentCount
	s.tcpInfo(fd, note, func(i *unix.TCPInfo) string {
		n = segmentCount{in: i.Segs_in, out: i.Segs_out}
		return fmt.Sprintf("%d segments sent, %d received", n.out, n.in)
	})
	return n
}

// lastWords is longer than a kernel waits with an ACK that might ride on data, which
// is 40 ms on Linux, and at most 500 (RFC 9293, section 3.8.6.3).
const lastWords = 600 * time.Millisecond

func segmentsServer(s *story, at []netip.AddrPort) {
	l := s.listener(at[0], 5)
	c := s.patient().accept(l, pickUp)
	s.hear(c, hear)
	s.send(c, "HELLO", 0, speak)
	s.hear(c, hungUp)
	s.close(c, tr("at once: ACK and FIN in one", "立即：ACK 与 FIN 合一"))

	c = s.accept(l, pickUp)
	s.hear(c, hear)
	s.send(c, "HELLO", 0, speak)
	s.hear(c, hungUp)
	s.pause(lastWords, tr("0.6 s later: the ACK has not waited so long", "0.6 秒后：ACK 等不了这么久"))
	s.close(c, tr("FIN", "FIN"))
	s.close(l, switchOff)
}
